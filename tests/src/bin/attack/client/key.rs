//! P-256 keys of pages and devices.

use std::sync::Arc;

use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{base64url, chance};

/// A key pair of P-256 that signs ES256.
#[derive(Clone)]
pub(crate) struct Key {
    pair: Arc<EcdsaKeyPair>,
}

impl Key {
    /// A fresh one.
    pub(crate) fn fresh() -> Self {
        let random = chance::system();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .expect("the system has random bytes");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
            .expect("ring reads what it wrote");
        Self { pair: Arc::new(pair) }
    }

    /// The uncompressed public point: 0x04, x, y.
    pub(crate) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key as JWK (RFC 7517), without private members.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.point();
        json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..65])})
    }

    /// RFC 7638 SHA-256, base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let point = self.point();
        let members = format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            base64url(&point[1..33]),
            base64url(&point[33..65])
        );
        base64url(digest(&SHA256, members.as_bytes()).as_ref())
    }

    /// ES256 signature, 64 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&chance::system(), message).expect("signing needs only random bytes").as_ref().to_vec()
    }
}
