//! Tokens that others verify: compact JWS by ES256 or RS256 with the name of the key in the header (RFC 7515, RFC 7518 §3).
//!
//! Why by ring and not by a library: docs/decisions/0008-oauth-by-hand.md.

use std::fmt;

use protocol::encoding::{base64url, from_base64url};
use protocol::hole;
use protocol::jws::{LENGTH_MAX, Unverified};
use protocol::key::{PublicKey, SigningKey};
use protocol::secret::sha256;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::entropy::signing_random;
use crate::store::Alg;

/// A key pair that signs tokens.
pub(crate) enum KeyPair {
    Es256(SigningKey),
    Rs256(RsaKeyPair),
}

/// A key pair with its name.
pub(crate) struct Signer {
    /// RFC 7638 thumbprint of the public half.
    pub(crate) kid: String,
    pub(crate) pair: KeyPair,
}

/// The public half of a key pair. It verifies by its own algorithm, whatever a header says.
pub(crate) enum PublicHalf {
    Es256(PublicKey),
    Rs256(PublicKeyComponents<Vec<u8>>),
}

/// What the header of a token says.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RsaJwk {
    n: String,
    e: String,
}

/// Why bytes are no key that signs by this algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum KeyUnusable {
    /// No P-256 key pair as PKCS#8, or a generator that failed.
    #[error("not a P-256 key pair")]
    Es256,
    /// No RSA key pair of 2048 to 8192 bits as PKCS#8 or PKCS#1.
    #[error("not an RSA key of 2048 bits or more with a private half")]
    Rs256,
}

impl KeyPair {
    /// A fresh ES256 pair, and its PKCS#8 bytes to keep.
    pub(crate) fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), KeyUnusable> {
        let (pair, pkcs8) = SigningKey::generate(&signing_random()).map_err(|_| KeyUnusable::Es256)?;
        Ok((Self::Es256(pair), pkcs8))
    }

    /// Reads a pair of this kind back from PKCS#8, RSA also from PKCS#1.
    pub(crate) fn read(alg: Alg, der: &[u8]) -> Result<Self, KeyUnusable> {
        match alg {
            Alg::Es256 => SigningKey::from_pkcs8(der, &signing_random())
                .map(Self::Es256)
                .map_err(|_| KeyUnusable::Es256),
            Alg::Rs256 => RsaKeyPair::from_pkcs8(der)
                .or_else(|_| RsaKeyPair::from_der(der))
                .map(Self::Rs256)
                .map_err(|_| KeyUnusable::Rs256),
        }
    }

    pub(crate) const fn alg(&self) -> Alg {
        match self {
            Self::Es256(_) => Alg::Es256,
            Self::Rs256(_) => Alg::Rs256,
        }
    }

    /// The public half as a JWK in the canonical form of RFC 7638 §3.2.
    pub(crate) fn public_jwk(&self) -> String {
        match self {
            Self::Es256(pair) => pair.public().jwk_text(),
            Self::Rs256(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (e, n) = (base64url(&public.e), base64url(&public.n));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        }
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyUnusable> {
        match self {
            Self::Es256(pair) => pair.sign(message, &signing_random()).map_err(|_| KeyUnusable::Es256),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &signing_random(), message, &mut signature)
                    .map_err(|_| KeyUnusable::Rs256)?;
                Ok(signature)
            }
        }
    }
}

impl PublicHalf {
    /// Reads a JWK of this algorithm.
    pub(crate) fn read(alg: Alg, jwk: &str) -> Option<Self> {
        Some(match alg {
            Alg::Es256 => Self::Es256(PublicKey::from_jwk_text(jwk).ok()?),
            Alg::Rs256 => {
                let RsaJwk { n, e } = serde_json::from_str(jwk).ok()?;
                Self::Rs256(PublicKeyComponents { n: from_base64url(&n)?, e: from_base64url(&e)? })
            }
        })
    }

    /// The claims of a token of this type that the key signed.
    pub(crate) fn verify<T: DeserializeOwned>(&self, typ: &str, token: &str) -> Option<T> {
        match self {
            Self::Es256(key) => {
                let jws = Unverified::parse(token, typ).ok()?;
                if hole!("jwt_signature") { jws.claimed().ok() } else { jws.verify(key).ok() }
            }
            Self::Rs256(key) => {
                let header = header(token)?;
                if header.alg != Alg::Rs256.as_str() || header.typ != typ || header.crit.is_some() {
                    return None;
                }
                let (signed, signature) = token.rsplit_once('.')?;
                let (_, claims) = signed.split_once('.')?;
                let signature = from_base64url(signature)?;
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).ok()?;
                serde_json::from_slice(&from_base64url(claims)?).ok()
            }
        }
    }
}

/// The name of the key that a token says it is signed with.
pub(crate) fn key_id(token: &str) -> Option<String> {
    header(token).map(|header| header.kid)
}

fn header(token: &str) -> Option<Header> {
    let (text, _) = token.split_once('.').filter(|_| token.len() <= LENGTH_MAX)?;
    serde_json::from_slice(&from_base64url(text)?).ok()
}

impl Signer {
    pub(crate) fn new(pair: KeyPair) -> Self {
        Self { kid: thumbprint(&pair.public_jwk()), pair }
    }

    /// A JWS of `claims` with header `{"typ", "alg", "kid"}`.
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, KeyUnusable> {
        let (alg, kid) = (self.pair.alg().as_str(), &self.kid);
        let header = format!(r#"{{"typ":"{typ}","alg":"{alg}","kid":"{kid}"}}"#);
        let claims = serde_json::to_vec(claims).expect("claims are text, numbers and lists of them");
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(&claims));
        let signature = self.pair.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64url(&signature)))
    }
}

