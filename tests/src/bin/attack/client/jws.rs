//! Compact signatures (RFC 7515) whose every part an attack can bend: proofs and statements are made of them.

use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Map, Value, json};

use super::{Key, base64url, chance};

/// The client's clock is wrong on purpose: `iat` is never judged.
const WRONG_CLOCK: u64 = 1_000_000_000;

/// A header and claims, not signed yet.
#[derive(Clone, Debug)]
pub(crate) struct Jws {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Jws {
    /// A proof (RFC 9449) for `method` at `url`, without nonce or token.
    pub(crate) fn proof(key: &Key, method: &str, url: &str) -> Self {
        Self::new(
            json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}),
            json!({"htm": method, "htu": url, "jti": chance::name(), "iat": WRONG_CLOCK}),
        )
    }

    /// A login decision with these claims and `iat`.
    pub(crate) fn decision(claims: Value) -> Self {
        Self::new(json!({"typ": "login-decision+jwt", "alg": "ES256"}), claims).claim("iat", WRONG_CLOCK)
    }

    fn new(header: Value, claims: Value) -> Self {
        let map = |value| match value {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self { header: map(header), claims: map(claims) }
    }

    /// Sets a claim.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a member of the header.
    pub(crate) fn head(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a member of the header out.
    pub(crate) fn without_head(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// `ath`: the SHA-256 of the access token that the proof goes with.
    pub(crate) fn token(self, token: &str) -> Self {
        self.claim("ath", base64url(digest(&SHA256, token.as_bytes()).as_ref()))
    }

    /// Signed with ES256, as it should be.
    pub(crate) fn sign(&self, key: &Key) -> String {
        self.sealed(|input| key.sign(input))
    }

    /// "Signed" with HMAC-SHA256.
    pub(crate) fn sign_hmac(&self, secret: &[u8]) -> String {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.sealed(|input| hmac::sign(&secret, input).as_ref().to_vec())
    }

    /// With whatever `seal` makes of the signing input.
    pub(crate) fn sealed(&self, seal: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let part = |map: &Map<String, Value>| base64url(Value::Object(map.clone()).to_string().as_bytes());
        let input = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = base64url(&seal(input.as_bytes()));
        format!("{input}.{signature}")
    }
}
