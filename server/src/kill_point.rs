//! Named places at which a test lets the process die, as a power cut or `kill -9` would: nothing is closed, flushed or
//! answered; and places at which it lets a call wait while something else happens. Without the feature `test-control`
//! they are nothing at all.
//!
//! To die at:
//!
//! - `before commit: WHAT`, `after commit: WHAT`: around a durable commit, WHAT as in
//!   [`StoreError`](crate::store::StoreError); its caller does not know of it yet,
//! - `before record: WHAT`, `after record: WHAT`: around a change of the short-lived record, WHAT is the state's word,
//! - `before reply: METHOD PATH`: all is done and nothing was said; PATH with its `{id}`.
//!
//! To wait at:
//!
//! - `decision`, `redeem`, `link`, `recovery codes`: everything was judged, and the durable transaction that arbitrates
//!   has not begun.

#[cfg(feature = "test-control")]
use std::sync::{LazyLock, Mutex};

#[cfg(feature = "test-control")]
use tokio::sync::watch;

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

/// The place to wait at, and how many calls do.
#[cfg(feature = "test-control")]
static HELD: LazyLock<watch::Sender<Held>> = LazyLock::new(|| watch::Sender::new(Held::default()));

#[cfg(feature = "test-control")]
#[derive(Default)]
struct Held {
    place: Option<String>,
    waiting: u32,
}

/// Calls that come to the place of this name wait there.
#[cfg(feature = "test-control")]
pub fn hold(place: &str) {
    HELD.send_replace(Held { place: Some(place.to_owned()), waiting: 0 });
}

/// Ends once a call waits at the place that was named last.
#[cfg(feature = "test-control")]
pub async fn arrived() {
    // The sender is static, so the channel cannot close while this waits.
    let _ = HELD.subscribe().wait_for(|held| held.waiting > 0).await;
}

/// Lets go on whoever waits.
#[cfg(feature = "test-control")]
pub fn release() {
    HELD.send_replace(Held::default());
}

/// Waits if this is the place.
#[cfg(feature = "test-control")]
pub(crate) async fn wait_at(place: &str) {
    let is_here = |held: &Held| held.place.as_deref() == Some(place);
    let stays = HELD.send_if_modified(|held| {
        held.waiting += u32::from(is_here(held));
        is_here(held)
    });
    if stays {
        let _ = HELD.subscribe().wait_for(|held| !is_here(held)).await;
    }
}

/// A place to wait at: `hold_point!("decision")`.
#[cfg(feature = "test-control")]
macro_rules! hold_point {
    ($place:literal) => {
        crate::kill_point::wait_at($place).await
    };
}

/// A place to wait at: nothing in this program.
#[cfg(not(feature = "test-control"))]
macro_rules! hold_point {
    ($place:literal) => {
        ()
    };
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

pub(crate) use {hold_point, kill_point};
