//! What the ceremony promises, checked from outside the crate.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]

mod devices;
mod links;
mod model;
mod proofs;
mod statements;
mod transitions;
mod vectors;

use protocol::key::SigningKey;

/// A fresh key pair of the operating system's generator.
#[expect(clippy::disallowed_methods, reason = "a test is an edge")]
fn random() -> ring::rand::SystemRandom {
    ring::rand::SystemRandom::new()
}

fn fresh_key() -> SigningKey {
    SigningKey::generate(&random()).unwrap().0
}
