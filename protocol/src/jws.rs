//! Compact JWS with ES256 and nothing else (RFC 7515 §3.1, RFC 7518 §3.4).
//!
//! One algorithm, chosen by us and not by the header, leaves no room for `none` or HMAC confusion. Why this is not
//! taken from a JWT library: docs/decisions/0001-jws-by-hand.md.

use std::fmt;

use ring::rand::SecureRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::encoding;
use crate::hole;
use crate::key::{KeyError, PublicKey, SigningKey};

/// Longest compact JWS that is read, in bytes: a statement has about 700.
pub const LENGTH_MAX: usize = 8 * 1_024;

/// A compact JWS taken apart, its signature not verified yet.
pub struct Unverified<'a> {
    header: serde_json::Map<String, serde_json::Value>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Silent: the text may be a proof or a statement that is still good.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unverified(..)")
    }
}

/// Why a text is no JWS that we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwsError {
    /// Not three base64url parts with a JSON object as header, or too long.
    #[error("not a compact JWS")]
    Form,
    /// Another `alg` than ES256, another `typ` than asked, or a `crit` member (RFC 7515 §4.1.11).
    #[error("the header asks for something that is not accepted")]
    Header,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
    /// The payload is not the JSON that it should be.
    #[error("the payload cannot be read")]
    Payload,
    /// The key in the header cannot be used.
    #[error("the key in the header cannot be used")]
    Key(#[from] KeyError),
}

impl<'a> Unverified<'a> {
    /// Takes `text` apart and judges its header.
    ///
    /// # Errors
    /// [`JwsError::Form`] and [`JwsError::Header`] as described there.
    pub fn parse(text: &'a str, typ: &str) -> Result<Self, JwsError> {
        if text.len() > LENGTH_MAX {
            return Err(JwsError::Form);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Form)?;
        let part = |text| encoding::from_base64url(text).ok_or(JwsError::Form);
        let header: serde_json::Value = serde_json::from_slice(&part(header)?).map_err(|_| JwsError::Form)?;
        let serde_json::Value::Object(header) = header else {
            return Err(JwsError::Form);
        };
        let is =
            |name: &str, wanted: &str| header.get(name).and_then(serde_json::Value::as_str) == Some(wanted);
        let is_of_type = is("typ", typ) || hole!("jws_type");
        if !is("alg", "ES256") || !is_of_type || header.contains_key("crit") {
            return Err(JwsError::Header);
        }
        Ok(Self { payload: part(payload)?, signature: part(signature)?, header, signed })
    }

    /// The public key in the header (`jwk`).
    ///
    /// # Errors
    /// [`JwsError::Key`] when it is missing, not P-256, or private.
    pub fn header_key(&self) -> Result<PublicKey, JwsError> {
        Ok(PublicKey::from_jwk(self.header.get("jwk").ok_or(KeyError::NotP256)?)?)
    }

    /// The name of the key in the header (`kid`), if it has one.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    /// The payload as its sender claims it; good for looking up a key, for nothing else.
    ///
    /// # Errors
    /// [`JwsError::Payload`] when it is not the JSON of `T`.
    pub fn claimed<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        serde_json::from_slice(&self.payload).map_err(|_| JwsError::Payload)
    }

    /// Verifies with `key` and reads the payload.
    ///
    /// # Errors
    /// [`JwsError::Signature`], [`JwsError::Payload`].
    pub fn verify<T: DeserializeOwned>(&self, key: &PublicKey) -> Result<T, JwsError> {
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(JwsError::Signature);
        }
        self.claimed()
    }
}

/// Signs `payload` with header `{"typ", "alg": "ES256"}` and, when asked, the public key as `jwk`.
///
/// # Errors
/// [`JwsError::Key`] when the generator fails; [`JwsError::Payload`] when `payload` is no JSON.
pub fn sign<T: Serialize>(
    typ: &str,
    payload: &T,
    key: &SigningKey,
    with_jwk: bool,
    random: &dyn SecureRandom,
) -> Result<String, JwsError> {
    let jwk = if with_jwk { format!(r#","jwk":{}"#, key.public().jwk_text()) } else { String::new() };
    let header = format!(r#"{{"typ":"{typ}","alg":"ES256"{jwk}}}"#);
    let payload = serde_json::to_vec(payload).map_err(|_| JwsError::Payload)?;
    let signed = format!("{}.{}", encoding::base64url(header.as_bytes()), encoding::base64url(&payload));
    let signature = key.sign(signed.as_bytes(), random)?;
    Ok(format!("{signed}.{}", encoding::base64url(&signature)))
}
