//! Guards inside a statement, taken out as [`protocol::holes`] does it: `without!("NAME", SQL, "AND guard")`.

/// The statement as it is: nothing else in this program.
#[cfg(not(feature = "test-control"))]
macro_rules! without {
    ($name:literal, $statement:expr, $guard:literal $(=> $instead:literal)?) => {
        $statement
    };
}

/// The statement, without its guard where a test took that out; `=>` says what stands there instead.
#[cfg(feature = "test-control")]
macro_rules! without {
    ($name:literal, $statement:expr, $guard:literal) => {
        without!($name, $statement, $guard => "")
    };
    ($name:literal, $statement:expr, $guard:literal => $instead:literal) => {
        if protocol::hole!($name) { crate::holes::cut($statement, $guard, $instead) } else { $statement }
    };
}

pub(crate) use without;

/// The statement with its guard replaced.
///
/// # Panics
/// When the guard is not in it: a test that takes out nothing would prove nothing.
#[cfg(feature = "test-control")]
pub(crate) fn cut(statement: &'static str, guard: &str, instead: &str) -> &'static str {
    assert!(statement.contains(guard), "{guard:?} is not in {statement:?}");
    // Forgotten on purpose: a statement has to live as long as the process, and this one dies with its attack.
    Box::leak(statement.replacen(guard, instead, 1).into_boxed_str())
}
