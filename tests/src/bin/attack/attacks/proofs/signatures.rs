//! Signatures that are none.

use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

use super::refused;
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Key, base64url, random_bytes, random_source};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["proofs", OneAccount;
        algorithm_none,
        algorithm_none_in_other_spellings,
        hmac_with_the_public_key,
        hmac_with_the_public_key_as_json,
        signature_of_p384,
        algorithm_that_does_not_match,
        signature_of_another_key,
        signature_missing,
        signature_of_zeros,
        signature_shortened,
        signature_in_der,
        signature_random,
        claims_changed_after_signing,
        header_changed_after_signing,
        more_and_fewer_parts,
        parts_with_padding,
    ]
}

const INVALID: &[&str] = &["invalid_proof"];

async fn algorithm_none(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, _| proof.head("alg", "none").sealed(|_| Vec::new())).await
}

async fn algorithm_none_in_other_spellings(ground: Ground) -> Held {
    let mut last = String::new();
    for spelling in ["None", "NONE", "nOnE", ""] {
        let bend = |proof: crate::client::Jws, key: &Key| proof.head("alg", spelling).sign(key);
        last = refused(ground.elsewhere()?, INVALID, bend).await?;
    }
    Ok(last)
}

/// Guard: only ES256 is known, so the public key is never taken for an HMAC secret.
async fn hmac_with_the_public_key(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.head("alg", "HS256").sign_hmac(key.point())).await
}

async fn hmac_with_the_public_key_as_json(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        proof.head("alg", "HS256").sign_hmac(key.jwk().to_string().as_bytes())
    })
    .await
}

/// A real signature by a real key of P-384, declared as what it is.
async fn signature_of_p384(ground: Ground) -> Held {
    let random = random_source();
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let document =
        EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow::anyhow!("no P-384 key"))?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)?;
    let point = pair.public_key().as_ref().to_vec();
    refused(ground, INVALID, move |proof, _| {
        let (x, y) = (base64url(&point[1..49]), base64url(&point[49..97]));
        let proof =
            proof.head("alg", "ES384").head("jwk", json!({"kty": "EC", "crv": "P-384", "x": x, "y": y}));
        proof.sealed(|input| {
            pair.sign(&random_source(), input)
                .map(|signature| signature.as_ref().to_vec())
                .unwrap_or_default()
        })
    })
    .await
}

async fn algorithm_that_does_not_match(ground: Ground) -> Held {
    let mut last = String::new();
    for algorithm in ["ES384", "ES256K", "RS256", "PS256", "EdDSA", "es256"] {
        let bend = |proof: crate::client::Jws, key: &Key| proof.head("alg", algorithm).sign(key);
        last = refused(ground.elsewhere()?, INVALID, bend).await?;
    }
    Ok(last)
}

/// Guard: the signature is checked at all.
async fn signature_of_another_key(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, _| proof.sign(&Key::fresh())).await
}

async fn signature_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, _| proof.sealed(|_| Vec::new())).await
}

/// CVE-2022-21449: r and s of zero verify everything in a careless implementation.
async fn signature_of_zeros(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, _| proof.sealed(|_| vec![0; 64])).await
}

async fn signature_shortened(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.sealed(|input| key.sign(input)[..63].to_vec())).await
}

/// JWS wants r and s side by side, not ASN.1.
async fn signature_in_der(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        proof.sealed(|input| {
            let fixed = key.sign(input);
            let mut der = Vec::new();
            for half in [&fixed[..32], &fixed[32..]] {
                der.extend([0x02, 33, 0]);
                der.extend(half);
            }
            [vec![0x30, 70], der].concat()
        })
    })
    .await
}

async fn signature_random(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, _| proof.sealed(|_| random_bytes(64))).await
}

async fn claims_changed_after_signing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let signed = proof.clone().claim("jti", "another").sign(key);
        let (_, signature) = signed.rsplit_once('.').unwrap_or_default();
        let straight = proof.sign(key);
        let (input, _) = straight.rsplit_once('.').unwrap_or_default();
        format!("{input}.{signature}")
    })
    .await
}

async fn header_changed_after_signing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| {
        let signed = proof.clone().head("x", "y").sign(key);
        let (_, signature) = signed.rsplit_once('.').unwrap_or_default();
        let straight = proof.sign(key);
        let (input, _) = straight.rsplit_once('.').unwrap_or_default();
        format!("{input}.{signature}")
    })
    .await
}

async fn more_and_fewer_parts(ground: Ground) -> Held {
    let mut last = String::new();
    for bend in [
        |text: String| format!("{text}.x"),
        |text: String| format!("{text}."),
        |text: String| format!(".{text}"),
        |text: String| text.rsplit_once('.').map(|(rest, _)| rest.to_owned()).unwrap_or_default(),
        |text: String| text.replace('.', ""),
    ] {
        let bent = move |proof: crate::client::Jws, key: &Key| bend(proof.sign(key));
        last = refused(ground.elsewhere()?, INVALID, bent).await?;
    }
    Ok(last)
}

async fn parts_with_padding(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| format!("{}==", proof.sign(key))).await
}
