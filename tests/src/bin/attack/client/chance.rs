//! The one random source of the attacks.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::base64url;

/// The system's generator.
#[expect(clippy::disallowed_methods, reason = "an attacker's secrets come from the system, too")]
pub(crate) fn system() -> SystemRandom {
    SystemRandom::new()
}

/// That many random bytes.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    system().fill(&mut bytes).expect("the system has random bytes");
    bytes
}

/// A name that nobody used before, 16 random bytes as base64url.
pub(crate) fn name() -> String {
    base64url(&bytes(16))
}
