//! Proofs of possession: DPoP (RFC 9449), made by page and device, judged by the server.

use std::fmt;

use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::encoding;
use crate::hole;
use crate::jws::{self, JwsError, Unverified};
use crate::key::{PublicKey, SigningKey};
use crate::nonce::NonceKey;
use crate::time::Timestamp;

/// `typ` of a proof (RFC 9449 §4.2).
pub const TYP: &str = "dpop+jwt";
/// Longest `jti`, in characters.
pub const JTI_LENGTH_MAX: usize = 64;
/// How long a server remembers (thumbprint, jti), in seconds: longer than any nonce is good.
pub const REMEMBERED_S: i64 = 360;

#[derive(Serialize, Deserialize)]
struct Claims {
    htm: String,
    htu: String,
    jti: String,
    #[serde(default)]
    iat: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// The call that a proof is for.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Method, upper case.
    pub method: &'a str,
    /// Configured origin + path, without query (RFC 9449 §4.2 `htu`).
    pub url: &'a str,
    /// The access token that goes with it, in its text form.
    pub token: Option<&'a str>,
}

/// Silent about the token.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {}, ..)", self.method, self.url)
    }
}

/// A proof that verified. The caller still has to spend (`thumbprint`, `jti`), once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The key that its sender holds.
    pub key: PublicKey,
    /// The proof's own id.
    pub jti: String,
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// 401 `use_dpop_nonce`: none, or not a good one.
    #[error("the proof needs a fresh nonce")]
    Nonce,
    /// 401 `invalid_proof`: form, header, signature or key.
    #[error("the proof is not valid")]
    Jws(#[source] JwsError),
    /// 401 `invalid_proof`: made for another method, address or token, or with an unusable `jti`.
    #[error("the proof is for another call")]
    OtherCall,
}

/// Makes a proof. `jti` is fresh randomness for each; `iat` is written because RFC 9449 asks for it and never judged.
///
/// # Errors
/// As [`jws::sign`].
pub fn make(
    call: &Call<'_>,
    nonce: Option<&str>,
    jti: [u8; 16],
    now: Timestamp,
    key: &SigningKey,
    random: &dyn SecureRandom,
) -> Result<String, JwsError> {
    let claims = Claims {
        htm: call.method.to_owned(),
        htu: call.url.to_owned(),
        jti: encoding::base64url(&jti),
        iat: now.unix_s().into(),
        ath: call.token.map(token_hash),
        nonce: nonce.map(str::to_owned),
    };
    jws::sign(TYP, &claims, key, true, random)
}

/// Judges a proof for `call`. Replays are the caller's to find.
///
/// # Errors
/// [`ProofError`]; a broken proof is `invalid_proof` before its nonce is looked at.
pub fn check(proof: &str, call: &Call<'_>, nonces: &NonceKey, now: Timestamp) -> Result<Proven, ProofError> {
    let jws = Unverified::parse(proof, TYP).map_err(ProofError::Jws)?;
    let key = jws.header_key().map_err(ProofError::Jws)?;
    let claims: Claims = jws.claimed().map_err(ProofError::Jws)?;
    let is_for_this_call = (hole!("proof_method") || claims.htm == call.method)
        && (hole!("proof_address") || claims.htu == call.url)
        && (hole!("proof_token_hash") || claims.ath == call.token.map(token_hash));
    if !is_for_this_call {
        return Err(ProofError::OtherCall);
    }
    if claims.jti.is_empty() || claims.jti.chars().count() > JTI_LENGTH_MAX {
        return Err(ProofError::OtherCall);
    }
    if !hole!("proof_signature") {
        jws.verify::<serde::de::IgnoredAny>(&key).map_err(ProofError::Jws)?;
    }
    if !hole!("proof_nonce") {
        let nonce = claims.nonce.ok_or(ProofError::Nonce)?;
        nonces.check(&nonce, now).map_err(|_| ProofError::Nonce)?;
    }
    Ok(Proven { key, jti: claims.jti })
}

/// `ath`: base64url SHA-256 of the token's ASCII form (RFC 9449 §4.2).
fn token_hash(token: &str) -> String {
    encoding::base64url(&crate::secret::sha256(token.as_bytes()))
}
