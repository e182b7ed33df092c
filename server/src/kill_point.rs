//! Named places at which a test lets the process die, as a power cut or `kill -9` would: nothing is closed, flushed or
//! answered. Without the feature `test-control` they are nothing at all.
//!
//! - `before commit: WHAT`, `after commit: WHAT`: around a durable commit, WHAT as in
//!   [`StoreError`](crate::store::StoreError); its caller does not know of it yet,
//! - `before record: WHAT`, `after record: WHAT`: around a change of the short-lived record, WHAT is the state's word,
//! - `before reply: METHOD PATH`: all is done and nothing was said; PATH with its `{id}`.

#[cfg(feature = "test-control")]
use std::sync::Mutex;

/// The next place to die at.
#[cfg(feature = "test-control")]
static ARMED: Mutex<Option<String>> = Mutex::new(None);

/// The process dies when it comes to the place of this name.
#[cfg(feature = "test-control")]
pub fn arm(name: &str) {
    *ARMED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(name.to_owned());
}

/// Dies if this is the place.
#[cfg(feature = "test-control")]
pub(crate) fn reach(side: &str, what: &str) {
    let armed = ARMED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let here = armed.as_deref().and_then(|name| name.strip_prefix(side)?.strip_prefix(": "));
    if here == Some(what) {
        die();
    }
}

/// Keeps the lock on [`ARMED`], so no other thread gets past a place meanwhile.
#[cfg(all(feature = "test-control", unix))]
fn die() -> ! {
    let me = rustix::process::getpid();
    // SIGKILL cannot be refused to oneself; the loop is for the moment until it arrives.
    let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    loop {
        std::hint::spin_loop();
    }
}

#[cfg(all(feature = "test-control", not(unix)))]
fn die() -> ! {
    std::process::abort()
}

/// A place of this name: `kill_point!("before commit", during)`.
#[cfg(feature = "test-control")]
macro_rules! kill_point {
    ($side:literal, $what:expr) => {
        crate::kill_point::reach($side, $what)
    };
}

/// A place of this name: nothing in this program.
#[cfg(not(feature = "test-control"))]
macro_rules! kill_point {
    ($side:literal, $what:expr) => {
        ()
    };
}

pub(crate) use kill_point;
