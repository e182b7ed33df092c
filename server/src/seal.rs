//! What the server hands out or stores and reads back itself: nobody else can read it or change a bit of it.

use std::fmt;

use protocol::encoding::{base64url, from_base64url};
use protocol::secret::{Secret, hkdf};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::server_keys::ServerKeys;

/// Closes and opens texts of one purpose: AES-256-GCM under HKDF-SHA256(server key, info = "countersign " ‖ purpose).
///
/// A text is base64url(nonce ‖ ciphertext ‖ tag). It opens for as long as its server key is accepted, and only with the
/// purpose that it was closed with. How long it is good is for whoever closed it to write into it.
pub struct Seal {
    /// The first closes, all of them open.
    keys: Vec<LessSafeKey>,
}

impl Seal {
    /// The seal of this purpose: a fixed text of the program, different for each kind of text that is sealed.
    pub fn new(keys: &ServerKeys, purpose: &'static str) -> Self {
        Self { keys: keys.all().iter().map(|key| derived(key, purpose)).collect() }
    }

    /// `plain` as sealed text. `nonce` is fresh randomness for each: 2³² texts under one key are far more than a site makes
    /// between two server keys.
    pub fn close(&self, plain: &[u8], nonce: [u8; NONCE_LEN]) -> String {
        let mut sealed = plain.to_vec();
        self.keys[0]
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .expect("a text is far shorter than the 64 GiB of one AES-GCM message");
        base64url(&[nonce.as_slice(), &sealed].concat())
    }

    /// What was closed as `text`; `None` for anything that was not, or not for this purpose, or under a server key that is
    /// not accepted any more.
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = from_base64url(text)?;
        self.keys.iter().find_map(|key| opened(key, &bytes))
    }

    /// Whether `text` opens, and with the key that closes: what is kept for long is closed anew otherwise.
    pub fn is_current(&self, text: &str) -> bool {
        from_base64url(text).is_some_and(|bytes| opened(&self.keys[0], &bytes).is_some())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

fn derived(key: &Secret, purpose: &str) -> LessSafeKey {
    let key = zeroize::Zeroizing::new(hkdf(key.expose_bytes(), b"", &[b"countersign ", purpose.as_bytes()]));
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).expect("32 bytes are a key of AES-256"))
}

fn opened(key: &LessSafeKey, bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut sealed = sealed.to_vec();
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut sealed)
        .ok()
        .map(|plain| plain.len())?;
    sealed.truncate(length);
    Some(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> ServerKeys {
        ServerKeys::of(bytes.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
    }

    #[test]
    fn what_was_closed_opens_and_shows_nothing() {
        let seal = Seal::new(&keys(&[1]), "try");
        let text = seal.close(b"a transaction", [9; 12]);
        assert_eq!(seal.open(&text).as_deref(), Some(b"a transaction".as_slice()));
        assert_eq!(seal.open(&seal.close(b"", [9; 12])).as_deref(), Some(b"".as_slice()));
        assert_eq!(format!("{seal:?}"), "Seal(..)");
        assert_ne!(text, seal.close(b"a transaction", [8; 12]));
    }

    #[test]
    fn no_bit_of_it_may_change() {
        let seal = Seal::new(&keys(&[1]), "try");
        let bytes = from_base64url(&seal.close(b"scope=openid", [9; 12])).unwrap();
        for place in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[place / 8] ^= 1 << (place % 8);
            assert_eq!(seal.open(&base64url(&changed)), None, "bit {place}");
        }
        for length in 0..bytes.len() {
            assert_eq!(seal.open(&base64url(&bytes[..length])), None, "{length} bytes");
        }
        for text in ["", "no base64url!", "AAAA"] {
            assert_eq!(seal.open(text), None, "{text}");
        }
    }

    #[test]
    fn another_purpose_or_server_key_opens_nothing() {
        let text = Seal::new(&keys(&[1]), "transaction").close(b"plain", [9; 12]);
        assert_eq!(Seal::new(&keys(&[1]), "signing key").open(&text), None);
        assert_eq!(Seal::new(&keys(&[2]), "transaction").open(&text), None);
    }

    #[test]
    fn a_text_outlives_the_change_of_the_server_key_until_its_key_is_dropped() {
        let (before, both, after) = (keys(&[1]), keys(&[2, 1]), keys(&[2]));
        let text = Seal::new(&before, "try").close(b"plain", [9; 12]);
        let seal = Seal::new(&both, "try");
        assert_eq!(seal.open(&text).as_deref(), Some(b"plain".as_slice()));
        assert!(!seal.is_current(&text) && Seal::new(&before, "try").is_current(&text));
        let anew = seal.close(b"plain", [8; 12]);
        assert!(seal.is_current(&anew));
        assert_eq!(Seal::new(&after, "try").open(&text), None);
        assert_eq!(Seal::new(&after, "try").open(&anew).as_deref(), Some(b"plain".as_slice()));
    }
}
