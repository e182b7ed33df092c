//! Claims of a proof: method, address, token hash, id, nonce.

use anyhow::ensure;
use serde_json::{Value, json};

use super::{POSTS, Posts, STRAIGHT, refused};
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Jws, Key, random_name};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["proofs", OneAccount;
        method_of_another_call,
        method_missing,
        method_in_lower_case,
        method_of_another_type,
        address_of_another_path,
        address_of_another_host,
        address_of_another_scheme,
        address_with_another_port,
        address_as_path_alone,
        address_with_userinfo,
        address_missing,
        id_missing,
        id_empty,
        id_too_long,
        id_of_another_type,
        id_of_64_characters_passes,
        nonce_missing,
        nonce_invented,
        nonce_shortened,
        nonce_with_a_flipped_bit,
        nonce_with_another_time,
        proof_replayed,
        proof_replayed_after_a_refusal,
        wrong_clock_locks_nobody_out,
    ];
    all.extend(attacks!["proofs", OwnServer; nonce_of_another_server, nonce_from_before_a_restart]);
    all
}

const INVALID: &[&str] = &["invalid_proof"];
const NONCE: &[&str] = &["use_dpop_nonce"];
const EITHER: &[&str] = &["invalid_proof", "use_dpop_nonce"];

/// Guard: `htm` is compared with the method.
async fn method_of_another_call(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.claim("htm", "DELETE").sign(key)).await
}

async fn method_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.without("htm").sign(key)).await
}

async fn method_in_lower_case(ground: Ground) -> Held {
    // Methods are case-sensitive (RFC 9110); "get" is another one.
    refused(ground, INVALID, |proof, key| proof.claim("htm", "post").sign(key)).await
}

async fn method_of_another_type(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.claim("htm", json!(["GET", "POST"])).sign(key)).await
}

/// Guard: `htu` is compared with the configured origin and the path.
async fn address_of_another_path(ground: Ground) -> Held {
    let url = ground.http().url("/api/sessions");
    refused(ground, INVALID, move |proof, key| proof.claim("htu", url.clone()).sign(key)).await
}

async fn address_of_another_host(ground: Ground) -> Held {
    bent_address(ground, |origin| origin.replacen("://", "://evil.example.", 1)).await
}

async fn address_of_another_scheme(ground: Ground) -> Held {
    bent_address(ground, |origin| match origin.strip_prefix("http://") {
        Some(host) => format!("https://{host}"),
        None => origin.replacen("https://", "http://", 1),
    })
    .await
}

async fn address_with_another_port(ground: Ground) -> Held {
    bent_address(ground, |origin| {
        let host = origin.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        format!("{}:1", host.map_or(origin, |(host, _)| host))
    })
    .await
}

async fn address_as_path_alone(ground: Ground) -> Held {
    bent_address(ground, |_| String::new()).await
}

async fn address_with_userinfo(ground: Ground) -> Held {
    bent_address(ground, |origin| origin.replacen("://", "://user@", 1)).await
}

/// The right path under another origin, at all five calls.
async fn bent_address(ground: Ground, bend: impl Fn(&str) -> String) -> Held {
    let origin = ground.http().origin().to_owned();
    let posts = Posts::ready(&ground).await?;
    let paths = [
        "/api/login-requests".to_owned(),
        "/api/devices".to_owned(),
        posts.approved.path("/session"),
        "/api/session/refresh".to_owned(),
        "/api/devices".to_owned(),
    ];
    let bent = bend(&origin);
    for (post, path) in POSTS.into_iter().zip(paths) {
        let proof = posts.proof(post).await?.claim("htu", format!("{bent}{path}")).sign(posts.key(post));
        super::judge(&posts.call(post).header("dpop", proof).send().await?, INVALID)?;
    }
    posts.straight().await?;
    Ok(format!("htu at {bent:?}: 401 invalid_proof at all five calls"))
}

async fn address_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.without("htu").sign(key)).await
}

async fn id_missing(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.without("jti").sign(key)).await
}

async fn id_empty(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.claim("jti", "").sign(key)).await
}

/// Guard: 64 characters at most, or the memory of spent proofs can be filled.
async fn id_too_long(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.claim("jti", "j".repeat(65)).sign(key)).await
}

async fn id_of_another_type(ground: Ground) -> Held {
    refused(ground, INVALID, |proof, key| proof.claim("jti", 7).sign(key)).await
}

async fn id_of_64_characters_passes(ground: Ground) -> Held {
    let posts = Posts::ready(&ground).await?;
    for (post, status) in POSTS.into_iter().zip(STRAIGHT) {
        let name = format!("{}{}", random_name(), "j".repeat(64 - random_name().len()));
        let proof = posts.proof(post).await?.claim("jti", name).sign(posts.key(post));
        posts.call(post).header("dpop", proof).send().await?.is(status)?;
    }
    Ok("64 characters are allowed at all five calls".to_owned())
}

