//! Secrets that do not show themselves.

use std::fmt;

use ring::digest;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::encoding;

/// 256 secret bits: page secret, device token, session token, server secret.
///
/// `Debug` says nothing, equality takes constant time, memory is cleared on drop. Stores keep [`Secret::hash`] only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

/// SHA-256 of a [`Secret`]'s text form: what a store may keep.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl Secret {
    /// Takes 32 bytes from the operating system's generator or a key derivation.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the text form (43 base64url characters); `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        encoding::array_from_base64url(text).map(Self)
    }

    /// The text form for a cookie, a header or a keychain: 43 base64url characters.
    pub fn expose(&self) -> String {
        encoding::base64url(&self.0)
    }

    /// The raw bytes, for key derivation.
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of the text form.
    pub fn hash(&self) -> SecretHash {
        SecretHash(sha256(self.expose().as_bytes()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl SecretHash {
    /// SHA-256 of a secret that somebody else made, in whatever form it is shown.
    pub fn of(text: &str) -> Self {
        Self(sha256(text.as_bytes()))
    }

    /// Whether both are the same, in constant time.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Takes a hash read back from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl serde::Serialize for SecretHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::base64url(&self.0))
    }
}

impl<'de> serde::Deserialize<'de> for SecretHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        encoding::array_from_base64url(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected 32 bytes as base64url"))
    }
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 is 32 bytes long")
}

/// HKDF-SHA256 (RFC 5869) to 32 bytes.
pub fn hkdf(key: &[u8], salt: &[u8], info: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, salt)
        .extract(key)
        .expand(info, ring::hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .expect("32 bytes are within HKDF-SHA256's range");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let secret = Secret::new([7; 32]);
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "Secret(..) SecretHash(..)");
    }

    #[test]
    fn text_form_reads_back_and_nothing_else_does() {
        let secret = Secret::new([0xA5; 32]);
        assert_eq!(Secret::parse(&secret.expose()), Some(secret.clone()));
        assert_eq!(Secret::parse(&format!("{}A", secret.expose())), None);
        assert_eq!(Secret::parse(""), None);
    }
}
