//! Guards that a test takes out one at a time, to see which attack notices. What is shipped has none of it.
//!
//! `hole!("NAME")` stands beside its guard: `hole!("proof_method") || claims.htm == call.method`. Without the feature
//! `test-control` it is never true, and its name is nowhere in the program. With it, a guard is out once
//! `open` was told its name, which `countersign-server-controlled` alone does. The names and the
//! attacks that have to notice are in `tests/src/bin/attack/guards.rs`.

#[cfg(feature = "test-control")]
use std::sync::OnceLock;

#[cfg(feature = "test-control")]
static OPEN: OnceLock<String> = OnceLock::new();

/// No guard is out in this program.
#[cfg(not(feature = "test-control"))]
pub const fn never() -> bool {
    false
}

/// Takes the guard of this name out for as long as the process lives. Only the first call does.
#[cfg(feature = "test-control")]
pub fn open(name: String) {
    // A second name would take a second guard out, and nobody could tell which of the two an attack noticed.
    let _ = OPEN.set(name);
}

/// Whether the guard of this name, written `hole: NAME`, was taken out. So written it can be looked for in a program.
#[cfg(feature = "test-control")]
pub fn is_open(written: &str) -> bool {
    OPEN.get().is_some_and(|open| written.strip_prefix("hole: ") == Some(open))
}

/// Whether a test took the guard of this name out.
#[cfg(feature = "test-control")]
#[macro_export]
macro_rules! hole {
    ($name:literal) => {
        $crate::holes::is_open(concat!("hole: ", $name))
    };
}

/// Whether a test took the guard of this name out: never in this program.
#[cfg(not(feature = "test-control"))]
#[macro_export]
macro_rules! hole {
    ($name:literal) => {
        $crate::holes::never()
    };
}
