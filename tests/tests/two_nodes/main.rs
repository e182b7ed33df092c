//! Several nodes of one site: they share PostgreSQL, Redis and the server key, and any of them serves any call.
//!
//! The nodes are `countersign-server-controlled` (feature `test-control`): time stands still in them, so that a page hears
//! of a change because it is told and never because it looked by itself. What the clients know of the protocol is what the
//! attack suite knows.

#[allow(dead_code, unused_imports, reason = "the attacks use all of it")]
#[path = "../../src/bin/attack/client/mod.rs"]
mod client;
mod two_nodes;

/// What the client notes for the attack suite.
mod ground {
    use std::sync::atomic::AtomicU64;

    pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);
}
