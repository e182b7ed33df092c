//! Passwords: argon2id on blocking threads, so many at once and no more, and the same time for names that are unknown.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// Hashes that are computed at once: each takes 19 MiB and one core.
const AT_ONCE: usize = 2;
/// Callers that may wait for their turn; more are told to come back.
const WAITING_MAX: usize = 32;

/// Stands in for the hash of an account that does not exist, so that both cases take the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$gL0iVLWaBgvLNRmgzOJfMXwh02Ty6GjPvPhiy6MhjM8";

/// Hashes `password` as a PHC string with the parameters of OWASP's password storage sheet: argon2id, 19 MiB, 2 passes.
///
/// Takes some 20 ms of one core; call it on a thread that may block.
///
/// # Errors
/// [`Unhashable`] for a password that argon2 does not take (longer than 4 GiB).
pub fn hash(password: &[u8], entropy: &dyn Entropy) -> Result<String, Unhashable> {
    hash_with(password, &entropy.bytes_16())
}

/// argon2 refused the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed")]
pub struct Unhashable;

/// Too many passwords are being verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// Verifies passwords, a bounded number at a time.
#[derive(Debug)]
pub(super) struct Verifier {
    turns: Arc<Semaphore>,
    places: Semaphore,
}

impl Verifier {
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), places: Semaphore::new(WAITING_MAX) }
    }

    /// Whether `password` is that of `stored`. `None` (no such account, or one without a password) takes as long and
    /// is false.
    pub(super) async fn verify(
        &self,
        stored: Option<String>,
        password: Zeroizing<String>,
    ) -> Result<bool, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
            verify(&stored, password.as_bytes()) && known
        })
        .await
        .map_err(|_| Busy)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1_024, 2, 1, None).expect("within argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_with(password: &[u8], salt: &[u8; 16]) -> Result<String, Unhashable> {
    let hash: PasswordHash = argon2().hash_password_with_salt(password, salt).map_err(|_| Unhashable)?;
    Ok(hash.to_string())
}

fn verify(stored: &str, password: &[u8]) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| argon2().verify_password(password, &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn nobody_takes_as_long_as_somebody() {
        assert_eq!(hash_with(b"nobody has this password", &[0; 16]).unwrap(), NOBODY);
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_is_right() {
        let stored = hash(b"correct horse", &OsEntropy).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verifier = Verifier::new();
        for (hash, password, right) in [
            (Some(stored.clone()), "correct horse", true),
            (Some(stored), "wrong", false),
            (Some("damaged".to_owned()), "correct horse", false),
            (None, "nobody has this password", false),
        ] {
            let password = Zeroizing::new(password.to_owned());
            assert_eq!(verifier.verify(hash, password).await, Ok(right));
        }
    }

    #[tokio::test]
    async fn more_than_the_bound_are_told_to_come_back() {
        let verifier = Verifier::new();
        let places: Vec<_> = (0..WAITING_MAX).map(|_| verifier.places.try_acquire().unwrap()).collect();
        assert_eq!(verifier.verify(None, Zeroizing::new(String::new())).await, Err(Busy));
        drop(places);
        assert_eq!(verifier.verify(None, Zeroizing::new(String::new())).await, Ok(false));
    }
}
