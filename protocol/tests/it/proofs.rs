//! RFC 9449 §4.3, check by check.

use protocol::encoding::base64url;
use protocol::id::StoreId;
use protocol::jws;
use protocol::key::{KeyError, SigningKey};
use protocol::nonce::NonceKey;
use protocol::proof::{self, Call, ProofError};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde_json::{Value, json};

use crate::{fresh_key, random};

const NOW: Timestamp = Timestamp(1_000_000);
const CALL: Call<'_> =
    Call { method: "POST", url: "https://a.example/api/scans", token: Some("secret-token") };

fn nonces() -> NonceKey {
    NonceKey::derive(&Secret::new([1; 32]), &StoreId::from_random([2; 16]))
}

fn good(key: &SigningKey) -> String {
    proof::make(&CALL, Some(&nonces().make(NOW)), [3; 16], NOW, key, &random()).unwrap()
}

fn judge(proof: &str) -> Result<proof::Proven, ProofError> {
    proof::check(proof, &CALL, &nonces(), NOW)
}

/// Signs any header and claims, as an attacker can with a key of his own.
fn forge(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let signed =
        format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let signature = key.sign(signed.as_bytes(), &random()).unwrap();
    format!("{signed}.{}", base64url(&signature))
}

fn parts(key: &SigningKey) -> (Value, Value) {
    let proof = good(key);
    let part = |n: usize| {
        let bytes = protocol::encoding::from_base64url(proof.split('.').nth(n).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    (part(0), part(1))
}

#[test]
fn a_good_proof_names_its_key() {
    let key = fresh_key();
    let proven = judge(&good(&key)).unwrap();
    assert_eq!(proven.key.thumbprint(), key.public().thumbprint());
    assert_eq!(proven.jti, base64url(&[3; 16]));
}

#[test]
fn a_proof_for_another_call_is_refused() {
    let key = fresh_key();
    for (member, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!("https://b.example/api/scans")),
        ("htu", json!("https://a.example/api/scans?x=1")),
        ("htu", json!("https://a.example/api/scans/")),
        ("ath", json!("AAAA")),
        ("ath", Value::Null),
        ("jti", json!("")),
        ("jti", json!("j".repeat(65))),
    ] {
        let (header, mut claims) = parts(&key);
        claims[member] = value.clone();
        assert_eq!(judge(&forge(&header, &claims, &key)), Err(ProofError::OtherCall), "{member} {value}");
    }
}

#[test]
fn a_proof_without_a_good_nonce_asks_for_one() {
    let key = fresh_key();
    for nonce in [Value::Null, json!(""), json!("x"), json!(nonces().make(NOW.plus_s(-300)))] {
        let (header, mut claims) = parts(&key);
        claims["nonce"] = nonce.clone();
        assert_eq!(judge(&forge(&header, &claims, &key)), Err(ProofError::Nonce), "{nonce}");
    }
}

/// Must hold 12: a wrong clock locks nobody out.
#[test]
fn iat_is_never_judged() {
    let key = fresh_key();
    for iat in [Value::Null, json!(0), json!(-5), json!(9_999_999_999_i64), json!("yesterday")] {
        let (header, mut claims) = parts(&key);
        claims["iat"] = iat;
        assert!(judge(&forge(&header, &claims, &key)).is_ok());
    }
}

#[test]
fn header_tricks_are_refused() {
    let key = fresh_key();
    let other = fresh_key();
    let jwk: Value = serde_json::from_str(&other.public().jwk_text()).unwrap();
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES384")),
        ("typ", json!("JWT")),
        ("typ", json!("login-decision+jwt")),
        ("crit", json!(["exp"])),
        ("jwk", jwk),
        ("jwk", Value::Null),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
    ] {
        let (mut header, claims) = parts(&key);
        header[member] = value.clone();
        assert!(matches!(judge(&forge(&header, &claims, &key)), Err(ProofError::Jws(_))), "{member} {value}");
    }
}

#[test]
fn a_private_member_in_the_key_is_refused() {
    let key = fresh_key();
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let (mut header, claims) = parts(&key);
        header["jwk"][member] = json!("AAAA");
        let refused = Err(ProofError::Jws(jws::JwsError::Key(KeyError::Private)));
        assert_eq!(judge(&forge(&header, &claims, &key)), refused, "{member}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let key = fresh_key();
    let proof = good(&key);
    for at in 0..proof.len() {
        let mut changed = proof.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(changed == proof || judge(&changed).is_err(), "byte {at}");
    }
    for bad in ["", ".", "..", "a.b.c", &format!("{proof}."), &"x".repeat(100_000)] {
        assert!(judge(bad).is_err());
    }
}
