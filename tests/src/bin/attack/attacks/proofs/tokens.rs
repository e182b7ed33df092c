//! Device tokens: worth nothing without their key, at every call of an authenticator.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Jws, Key, base64url, random_bytes};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["proofs", OneAccount;
        token_without_a_proof,
        proof_without_a_token,
        stolen_token_with_another_key,
        token_of_another_device,
        token_invented,
        token_as_bearer,
        two_tokens,
        token_in_the_query,
        token_of_a_session,
        token_hash_missing,
        token_hash_of_another_token,
        token_hash_empty,
        token_of_a_removed_device,
        credentials_are_judged_before_the_body,
    ];
    all.extend(attacks!["proofs", OwnServer; token_of_another_server]);
    all
}

/// Every call that only an authenticator may make.
fn calls(device: &Device) -> Vec<(&'static str, String, Option<Value>)> {
    vec![
        ("GET", "/api/devices".to_owned(), None),
        ("PATCH", format!("/api/devices/{}", device.id), Some(json!({"name": "Stolen"}))),
        ("DELETE", format!("/api/devices/{}", device.id), None),
        ("POST", "/api/enrolments".to_owned(), None),
        ("POST", "/api/scans".to_owned(), Some(json!({"code": "A".repeat(40), "via": "camera"}))),
        ("GET", "/api/sessions".to_owned(), None),
        ("DELETE", "/api/sessions/x".to_owned(), None),
        ("DELETE", "/api/sessions".to_owned(), None),
        ("GET", "/api/activity?after=0".to_owned(), None),
        ("GET", "/api/recovery-codes".to_owned(), None),
        ("POST", "/api/recovery-codes".to_owned(), None),
    ]
}

/// Makes every call with these credentials; all are 401, and the device is none the worse.
async fn refused(device: &Device, credentials: impl Fn(Jws) -> (Option<String>, Option<String>)) -> Held {
    let mut seen = String::new();
    for (method, path, body) in calls(device) {
        let proof = device.http.proof(&device.key, method, &path).await?.token(&device.token);
        let (authorization, proof) = credentials(proof);
        let mut call = device.http.call(method, &path);
        if let Some(body) = &body {
            call = call.json(body);
        }
        if let Some(authorization) = authorization {
            call = call.header("authorization", authorization);
        }
        if let Some(proof) = proof {
            call = call.header("dpop", proof);
        }
        let answer = call.send().await?.is(401)?;
        ensure!(
            answer.header("www-authenticate").starts_with("DPoP error="),
            "{answer}: no WWW-Authenticate"
        );
        seen = answer.kind();
    }
    unharmed(device).await?;
    Ok(format!("9 calls: {seen}"))
}

async fn unharmed(device: &Device) -> Result<()> {
    let list = device.get("/api/devices").await?.is(200).context("the device was harmed")?.json()?;
    ensure!(!list.to_string().contains("Stolen"), "the device was renamed: {list}");
    Ok(())
}

async fn token_without_a_proof(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |_| (Some(format!("DPoP {}", device.token)), None)).await
}

async fn proof_without_a_token(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| (None, Some(proof.sign(&device.key)))).await
}

/// Guard: the token is bound to its key's thumbprint.
async fn stolen_token_with_another_key(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| {
        let thief = Key::fresh();
        (Some(format!("DPoP {}", device.token)), Some(proof.head("jwk", thief.jwk()).sign(&thief)))
    })
    .await
}

async fn token_of_another_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    let thief = ground.second_device(&device).await?;
    refused(&device, |proof| {
        (Some(format!("DPoP {}", device.token)), Some(proof.head("jwk", thief.key.jwk()).sign(&thief.key)))
    })
    .await
}

async fn token_invented(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| {
        let token = base64url(&random_bytes(32));
        (Some(format!("DPoP {token}")), Some(proof.token(&token).sign(&device.key)))
    })
    .await
}

async fn token_as_bearer(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| (Some(format!("Bearer {}", device.token)), Some(proof.sign(&device.key)))).await
}

async fn two_tokens(ground: Ground) -> Held {
    let device = ground.device().await?;
    for (method, path, _) in calls(&device) {
        let call = device.http.call(method, &path).token(&device.key, &device.token).await?;
        let answer =
            call.header("authorization", format!("DPoP {}", base64url(&random_bytes(32)))).send().await?;
        answer.one_of(&[400, 401])?;
    }
    unharmed(&device).await?;
    Ok("refused at 9 calls".to_owned())
}

async fn token_in_the_query(ground: Ground) -> Held {
    let device = ground.device().await?;
    for name in ["access_token", "token"] {
        let path = format!("/api/devices?{name}={}", device.token);
        let proof =
            device.http.proof(&device.key, "GET", &path).await?.token(&device.token).sign(&device.key);
        device.http.call("GET", &path).header("dpop", proof).send().await?.is(401)?;
    }
    Ok("401".to_owned())
}

/// A browser's session token is no device token.
async fn token_of_a_session(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no session token")?.to_owned();
    refused(&device, |proof| {
        let proof = proof.head("jwk", page.key.jwk()).token(&token);
        (Some(format!("DPoP {token}")), Some(proof.sign(&page.key)))
    })
    .await
}

async fn token_hash_missing(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| {
        (Some(format!("DPoP {}", device.token)), Some(proof.without("ath").sign(&device.key)))
    })
    .await
}

async fn token_hash_of_another_token(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| {
        (Some(format!("DPoP {}", device.token)), Some(proof.token("another").sign(&device.key)))
    })
    .await
}

async fn token_hash_empty(ground: Ground) -> Held {
    let device = ground.device().await?;
    refused(&device, |proof| {
        (Some(format!("DPoP {}", device.token)), Some(proof.claim("ath", "").sign(&device.key)))
    })
    .await
}

async fn token_of_a_removed_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    let removed = ground.second_device(&device).await?;
    device.delete(&format!("/api/devices/{}", removed.id)).await?.is(204)?;
    for (method, path, body) in calls(&device) {
        let call = removed.call(method, &path).await?;
        let call = match &body {
            Some(body) => call.json(body),
            None => call,
        };
        call.send().await?.refuses(401, "invalid_token")?;
    }
    unharmed(&device).await?;
    Ok("9 calls: 401 invalid_token".to_owned())
}

/// Otherwise a stranger learns from 400 or 413 what only an authenticator should.
async fn credentials_are_judged_before_the_body(ground: Ground) -> Held {
    let device = ground.device().await?;
    for path in ["/api/scans", "/api/devices/x"] {
        let method = if path == "/api/scans" { "POST" } else { "PATCH" };
        let call = device.http.call(method, path).header("content-type", "application/json").body("{broken");
        call.token(&Key::fresh(), &device.token).await?.send().await?.is(401)?;
    }
    let start = device.http.call("POST", "/api/login-requests").header("origin", device.http.origin());
    start.header("content-type", "application/json").body("{broken").send().await?.is(401)?;
    Ok("broken bodies without credentials are 401".to_owned())
}

async fn token_of_another_server(ground: Ground) -> Held {
    let other = Ground::with(&[]).await?;
    let stranger = other.device().await?;
    let call = ground.http().call("GET", "/api/devices").token(&stranger.key, &stranger.token).await?;
    call.send().await?.refuses(401, "invalid_token")?;
    Ok("401 invalid_token".to_owned())
}
