//! P-256 keys: the page's, the device's, and how they are named (RFC 7517, RFC 7638).

use std::fmt;

use ring::rand::SecureRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encoding;

/// Longest JWK that is read, in bytes: ours are 120.
const JWK_LENGTH_MAX: usize = 1_024;
/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A device key pair that can sign; lives in a keychain as PKCS#8.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

/// A P-256 public key: 32 bytes x, 32 bytes y. That it lies on the curve is judged at each verification.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    x: [u8; 32],
    y: [u8; 32],
}

/// RFC 7638 SHA-256 thumbprint of a public key; 43 base64url characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Thumbprint([u8; 32]);

/// Why something is no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a P-256 public key as a JWK.
    #[error("not a P-256 public key")]
    NotP256,
    /// A JWK with private members: its sender gave the key away.
    #[error("the key has private members")]
    Private,
    /// Stored bytes that are no PKCS#8 P-256 key pair, or a generator that failed.
    #[error("the stored key cannot be read")]
    Pkcs8,
}

impl SigningKey {
    /// Makes a key pair and gives its PKCS#8 bytes for the keychain.
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] when the generator fails.
    pub fn generate(random: &dyn SecureRandom) -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)
            .map_err(|_| KeyError::Pkcs8)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        Ok((Self::from_pkcs8(&pkcs8, random)?, pkcs8))
    }

    /// Reads a key pair back.
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] for anything but the bytes that [`SigningKey::generate`] gave.
    pub fn from_pkcs8(pkcs8: &[u8], random: &dyn SecureRandom) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, random)
            .map_err(|_| KeyError::Pkcs8)?;
        let public = PublicKey::from_point(pair.public_key().as_ref()).ok_or(KeyError::Pkcs8)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// ES256 signature over `message`, 64 bytes r ‖ s (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`KeyError::Pkcs8`] when the generator fails.
    pub fn sign(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, KeyError> {
        let signature = self.pair.sign(random, message).map_err(|_| KeyError::Pkcs8)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.thumbprint())
    }
}

impl PublicKey {
    /// Reads a JWK object (RFC 7517): `kty` EC, `crv` P-256, `x`, `y`.
    ///
    /// # Errors
    /// [`KeyError::Private`] with any private member, [`KeyError::NotP256`] for everything else.
    pub fn from_jwk(jwk: &serde_json::Value) -> Result<Self, KeyError> {
        let members = jwk.as_object().ok_or(KeyError::NotP256)?;
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(KeyError::Private);
        }
        let text = |name: &str| members.get(name).and_then(serde_json::Value::as_str);
        if text("kty") != Some("EC") || text("crv") != Some("P-256") {
            return Err(KeyError::NotP256);
        }
        let coordinate = |name| text(name).and_then(encoding::array_from_base64url).ok_or(KeyError::NotP256);
        Ok(Self { x: coordinate("x")?, y: coordinate("y")? })
    }

    /// Reads the text of a JWK, as a store keeps it.
    ///
    /// # Errors
    /// As [`PublicKey::from_jwk`].
    pub fn from_jwk_text(text: &str) -> Result<Self, KeyError> {
        if text.len() > JWK_LENGTH_MAX {
            return Err(KeyError::NotP256);
        }
        Self::from_jwk(&serde_json::from_str(text).map_err(|_| KeyError::NotP256)?)
    }

    /// The JWK in the canonical form of RFC 7638 §3.2.
    pub fn jwk_text(&self) -> String {
        let (x, y) = (encoding::base64url(&self.x), encoding::base64url(&self.y));
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }

    /// RFC 7638 SHA-256 thumbprint.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(crate::secret::sha256(self.jwk_text().as_bytes()))
    }

    /// True when `signature` (64 bytes r ‖ s) over `message` is this key's; false also for a point off the curve.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&self.x);
        point[33..].copy_from_slice(&self.y);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
    }

    fn from_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_first_chunk::<32>()?;
        Some(Self { x: *x, y: y.try_into().ok()? })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}

impl Thumbprint {
    /// Takes 32 bytes read back from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 43 base64url characters.
    pub fn parse(text: &str) -> Option<Self> {
        encoding::array_from_base64url(text).map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::base64url(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a thumbprint"))
    }
}