async fn nonce_missing(ground: Ground) -> Held {
    refused(ground, NONCE, |proof, key| proof.without("nonce").sign(key)).await
}

async fn nonce_invented(ground: Ground) -> Held {
    refused(ground, NONCE, |proof, key| proof.claim("nonce", random_name()).sign(key)).await
}

async fn nonce_shortened(ground: Ground) -> Held {
    let nonce = ground.http().nonce().await?;
    let short = nonce[..nonce.len() - 4].to_owned();
    refused(ground, NONCE, move |proof, key| proof.claim("nonce", short.clone()).sign(key)).await
}

/// Guard: the HMAC in the nonce.
async fn nonce_with_a_flipped_bit(ground: Ground) -> Held {
    let mut bytes = crate::client::from_base64url(&ground.http().nonce().await?)?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    let bent = crate::client::base64url(&bytes);
    refused(ground, NONCE, move |proof, key| proof.claim("nonce", bent.clone()).sign(key)).await
}

/// Guard: the time is under the HMAC, so nobody makes a nonce last longer.
async fn nonce_with_another_time(ground: Ground) -> Held {
    let bytes = crate::client::from_base64url(&ground.http().nonce().await?)?;
    let mut tried = 0;
    for at in 0..8 {
        let mut bent = bytes.clone();
        bent[at] = bent[at].wrapping_add(1);
        let bent = crate::client::base64url(&bent);
        let key = Key::fresh();
        let posts = ground.http().proof(&key, "POST", "/api/login-requests").await?.claim("nonce", bent);
        let start =
            crate::client::Page::starting(ground.http(), &crate::client::Jar::default()).json(&json!({}));
        super::judge(&start.header("dpop", posts.sign(&key)).send().await?, NONCE)?;
        tried += 1;
    }
    Ok(format!("{tried} changed bytes: 401 use_dpop_nonce"))
}

/// Guard: (thumbprint, jti) is remembered.
async fn proof_replayed(ground: Ground) -> Held {
    let posts = Posts::ready(&ground).await?;
    for (post, status) in POSTS.into_iter().zip(STRAIGHT) {
        let proof = posts.proof(post).await?.sign(posts.key(post));
        posts.call(post).header("dpop", proof.clone()).send().await?.is(status)?;
        super::judge(&posts.call(post).header("dpop", proof).send().await?, EITHER)?;
    }
    Ok("the second use is 401 at all five calls".to_owned())
}

/// A proof stays spent whatever the answer was.
async fn proof_replayed_after_a_refusal(ground: Ground) -> Held {
    let page = ground.page().await?;
    let proof = ground.http().proof(&page.key, "POST", &page.path("/session")).await?.sign(&page.key);
    let redeem = page.redeeming().header("dpop", proof);
    redeem.clone().send().await?.refuses(409, "not_approved")?;
    let device = ground.device().await?;
    device.approve(&page).await?;
    super::judge(&redeem.send().await?, EITHER)?;
    page.redeem().await?.is(201)?;
    Ok("a proof of a redeem that came too early is 401 after the approval".to_owned())
}

async fn wrong_clock_locks_nobody_out(ground: Ground) -> Held {
    let posts = Posts::ready(&ground).await?;
    for iat in [json!(0), json!(-5), json!(99_999_999_999_u64), json!(1.5)] {
        let key = Key::fresh();
        let proof = ground.http().proof(&key, "POST", "/api/login-requests").await?.claim("iat", iat);
        posts.call(super::Post::Start).header("dpop", proof.sign(&key)).send().await?.is(201)?;
    }
    Ok("iat of 1970, before and far ahead: 201".to_owned())
}

async fn nonce_of_another_server(ground: Ground) -> Held {
    let other = Ground::with(&[]).await?;
    let nonce = Value::from(other.http().nonce().await?);
    refused(ground, NONCE, move |proof, key| proof.claim("nonce", nonce.clone()).sign(key)).await
}

/// Guard: the nonce key hangs on the id of the short-lived store, which forgets spent proofs with a restart.
async fn nonce_from_before_a_restart(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let device = ground.device().await?;
    let proof: Jws = ground.http().proof(&device.key, "GET", "/api/devices").await?.token(&device.token);
    let spent = proof.sign(&device.key);
    let call =
        ground.http().call("GET", "/api/devices").header("authorization", format!("DPoP {}", device.token));
    call.clone().header("dpop", &spent).send().await?.is(200)?;
    ground.server()?.kill().await?;
    ground.server()?.start_again().await?;
    let answer = call.header("dpop", &spent).send().await?.refuses(401, "use_dpop_nonce")?;
    ensure!(!answer.header("dpop-nonce").is_empty(), "no new nonce");
    ground.http().forget_nonce();
    device.get("/api/devices").await?.is(200)?;
    Ok("a spent proof does not come back to life: 401 use_dpop_nonce".to_owned())
}
