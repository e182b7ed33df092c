//! Clients that are slow, silent, greedy or many.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::join_all;

use super::{PATIENCE, SOON, decision, host, serves_others, status};
use crate::attacks::{Attack, Held, attacks};
use crate::client::Raw;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["transport", OwnServer;
        large_body_declared,
        large_body_in_chunks,
        body_never_sent,
        body_in_drops,
        head_in_drops,
        idle_connections,
        idle_after_an_answer,
        idle_in_the_preface,
        many_connections,
        waiting_for_continue,
        answer_never_read,
    ]
}

/// Guard: the limit of the body, judged by its declared length before a byte of it is read.
async fn large_body_declared(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(&decision(&ground, "Content-Length: 10000000000\r\n", "{")).await;
    let seen = raw.read_until("\r\n\r\n", SOON).await;
    ensure!(status(&seen) == 413, "10 GB declared got {seen:?}");
    Ok("413 before the body".to_owned())
}

async fn large_body_in_chunks(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(&decision(&ground, "Transfer-Encoding: chunked\r\n", "")).await;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let mut sent = 0;
    while sent < 10_000 && raw.send(chunk.as_bytes()).await {
        sent += 1;
    }
    let seen = raw.read_until("\r\n\r\n", SOON).await;
    ensure!(sent < 10_000 || status(&seen) == 413, "{sent} chunks of 4 KB were taken: {seen}");
    ensure!(seen.is_empty() || status(&seen) == 413, "{seen}");
    serves_others(&ground).await?;
    Ok(format!("{sent} chunks of 4 KB, then {}", if seen.is_empty() { "cut" } else { "413" }))
}

/// Guard: a call may take only so long (`limits.call_s`), here long enough for the calls of others on a slow machine.
async fn body_never_sent(_: Ground) -> Held {
    let ground = Ground::with(&[("LIMITS_CALL_S", "15")]).await?;
    let mut raw = ground.raw().await?;
    raw.send(&decision(&ground, "Content-Length: 1000\r\n", "{")).await;
    let (seen, ended) = raw.read_to_end(PATIENCE).await;
    ensure!(ended || !seen.is_empty(), "a body that never comes holds its connection");
    ensure!(seen.is_empty() || [408, 400, 503, 504].contains(&status(&seen)), "{seen}");
    serves_others(&ground).await?;
    Ok(seen.lines().next().unwrap_or("cut").to_owned())
}

async fn body_in_drops(_: Ground) -> Held {
    let ground = Ground::with(&[("LIMITS_CALL_S", "15")]).await?;
    let mut raws = Vec::new();
    for _ in 0..50 {
        let mut raw = ground.raw().await?;
        raw.send(&decision(&ground, "Content-Length: 1000\r\n", "{")).await;
        raws.push(raw);
    }
    serves_others(&ground).await?;
    let mut drops = 0;
    // One byte each 100 ms keeps a connection busy; the call's limit ends it all the same.
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            let alive = raws[0].send(b"x").await;
            let (seen, ended) = raws[0].read_to_end(Duration::from_millis(100)).await;
            if !alive || ended || !seen.is_empty() {
                return seen;
            }
            drops += 1;
        }
    })
    .await;
    ensure!(ended.is_ok(), "a body in drops holds its connection");
    Ok(format!("ended after {drops} drops"))
}

/// Slowloris.
async fn head_in_drops(ground: Ground) -> Held {
    let mut raws = Vec::new();
    for _ in 0..100 {
        let mut raw = ground.raw().await?;
        raw.send(b"GET /login HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
        raws.push(raw);
    }
    serves_others(&ground).await?;
    let mut drops = 0;
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            let alive = raws[0].send(b"x").await;
            let (seen, ended) = raws[0].read_to_end(Duration::from_millis(250)).await;
            if !alive || ended || !seen.is_empty() {
                return;
            }
            drops += 1;
        }
    })
    .await;
    ensure!(ended.is_ok(), "a head in drops holds its connection for over {} s", PATIENCE.as_secs());
    Ok(format!("100 slow heads: others sign in; ended after {drops} drops"))
}

/// Connections that say nothing at all.
async fn idle_connections(ground: Ground) -> Held {
    let mut raws = Vec::new();
    for _ in 0..300 {
        raws.push(ground.raw().await?);
    }
    serves_others(&ground).await?;
    let (_, ended) = raws[0].read_to_end(PATIENCE).await;
    ensure!(ended, "a connection that says nothing stays for over {} s", PATIENCE.as_secs());
    Ok("300 idle ones: others sign in; the server ends them".to_owned())
}

async fn idle_after_an_answer(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", host(&ground)).as_bytes()).await;
    let (seen, ended) = raw.read_to_end(PATIENCE).await;
    ensure!(status(&seen) == 200, "{seen}");
    ensure!(ended, "a connection stays for over {} s after its only call", PATIENCE.as_secs());
    Ok("ended by the server".to_owned())
}

/// The beginning of HTTP/2, for a server that waits to see which version it is.
async fn idle_in_the_preface(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(b"PRI * HTTP/2.0\r\n").await;
    let (_, ended) = raw.read_to_end(PATIENCE).await;
    ensure!(ended, "a connection stays for over {} s in the middle of a preface", PATIENCE.as_secs());
    Ok("ended by the server".to_owned())
}

async fn many_connections(ground: Ground) -> Held {
    let rounds = (0..10).map(|_| async {
        let raws: Vec<Result<Raw>> = join_all((0..100).map(|_| ground.raw())).await;
        raws.into_iter().flatten().count()
    });
    let opened: usize = join_all(rounds).await.into_iter().sum();
    serves_others(&ground).await?;
    Ok(format!("{opened} opened and dropped; others sign in"))
}

async fn waiting_for_continue(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(&decision(&ground, "Expect: 100-continue\r\nContent-Length: 99999999\r\n", "")).await;
    let seen = raw.read_until("\r\n\r\n", SOON).await;
    ensure!(status(&seen) == 413, "a body of 99 MB was waved through: {seen:?}");
    Ok("413 and no 100".to_owned())
}

/// Asks for much and reads nothing.
async fn answer_never_read(ground: Ground) -> Held {
    let mut lazy = Vec::new();
    let ask = format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", host(&ground)).repeat(200);
    for _ in 0..20 {
        let mut raw = ground.raw().await?;
        let _taken = tokio::time::timeout(Duration::from_secs(1), raw.send(ask.as_bytes())).await;
        lazy.push(raw);
    }
    serves_others(&ground).await?;
    Ok(format!("{} readers that do not read; others sign in", lazy.len()))
}
