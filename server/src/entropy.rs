//! The port through which randomness comes in.

use protocol::secret::Secret;

/// Makes bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`. Ends the process's work in progress when the system has no randomness: nothing may go on with less.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that makes randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness once it has started");
    }
}

impl dyn Entropy + '_ {
    /// 16 bytes: an id, an enrolment code, a user code.
    pub fn bytes_16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }

    /// 96 bits: the nonce of a sealed text.
    pub fn bytes_12(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        self.fill(&mut bytes);
        bytes
    }

    /// 64 bits: a check number.
    pub fn bits_64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// 256 bits that do not show themselves.
    pub fn secret(&self) -> Secret {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Secret::new(bytes)
    }
}

/// What ring signs with: it takes no generator but its own.
#[expect(clippy::disallowed_methods, reason = "this is the adapter that makes randomness")]
pub fn signing_random() -> ring::rand::SystemRandom {
    ring::rand::SystemRandom::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ() {
        let entropy: &dyn Entropy = &OsEntropy;
        assert!(entropy.secret() != entropy.secret());
        assert_ne!(entropy.bytes_16(), [0; 16]);
    }
}
