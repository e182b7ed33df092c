//! Faults from outside: the process dies, the disk is full, the line is cut. Whoever was signing in is then signed in
//! once, or refused with a reason, and nothing is half done.
//!
//! All of it lies below one module, so that `--skip faults::` leaves it out of a run of the other tests. The server is
//! `countersign-server-controlled` (feature `test-control`): time stands still in it unless a test lets it pass, and it
//! dies at a place that a test names. What its clients know of the protocol is what the attack suite knows.

#[allow(dead_code, unused_imports, reason = "the attacks use all of it")]
#[path = "../../src/bin/attack/client/mod.rs"]
mod client;
mod faults;

/// What the client notes for the attack suite.
mod ground {
    use std::sync::atomic::AtomicU64;

    pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);
}
