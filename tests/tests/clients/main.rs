//! Clients that nobody here wrote sign in at a real server: unmodified, by the standards alone. What a person does in the
//! browser and in the authenticator is scripted.

#[allow(dead_code, unused_imports, reason = "the attacks use all of it")]
#[path = "../../src/bin/attack/client/mod.rs"]
mod client;
mod clients;

/// What the client notes for the attack suite.
mod ground {
    use std::sync::atomic::AtomicU64;

    pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);
}
