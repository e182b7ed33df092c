//! The WebSocket: who may open it, and what bad clients can do to the server.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{Attack, Held, attacks};
use crate::client::{Answer, Call, Event, Page, Raw, Socket};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["sockets", OneAccount;
        origin_missing,
        origin_null,
        origin_of_a_stranger,
        origin_with_our_name_in_front,
        origin_with_our_name_behind,
        origin_of_another_port,
        origin_of_another_scheme,
        origin_with_a_path,
        origin_in_upper_case,
        two_origins,
        origin_as_referer,
        cookie_missing,
        cookie_of_another_request,
        secret_in_the_query,
        secret_as_subprotocol,
        socket_without_an_upgrade,
        messages_are_not_commands,
    ];
    all.extend(attacks!["sockets", OwnServer;
        message_of_one_megabyte,
        many_small_messages,
        slow_reader_holds_nobody_up,
        half_open_socket_holds_nobody_up,
        garbage_after_the_upgrade,
        hundred_sockets_leave_four,
        old_version_of_the_protocol,
    ]);
    all
}

/// Opens the socket with a bent call; refused with one of these, and the straight one opens.
async fn refused(ground: Ground, status: u16, bend: impl Fn(Call, &Page) -> Call) -> Held {
    let page = ground.page().await?;
    let answer = opening(bend(Socket::opening(&page), &page)).await?.is(status)?;
    ensure!(answer.cookies().is_empty(), "{answer} sets a cookie");
    Socket::open(&page).await?.state().await?;
    Ok(format!("{}; the page's own socket opens", answer.kind()))
}

async fn opening(call: Call) -> Result<Answer> {
    match Socket::upgrade(call).await? {
        Ok(_) => anyhow::bail!("the socket opened"),
        Err(answer) => Ok(answer),
    }
}

async fn origin_missing(ground: Ground) -> Held {
    refused(ground, 403, |call, _| call.without("origin")).await
}

async fn origin_null(ground: Ground) -> Held {
    refused(ground, 403, |call, _| call.instead("origin", "null")).await
}

async fn origin_of_a_stranger(ground: Ground) -> Held {
    refused(ground, 403, |call, _| call.instead("origin", "https://evil.example")).await
}

async fn origin_with_our_name_in_front(ground: Ground) -> Held {
    refused(ground, 403, |call, page| call.instead("origin", format!("{}.evil.example", page.http.origin())))
        .await
}

async fn origin_with_our_name_behind(ground: Ground) -> Held {
    refused(ground, 403, |call, page| {
        call.instead("origin", page.http.origin().replacen("://", "://evil", 1))
    })
    .await
}

async fn origin_of_another_port(ground: Ground) -> Held {
    refused(ground, 403, |call, page| call.instead("origin", format!("{}0", page.http.origin()))).await
}

async fn origin_of_another_scheme(ground: Ground) -> Held {
    refused(ground, 403, |call, page| {
        let origin = page.http.origin();
        let other = origin.strip_prefix("http://").map(|host| format!("https://{host}"));
        call.instead("origin", other.unwrap_or_else(|| origin.replacen("https", "http", 1)))
    })
    .await
}

async fn origin_with_a_path(ground: Ground) -> Held {
    refused(ground, 403, |call, page| call.instead("origin", format!("{}/", page.http.origin()))).await
}

async fn origin_in_upper_case(ground: Ground) -> Held {
    refused(ground, 403, |call, page| call.instead("origin", page.http.origin().replacen("http", "HTTP", 1)))
        .await
}

async fn two_origins(ground: Ground) -> Held {
    refused(ground, 403, |call, _| call.header("origin", "https://evil.example")).await
}

async fn origin_as_referer(ground: Ground) -> Held {
    refused(ground, 403, |call, page| {
        let origin = page.http.origin().to_owned();
        let call = call.without("origin").header("referer", format!("{origin}/login"));
        call.header("x-forwarded-host", "evil.example").header("sec-fetch-site", "same-origin")
    })
    .await
}

async fn cookie_missing(ground: Ground) -> Held {
    refused(ground, 404, |call, _| call.without("cookie")).await
}

async fn cookie_of_another_request(ground: Ground) -> Held {
    let thief = ground.page().await?;
    refused(ground, 404, move |call, _| call.instead("cookie", thief.jar.header())).await
}

async fn secret_in_the_query(ground: Ground) -> Held {
    let page = ground.page().await?;
    let secret = page.jar.get(&page.secret_name()).unwrap_or_default();
    let path = page.path(&format!("/events?secret={secret}&cookie={}={secret}", page.secret_name()));
    let call = ground.http().call("GET", &path).header("origin", ground.http().origin());
    opening(call).await?.is(404)?;
    Ok("404".to_owned())
}

async fn secret_as_subprotocol(ground: Ground) -> Held {
    let page = ground.page().await?;
    let secret = page.jar.get(&page.secret_name()).unwrap_or_default().to_owned();
    let call = Socket::opening(&page).without("cookie").header("sec-websocket-protocol", secret);
    opening(call).await?.is(404)?;
    Ok("404".to_owned())
}

async fn socket_without_an_upgrade(ground: Ground) -> Held {
    let page = ground.page().await?;
    let answer = Socket::opening(&page).send().await?;
    ensure!((400..500).contains(&answer.status), "{answer}");
    ensure!(!answer.text().contains("frame"), "{answer} tells the state");
    Ok(format!("{}", answer.status))
}

async fn messages_are_not_commands(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    socket.state().await?;
    for text in [
        r#"{"state":"approved"}"#,
        r#"{"type":"approve","check":"11"}"#,
        r#"{"id":"AAAA","subscribe":"AAAA"}"#,
        "\u{0}",
    ] {
        socket.send(Message::text(text)).await;
    }
    ensure!(page.stage().await? == "waiting", "a message changed the request: {}", page.stage().await?);
    Socket::open(&page).await?.state().await?;
    Ok("the request waits on".to_owned())
}

