//! Nonces and the memory of spent proofs.

use anyhow::{Result, ensure};
use serde_json::json;

use super::edge;
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Answer, Jar, Key, Page, random_name};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer; nonce_ends_after_five_minutes, proof_is_never_good_again, name_of_a_proof_is_remembered]
}

async fn start(ground: &Ground, proof: &str) -> Result<Answer> {
    Page::starting(ground.http(), &Jar::default()).json(&json!({})).header("dpop", proof).send().await
}

async fn nonce_ends_after_five_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, key) = (ground.hand()?, Key::fresh());
    let (nonce, ends) = (ground.http().nonce().await?, hand.now().await? + 300);
    edge(hand, ends, &[(), (), ()], (201, &["401 use_dpop_nonce"]), async |()| {
        let proof = ground.http().proof(&key, "POST", "/api/login-requests").await?;
        start(&ground, &proof.claim("nonce", nonce.as_str()).sign(&key)).await
    })
    .await
}

/// The same bytes, before and after every second at which something about them is forgotten.
async fn proof_is_never_good_again(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, key) = (ground.hand()?, Key::fresh());
    let proof = ground.http().proof(&key, "POST", "/api/login-requests").await?.sign(&key);
    start(&ground, &proof).await?.is(201)?;
    let began = hand.now().await?;
    let mut tried = 0;
    for after_s in [0, 1, 299, 300, 301, 359, 360, 361, 390, 391, 419, 420, 421, 86_400] {
        hand.pass_until(began + after_s).await?;
        let answer = start(&ground, &proof).await?.is(401)?;
        let due = if after_s < 300 { "invalid_proof" } else { "use_dpop_nonce" };
        ensure!(answer.problem() == due, "after {after_s} s: {answer}");
        tried += 1;
    }
    Ok(format!("401 at {tried} moments up to a day"))
}

/// "(thumbprint, jti) is remembered 6 minutes": also under a fresh nonce and signature.
async fn name_of_a_proof_is_remembered(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, key, name) = (ground.hand()?, Key::fresh(), random_name());
    let anew = async || {
        let proof = ground.http().proof(&key, "POST", "/api/login-requests").await?;
        start(&ground, &proof.claim("jti", name.as_str()).sign(&key)).await
    };
    anew().await?.is(201)?;
    let began = hand.now().await?;
    for after_s in [1, 299, 300, 301, 358, 359] {
        hand.pass_until(began + after_s).await?;
        anew().await?.refuses(401, "invalid_proof")?;
    }
    // Forgotten by the slice, so a little later than promised, but not kept for ever.
    hand.pass_until(began + 480).await?;
    anew().await?.is(201)?;
    Ok("401 up to one second before the six minutes are over".to_owned())
}
