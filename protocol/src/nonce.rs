//! Nonces for proofs (RFC 9449 §8): any node makes and judges them, none is stored.

use std::fmt;

use ring::hmac;
use thiserror::Error;

use crate::encoding;
use crate::id::StoreId;
use crate::secret::{Secret, hkdf};
use crate::time::Timestamp;

/// How long a nonce is good, in seconds.
pub const LIFE_S: i64 = 300;
/// How far ahead of this node's clock a nonce may be, in seconds: nodes differ.
pub const AHEAD_S: i64 = 60;
const TAG_LENGTH: usize = 16;

/// Makes and judges nonces: time (8 bytes) ‖ HMAC-SHA256 cut to 16 bytes, as base64url.
pub struct NonceKey {
    making: hmac::Key,
    /// Of server secrets that come or go.
    accepted: Vec<hmac::Key>,
}

/// Why a nonce is not good; the answer is 401 `use_dpop_nonce` with a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the nonce is not from here or too old")]
pub struct StaleNonce;

impl NonceKey {
    /// HKDF-SHA256(server secret, salt = id of the short-lived store), so a store that forgot which proofs were used
    /// refuses all nonces under which they were made.
    pub fn derive(server: &Secret, store: &StoreId) -> Self {
        Self { making: keyed(server, store), accepted: Vec::new() }
    }

    /// Judges nonces of another server secret as well: while a site changes its secret.
    #[must_use]
    pub fn accepting(mut self, server: &Secret, store: &StoreId) -> Self {
        self.accepted.push(keyed(server, store));
        self
    }

    /// The nonce to hand out at `now`.
    pub fn make(&self, now: Timestamp) -> String {
        let time = now.unix_s().to_be_bytes();
        let tag = hmac::sign(&self.making, &time);
        encoding::base64url(&[&time, &tag.as_ref()[..TAG_LENGTH]].concat())
    }

    /// Judges a nonce that came back.
    ///
    /// # Errors
    /// [`StaleNonce`] when it is not ours, [`LIFE_S`] old or older, or more than [`AHEAD_S`] ahead.
    pub fn check(&self, nonce: &str, now: Timestamp) -> Result<(), StaleNonce> {
        use subtle::ConstantTimeEq as _;
        let bytes: [u8; 8 + TAG_LENGTH] = encoding::array_from_base64url(nonce).ok_or(StaleNonce)?;
        let (time, tag) = bytes.split_first_chunk::<8>().ok_or(StaleNonce)?;
        let made = |key| bool::from(hmac::sign(key, time).as_ref()[..TAG_LENGTH].ct_eq(tag));
        if !made(&self.making) && !self.accepted.iter().any(made) {
            return Err(StaleNonce);
        }
        let age_s = now.since_s(Timestamp(i64::from_be_bytes(*time)));
        if (-AHEAD_S..LIFE_S).contains(&age_s) { Ok(()) } else { Err(StaleNonce) }
    }
}

fn keyed(server: &Secret, store: &StoreId) -> hmac::Key {
    let key = hkdf(server.expose_bytes(), store.as_bytes(), &[b"countersign nonce v1"]);
    hmac::Key::new(hmac::HMAC_SHA256, &key)
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_lives_five_minutes_on_nodes_that_differ_by_one() {
        let key = NonceKey::derive(&Secret::new([1; 32]), &StoreId::from_random([2; 16]));
        let nonce = key.make(Timestamp(10_000));
        for (now, good) in [(9_939, false), (9_940, true), (10_000, true), (10_299, true), (10_300, false)] {
            assert_eq!(key.check(&nonce, Timestamp(now)).is_ok(), good, "{now}");
        }
    }

    #[test]
    fn a_nonce_of_another_secret_is_good_where_that_is_accepted() {
        let (old, new, store) = (Secret::new([1; 32]), Secret::new([2; 32]), StoreId::from_random([3; 16]));
        let before = NonceKey::derive(&old, &store);
        let alone = NonceKey::derive(&new, &store);
        let after = NonceKey::derive(&new, &store).accepting(&old, &store);
        let nonce = before.make(Timestamp(10_000));
        assert_eq!(alone.check(&nonce, Timestamp(10_000)), Err(StaleNonce));
        assert_eq!(after.check(&nonce, Timestamp(10_000)), Ok(()));
        assert_eq!(after.check(&nonce, Timestamp(10_300)), Err(StaleNonce), "not for longer than others");
        assert_eq!(after.make(Timestamp(7)), alone.make(Timestamp(7)), "made with the new one");
    }

    #[test]
    fn a_store_that_forgot_refuses_its_old_nonces() {
        let server = Secret::new([1; 32]);
        let before = NonceKey::derive(&server, &StoreId::from_random([2; 16]));
        let after = NonceKey::derive(&server, &StoreId::from_random([3; 16]));
        assert_eq!(after.check(&before.make(Timestamp(5)), Timestamp(5)), Err(StaleNonce));
        assert_eq!(after.check("", Timestamp(5)), Err(StaleNonce));
    }
}