/// No answer takes longer, not even on a slow machine.
const SOON: Duration = Duration::from_mins(3);

/// Whether the server still answers others.
async fn serves_others(ground: &Ground) -> Result<()> {
    let other = ground.elsewhere()?;
    tokio::time::timeout(SOON, async {
        let (mut page, _, _) = other.approved().await?;
        page.sign_in().await
    })
    .await
    .map_err(|_| anyhow::anyhow!("nobody else could sign in meanwhile"))??;
    Ok(())
}

async fn message_of_one_megabyte(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut ends = Vec::new();
    for message in [
        Message::text("x".repeat(1 << 20)),
        Message::Binary(Bytes::from(vec![0; 1 << 20])),
        Message::text("x".repeat(70_000)),
    ] {
        let mut socket = Socket::open(&page).await?;
        socket.state().await?;
        socket.send(message).await;
        // Whatever it does with this one, it may not buffer it for ever: it closes, or reads on and ignores it.
        ends.push(match socket.next().await? {
            Event::Closed(code) => format!("closed {code}"),
            Event::Cut => "cut".to_owned(),
            Event::State(_) => "ignored".to_owned(),
        });
    }
    ensure!(ends[0] != "ignored" && ends[1] != "ignored", "a message of 1 MB was read whole: {ends:?}");
    serves_others(&ground).await?;
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok(format!("{ends:?}; others sign in"))
}

async fn many_small_messages(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    socket.state().await?;
    let mut sent = 0;
    while sent < 5_000 && socket.send(Message::Ping(Bytes::from_static(b"x"))).await {
        sent += 1;
    }
    serves_others(&ground).await?;
    Ok(format!("{sent} pings; others sign in"))
}

/// Opens the socket and never reads.
async fn slow_reader_holds_nobody_up(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut lazy = Vec::new();
    for _ in 0..4 {
        lazy.push(Socket::open(&page).await?);
    }
    let device = ground.device().await?;
    let scan = device.take(&page).await?;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    page.redeem().await?.is(201)?;
    serves_others(&ground).await?;
    // They read at last: the end is there.
    let code = lazy[0].end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok("the login ends while four sockets do not read".to_owned())
}

/// An upgrade whose client then goes silent in the middle of a frame.
async fn half_open_socket_holds_nobody_up(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut raw = upgraded(&ground, &page).await?;
    // A masked text frame that promises 100 bytes and sends three.
    ensure!(raw.send(&[0x81, 0x80 | 0x64, 1, 2, 3, 4, b'a', b'b', b'c']).await, "the server took no bytes");
    serves_others(&ground).await?;
    page.cancel().await?.is(204)?;
    let (seen, ended) = raw.read_to_end(SOON).await;
    ensure!(seen.contains("cancelled"), "the half-open socket was not told the end: {seen:?}");
    ensure!(ended, "the server keeps a half-open socket after the end");
    Ok("told the end and closed".to_owned())
}

async fn upgraded(ground: &Ground, page: &Page) -> Result<Raw> {
    let mut raw = ground.raw().await?;
    let host = ground.http().origin().trim_start_matches("http://").to_owned();
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\nCookie: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        page.path("/events"),
        ground.http().origin(),
        page.jar.header(),
    );
    ensure!(raw.send(head.as_bytes()).await, "the server took no bytes");
    let seen = raw.read_until("\"waiting\"", SOON).await;
    ensure!(seen.starts_with("HTTP/1.1 101"), "no upgrade: {seen}");
    Ok(raw)
}

async fn garbage_after_the_upgrade(ground: Ground) -> Held {
    let page = ground.page().await?;
    for garbage in [
        vec![0xff; 64],
        // Unmasked text: a client must mask (RFC 6455 5.1).
        vec![0x81, 3, b'a', b'b', b'c'],
        // A length of 2^63 and nothing behind it.
        [vec![0x82, 0x80 | 127, 0x7f], vec![0xff; 7], vec![1, 2, 3, 4]].concat(),
        // A reserved opcode, a fragmented ping, a close with a code that does not exist.
        vec![0x83, 0x80, 1, 2, 3, 4],
        vec![0x09, 0x80, 1, 2, 3, 4],
        vec![0x88, 0x82, 0, 0, 0, 0, 0xff, 0xff],
    ] {
        let mut raw = upgraded(&ground, &page).await?;
        raw.send(&garbage).await;
        let (_, ended) = raw.read_to_end(SOON).await;
        ensure!(ended, "the server keeps a socket after {garbage:x?}");
    }
    serves_others(&ground).await?;
    Ok("six kinds of garbage: each closed; others sign in".to_owned())
}

async fn hundred_sockets_leave_four(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(Socket::open(&page).await?);
    }
    for socket in &mut sockets[..96] {
        let code = socket.end().await?;
        ensure!(code == 4000, "closed with {code}");
    }
    page.cancel().await?.is(204)?;
    for socket in &mut sockets[96..] {
        let code = socket.end().await?;
        ensure!(code == 1000, "closed with {code}");
    }
    Ok("96 closed with 4000, 4 lived on".to_owned())
}

async fn old_version_of_the_protocol(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut raw = ground.raw().await?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nOrigin: {}\r\nCookie: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        page.path("/events"),
        ground.http().origin(),
        page.jar.header(),
    );
    raw.send(head.as_bytes()).await;
    let seen = raw.read_until("\r\n\r\n", SOON).await;
    ensure!(seen.starts_with("HTTP/1.1 4"), "{seen}");
    Ok(seen.lines().next().unwrap_or_default().to_owned())
}