/// RFC 7638 SHA-256 thumbprint of a JWK in canonical form.
pub(crate) fn thumbprint(canonical_jwk: &str) -> String {
    base64url(&sha256(canonical_jwk.as_bytes()))
}

/// `at_hash`: the left half of the token's SHA-256, for both algorithms (OpenID Connect Core §3.1.3.6).
pub(crate) fn half_hash(token: &str) -> String {
    base64url(&sha256(token.as_bytes())[..16])
}

impl fmt::Debug for PublicHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es256(_) => "PublicHalf(ES256)",
            Self::Rs256(_) => "PublicHalf(RS256)",
        })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.alg().as_str())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} {})", self.pair.alg().as_str(), self.kid)
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::RsaPublicKeyComponents;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject as _;
    use serde_json::{Value, json};

    use super::*;

    const RSA_PEM: &str = include_str!("../../tests/keys/rsa-2048.pem");

    #[test]
    fn an_es256_token_verifies_with_the_key_that_its_header_names() {
        let (pair, pkcs8) = KeyPair::generate().unwrap();
        let signer = Signer::new(pair);
        let token = signer.sign("at+jwt", &json!({ "sub": "ada" })).unwrap();
        let jws = Unverified::parse(&token, "at+jwt").unwrap();
        assert_eq!(jws.key_id(), Some(signer.kid.as_str()));
        let KeyPair::Es256(again) = KeyPair::read(Alg::Es256, &pkcs8).unwrap() else {
            panic!("another kind")
        };
        assert_eq!(jws.verify::<Value>(again.public()).unwrap()["sub"], "ada");
        assert_eq!(signer.kid, again.public().thumbprint().to_string());
        assert!(!format!("{signer:?}").contains("sub"));
    }

    #[test]
    fn an_rs256_token_verifies_with_n_and_e_of_its_jwk() {
        let der = PrivateKeyDer::from_pem_slice(RSA_PEM.as_bytes()).unwrap();
        let signer = Signer::new(KeyPair::read(Alg::Rs256, der.secret_der()).unwrap());
        let token = signer.sign("JWT", &json!({ "sub": "ada" })).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let jwk: Value = serde_json::from_str(&signer.pair.public_jwk()).unwrap();
        let part = |name: &str| from_base64url(jwk[name].as_str().unwrap()).unwrap();
        let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
        let signature = from_base64url(signature).unwrap();
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
        let header = from_base64url(signed.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({ "typ": "JWT", "alg": "RS256", "kid": signer.kid }));
    }

    /// RFC 8725 §3.1: the key says by which algorithm, the header nothing but the same.
    #[test]
    fn a_key_verifies_its_own_tokens_by_its_own_algorithm() {
        let der = PrivateKeyDer::from_pem_slice(RSA_PEM.as_bytes()).unwrap();
        let rsa = Signer::new(KeyPair::read(Alg::Rs256, der.secret_der()).unwrap());
        let ec = Signer::new(KeyPair::generate().unwrap().0);
        for (signer, other) in [(&rsa, &ec), (&ec, &rsa)] {
            let public = |of: &Signer| PublicHalf::read(of.pair.alg(), &of.pair.public_jwk()).unwrap();
            let (ours, theirs) = (public(signer), public(other));
            let token = signer.sign("JWT", &json!({ "sub": "ada" })).unwrap();
            let claims: Value = ours.verify("JWT", &token).unwrap();
            assert_eq!((claims, key_id(&token)), (json!({ "sub": "ada" }), Some(signer.kid.clone())));
            assert!(theirs.verify::<Value>("JWT", &token).is_none());
            assert!(ours.verify::<Value>("at+jwt", &token).is_none());
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let claims = signed.split_once('.').unwrap().1;
            for header in [
                json!({ "typ": "JWT", "alg": "none", "kid": signer.kid }),
                json!({ "typ": "JWT", "alg": "HS256", "kid": signer.kid }),
                json!({ "typ": "JWT", "alg": other.pair.alg().as_str(), "kid": signer.kid }),
                json!({ "typ": "JWT", "alg": signer.pair.alg().as_str(), "kid": signer.kid, "crit": ["x"] }),
            ] {
                let signed = format!("{}.{claims}", base64url(header.to_string().as_bytes()));
                let resigned = base64url(&signer.pair.signature(signed.as_bytes()).unwrap());
                assert!(ours.verify::<Value>("JWT", &format!("{signed}.{resigned}")).is_none(), "{header}");
            }
            for text in [signed, &format!("{signed}."), &format!("{signed}.AAAA"), &format!("a{token}"), ""] {
                assert!(ours.verify::<Value>("JWT", text).is_none(), "{text}");
            }
            assert!(ours.verify::<Value>("JWT", &format!("{signed}.{signature}")).is_some());
        }
        assert!(PublicHalf::read(Alg::Rs256, &ec.pair.public_jwk()).is_none());
        assert!(PublicHalf::read(Alg::Es256, &rsa.pair.public_jwk()).is_none());
        for text in ["", "x", "e30.e30.", "bnVsbA.e30."] {
            assert_eq!(key_id(text), None, "{text}");
        }
    }

    /// The example of RFC 7638 §3.1.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#);
        assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// The access token and `at_hash` of OpenID Connect Core, appendix A.3.
    #[test]
    fn at_hash_is_that_of_the_standard() {
        assert_eq!(half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn other_bytes_are_no_key() {
        let (_, pkcs8) = KeyPair::generate().unwrap();
        assert_eq!(KeyPair::read(Alg::Rs256, &pkcs8).unwrap_err(), KeyUnusable::Rs256);
        assert_eq!(KeyPair::read(Alg::Es256, b"no key").unwrap_err(), KeyUnusable::Es256);
    }
}
