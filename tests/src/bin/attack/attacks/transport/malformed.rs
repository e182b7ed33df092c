//! Requests that are none, or more than one: smuggling, bent framing, oversized heads, other protocols.

use std::time::Duration;

use anyhow::ensure;

use super::{SOON, decision, host, refused, serves_others, status};
use crate::attacks::{Attack, Held, attacks};
use crate::ground::Ground;

const BODY: &str = "{\"statement\":\"a.b.c\"}";

/// A second request behind the first one, which must never be seen as one.
const HIDDEN: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

pub(super) fn all() -> Vec<Attack> {
    attacks!["transport", OwnServer;
        two_lengths,
        length_and_chunks,
        bent_chunks,
        bent_encodings,
        lengths_that_are_none,
        spaces_before_the_colon,
        folded_headers,
        bare_line_ends,
        missing_and_double_host,
        absolute_and_odd_targets,
        large_header,
        many_headers,
        long_target,
        pipelined_calls,
        garbage_first,
        other_protocols,
        compressed_body,
        http_1_0,
    ]
}

/// Request smuggling: what a proxy in front reads as one request may not be two here.
async fn two_lengths(ground: Ground) -> Held {
    for lines in [
        format!("Content-Length: {}\r\nContent-Length: 0\r\n", BODY.len()),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n", HIDDEN.len()),
        format!("Content-Length: {}, 0\r\n", BODY.len()),
    ] {
        refused(&ground, &decision(&ground, &lines, HIDDEN)).await?;
    }
    Ok("three pairs of lengths: refused, no second answer".to_owned())
}

async fn length_and_chunks(ground: Ground) -> Held {
    let mut seen = String::new();
    for lines in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let body = format!("0\r\n\r\n{HIDDEN}");
        let mut raw = ground.raw().await?;
        raw.send(&decision(&ground, lines, &body)).await;
        let (all, _) = raw.read_to_end(Duration::from_secs(2)).await;
        // RFC 9112 6.3: the length is dropped and the connection closed, or the request refused.
        ensure!(all.matches("HTTP/1.1 200").count() == 0, "the hidden request was answered: {all}");
        all.lines().next().unwrap_or("cut").clone_into(&mut seen);
    }
    serves_others(&ground).await?;
    Ok(seen)
}

async fn bent_chunks(ground: Ground) -> Held {
    for body in [
        "-1\r\n\r\n".to_owned(),
        "ffffffffffffffff\r\nx".to_owned(),
        "fffffffffffffffff\r\nx".to_owned(),
        "0x5\r\nabcde\r\n0\r\n\r\n".to_owned(),
        "5\nabcde\n0\n\n".to_owned(),
        "5\r\nabcdeX0\r\n\r\n".to_owned(),
        format!("5;{}\r\nabcde\r\n0\r\n\r\n", "x".repeat(100_000)),
        format!("0\r\n{}\r\n", "X: y\r\n".repeat(5_000)),
        "zz\r\n".to_owned(),
    ] {
        refused(&ground, &decision(&ground, "Transfer-Encoding: chunked\r\n", &body)).await?;
    }
    serves_others(&ground).await?;
    Ok("nine bent bodies: refused or cut".to_owned())
}

async fn bent_encodings(ground: Ground) -> Held {
    for lines in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ] {
        let mut raw = ground.raw().await?;
        raw.send(&decision(&ground, lines, &format!("0\r\n\r\n{HIDDEN}"))).await;
        let (all, _) = raw.read_to_end(Duration::from_secs(1)).await;
        ensure!(
            all.matches("HTTP/1.1 200").count() == 0,
            "{lines:?}: the hidden request was answered: {all}"
        );
    }
    Ok("five encodings: no hidden request is answered".to_owned())
}

async fn lengths_that_are_none(ground: Ground) -> Held {
    for length in ["-1", "+5", "0x10", "1e3", "99999999999999999999999", "5 5", "", "five"] {
        refused(&ground, &decision(&ground, &format!("Content-Length: {length}\r\n"), BODY)).await?;
    }
    Ok("eight lengths: refused".to_owned())
}

async fn spaces_before_the_colon(ground: Ground) -> Held {
    for lines in [
        "Content-Length : 5\r\n",
        " Content-Length: 5\r\n",
        "Content Length: 5\r\n",
        ": x\r\n",
        "X\u{0}: y\r\n",
    ] {
        refused(&ground, &decision(&ground, lines, BODY)).await?;
    }
    Ok("five bent names: refused".to_owned())
}

async fn folded_headers(ground: Ground) -> Held {
    refused(&ground, &decision(&ground, "X-One: a\r\n b\r\nContent-Length: 0\r\n", "")).await
}

async fn bare_line_ends(ground: Ground) -> Held {
    for bytes in [
        format!("GET /health/live HTTP/1.1\r\nHost: {}\r\nX: a\rY: b\r\n\r\n", host(&ground)),
        format!("GET /health/live HTTP/1.1\r\nHost: {}\r\nX: a\u{0}b\r\n\r\n", host(&ground)),
    ] {
        refused(&ground, bytes.as_bytes()).await?;
    }
    Ok("a bare CR and a NUL in a value: refused".to_owned())
}

