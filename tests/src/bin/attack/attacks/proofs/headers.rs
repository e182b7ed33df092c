//! The proof's own header: type, algorithm, key, critical members; and the HTTP headers around it.

use serde_json::{Value, json};

use super::{refused, refused_calls};
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Key, base64url, random_bytes};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["proofs", OneAccount;
        no_proof_at_all,
        empty_proof,
        two_proofs_in_two_headers,
        the_same_proof_in_two_headers,
        two_proofs_in_one_header,
        proof_in_the_query,
        proof_as_json,
        type_missing,
        type_of_a_plain_jwt,
        type_of_a_statement,
        key_missing,
        key_by_reference,
        key_with_private_members,
        key_as_symmetric_secret,
        key_of_another_curve,
        key_off_the_curve,
        key_with_padding,
        key_without_y,
        critical_members,
        unencoded_payload,
        compressed_payload,
    ]
}

const INVALID: &[&str] = &["invalid_proof"];
/// Without a proof there is nothing to be invalid; a nonce may be asked for first.
const EITHER: &[&str] = &["invalid_proof", "use_dpop_nonce"];

async fn no_proof_at_all(ground: Ground) -> Held {
    refused_calls(ground, EITHER, |call, _, _| call).await
}

async fn empty_proof(ground: Ground) -> Held {
    refused(ground, INVALID, |_, _| String::new()).await
}

/// Guard: exactly one DPoP header (RFC 9449 4.3).
async fn two_proofs_in_two_headers(ground: Ground) -> Held {
    refused_calls(ground, INVALID, |call, proof, key| {
        let second = proof.clone().claim("jti", crate::client::random_name());
        call.header("dpop", proof.sign(key)).header("dpop", second.sign(key))
    })
    .await
}

async fn the_same_proof_in_two_headers(ground: Ground) -> Held {
    refused_calls(ground, INVALID, |call, proof, key| {
        let proof = proof.sign(key);
        call.header("dpop", &proof).header("dpop", &proof)
    })
    .await
}

async fn two_proofs_in_one_header(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let second = proof.clone().claim("jti", crate::client::random_name());
        format!("{}, {}", proof.sign(key), second.sign(key))
    })
    .await
}

async fn proof_in_the_query(ground: Ground) -> Held {
    let http = ground.http().clone();
    let key = Key::fresh();
    let proof = http.proof(&key, "POST", "/api/login-requests").await?.sign(&key);
    let path = format!("/api/login-requests?DPoP={proof}&dpop={proof}");
    let call = http.call("POST", &path).header("origin", http.origin()).json(&json!({}));
    call.send().await?.is(401)?;
    Ok("401".to_owned())
}

async fn proof_as_json(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let compact = proof.sign(key);
        let mut parts = compact.split('.');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        json!({"protected": part(), "payload": part(), "signature": part()}).to_string()
    })
    .await
}

async fn type_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.without_head("typ").sign(key)).await
}

async fn type_of_a_plain_jwt(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.head("typ", "JWT").sign(key)).await
}

/// Guard: types keep proofs and statements apart, so that neither passes for the other.
async fn type_of_a_statement(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.head("typ", "login-decision+jwt").sign(key)).await
}

async fn key_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.without_head("jwk").sign(key)).await
}

/// A key to be fetched: the server would call an address of the attacker's choice.
async fn key_by_reference(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let proof = proof.without_head("jwk").head("jku", "http://127.0.0.1:1/keys").head("kid", "1");
        proof.head("x5u", "http://127.0.0.1:1/cert").sign(key)
    })
    .await
}

fn with_key(name: &str, value: impl Into<Value>) -> impl Fn(crate::client::Jws, &Key) -> String {
    let (name, value) = (name.to_owned(), value.into());
    move |proof, key| {
        let mut jwk = key.jwk();
        jwk[&name] = value.clone();
        proof.head("jwk", jwk).sign(key)
    }
}

async fn key_with_private_members(ground: Ground) -> Held {
    for member in ["p", "q", "dp", "dq", "qi", "oth", "k"] {
        refused_once(&ground, with_key(member, base64url(&random_bytes(32)))).await?;
    }
    refused(ground, INVALID, with_key("d", base64url(&random_bytes(32)))).await
}

/// One start with a bent proof, refused.
async fn refused_once(
    ground: &Ground,
    bend: impl Fn(crate::client::Jws, &Key) -> String,
) -> anyhow::Result<()> {
    let (http, key) = (ground.http(), Key::fresh());
    let proof = bend(http.proof(&key, "POST", "/api/login-requests").await?, &key);
    let start = crate::client::Page::starting(http, &crate::client::Jar::default()).json(&json!({}));
    super::judge(&start.header("dpop", proof).send().await?, INVALID)
}

async fn key_as_symmetric_secret(ground: Ground) -> Held {
    let secret = random_bytes(32);
    refused(ground, INVALID, move |proof, _| {
        let jwk = json!({"kty": "oct", "k": base64url(&secret)});
        proof.head("jwk", jwk).head("alg", "HS256").sign_hmac(&secret)
    })
    .await
}

async fn key_of_another_curve(ground: Ground) -> Held {
    for curve in ["P-384", "P-521", "secp256k1", "Ed25519", "p-256"] {
        refused_once(&ground, with_key("crv", curve)).await?;
    }
    refused_once(&ground, with_key("kty", "OKP")).await?;
    refused(ground, INVALID, with_key("kty", "RSA")).await
}

async fn key_off_the_curve(ground: Ground) -> Held {
    refused_once(&ground, with_key("y", base64url(&[0; 32]))).await?;
    refused_once(&ground, with_key("x", base64url(&[0xff; 32]))).await?;
    refused(ground, INVALID, with_key("y", base64url(&random_bytes(32)))).await
}

async fn key_with_padding(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let mut jwk = key.jwk();
        jwk["x"] = Value::from(format!("{}=", jwk["x"].as_str().unwrap_or_default()));
        proof.head("jwk", jwk).sign(key)
    })
    .await
}

async fn key_without_y(ground: Ground) -> Held {
    refused(ground, INVALID, with_key("y", Value::Null)).await
}

/// Guard: a critical member that nobody here understands refuses the proof (RFC 7515 4.1.11).
async fn critical_members(ground: Ground) -> Held {
    for critical in [json!([]), json!(["exp"]), json!("htm"), json!(null)] {
        refused_once(&ground, move |proof, key| proof.head("crit", critical.clone()).sign(key)).await?;
    }
    refused(ground, INVALID, |proof, key| proof.head("crit", json!(["x"])).head("x", 1).sign(key)).await
}

async fn unencoded_payload(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.head("b64", false).head("crit", json!(["b64"])).sign(key))
        .await
}

async fn compressed_payload(ground: Ground) -> Held {
    // A proof is no JWE; `zip` alone is an unknown member and ignored, together with `enc` it is something else.
    refused(ground, INVALID, |proof, key| {
        proof.head("zip", "DEF").head("enc", "A128GCM").head("alg", "dir").sign(key)
    })
    .await
}