/// The configured origin counts, so a missing or doubled host changes nothing; it may also be refused.
async fn missing_and_double_host(ground: Ground) -> Held {
    let mut seen = Vec::new();
    for lines in ["", "Host: evil.example\r\nHost: also.evil.example\r\n"] {
        let mut raw = ground.raw().await?;
        raw.send(format!("GET /login HTTP/1.1\r\n{lines}Connection: close\r\n\r\n").as_bytes()).await;
        let (all, _) = raw.read_to_end(SOON).await;
        ensure!([200, 400].contains(&status(&all)), "{all}");
        ensure!(!all.contains("evil.example"), "{all}");
        seen.push(status(&all));
    }
    Ok(format!("{seen:?}, and no foreign host in the page"))
}

async fn absolute_and_odd_targets(ground: Ground) -> Held {
    let mut seen = Vec::new();
    for target in [
        "http://evil.example/login",
        "//evil.example/login",
        "*",
        "login",
        "evil.example:443",
        "/../login",
        "/login#x",
    ] {
        let mut raw = ground.raw().await?;
        raw.send(
            format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host(&ground))
                .as_bytes(),
        )
        .await;
        let (all, _) = raw.read_to_end(SOON).await;
        ensure!(!all.contains("evil.example"), "{target}: {all}");
        ensure!(status(&all) != 500, "{target}: {all}");
        seen.push(status(&all));
    }
    Ok(format!("{seen:?}"))
}

async fn large_header(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    let head = format!("GET /login HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(2 << 20));
    raw.send(head.as_bytes()).await;
    let seen = raw.read_until("\r\n\r\n", SOON).await;
    ensure!(seen.is_empty() || [400, 431].contains(&status(&seen)), "2 MB of header got {seen}");
    serves_others(&ground).await?;
    Ok(seen.lines().next().unwrap_or("cut").to_owned())
}

async fn many_headers(ground: Ground) -> Held {
    let lines = "X: y\r\n".repeat(5_000);
    let seen = refused(&ground, format!("GET /login HTTP/1.1\r\nHost: x\r\n{lines}\r\n").as_bytes()).await?;
    serves_others(&ground).await?;
    Ok(seen)
}

async fn long_target(ground: Ground) -> Held {
    let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
    refused(&ground, head.as_bytes()).await
}

/// Each of several calls in one packet is judged by itself, in order.
async fn pipelined_calls(ground: Ground) -> Held {
    let device = ground.device().await?;
    let http = ground.http();
    let proof = http.proof(&device.key, "GET", "/api/devices").await?.token(&device.token).sign(&device.key);
    let name = host(&ground);
    let with = format!(
        "GET /api/devices HTTP/1.1\r\nHost: {name}\r\nAuthorization: DPoP {}\r\nDPoP: {proof}\r\n\r\n",
        device.token
    );
    let without = format!("GET /api/devices HTTP/1.1\r\nHost: {name}\r\n\r\n");
    let last = format!("GET /health/live HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    let mut raw = ground.raw().await?;
    raw.send(format!("{with}{without}{with}{last}").as_bytes()).await;
    let (all, _) = raw.read_to_end(SOON).await;
    let statuses: Vec<u16> =
        all.match_indices("HTTP/1.1 ").filter_map(|(at, _)| all[at + 9..at + 12].parse().ok()).collect();
    ensure!(statuses == [200, 401, 401, 200], "{statuses:?} where 200, 401, 401 (spent proof), 200 were due");
    Ok("200, then 401 without credentials, 401 for the spent proof, 200".to_owned())
}

async fn garbage_first(ground: Ground) -> Held {
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        vec![0; 1_000],
        vec![0xff; 1_000],
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
        b"SSH-2.0-x\r\n".to_vec(),
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
    ] {
        refused(&ground, &bytes).await?;
    }
    serves_others(&ground).await?;
    Ok("eight kinds: refused or cut".to_owned())
}

async fn other_protocols(ground: Ground) -> Held {
    let name = host(&ground);
    let mut raw = ground.raw().await?;
    let upgrade = format!(
        "GET /login HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    );
    raw.send(upgrade.as_bytes()).await;
    let (all, _) = raw.read_to_end(Duration::from_secs(2)).await;
    ensure!(status(&all) != 101, "{all}");
    for head in [
        format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: {name}\r\n\r\n"),
        format!("TRACE / HTTP/1.1\r\nHost: {name}\r\nX-Secret: echo\r\n\r\n"),
    ] {
        let seen = refused(&ground, head.as_bytes()).await?;
        ensure!(!seen.contains("echo"), "{seen}");
    }
    Ok("h2c is not switched to, CONNECT and TRACE are refused".to_owned())
}

/// A small body that would be large once unpacked.
async fn compressed_body(ground: Ground) -> Held {
    let call = ground.http().call("POST", "/api/decisions").header("content-type", "application/json");
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 8_000]].concat();
    let answer = call.header("content-encoding", "gzip").body(bomb).send().await?;
    let seen = answer.kind();
    answer.one_of(&[400, 415])?;
    Ok(seen)
}

async fn http_1_0(ground: Ground) -> Held {
    let mut raw = ground.raw().await?;
    raw.send(b"GET /api/session HTTP/1.0\r\n\r\n").await;
    let (all, ended) = raw.read_to_end(SOON).await;
    ensure!(ended && [400, 401, 505].contains(&status(&all)), "{all}");
    Ok(all.lines().next().unwrap_or_default().to_owned())
}
