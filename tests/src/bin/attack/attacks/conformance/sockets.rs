//! The page's WebSocket.

use anyhow::ensure;

use crate::attacks::{Attack, Held, attacks};
use crate::client::Socket;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["conformance", OneAccount;
        socket_says_the_whole_state_at_once_and_at_each_change,
        socket_closes_with_1000_after_the_end,
        socket_of_an_ended_request_says_it_and_closes,
        fifth_socket_closes_the_oldest_with_4000,
        socket_repeats_the_state_each_15_s,
        socket_wants_cookie_and_origin,
    ];
    all.extend(attacks!["conformance", OwnServer; socket_closes_with_1001_when_the_server_drains]);
    all
}

async fn socket_says_the_whole_state_at_once_and_at_each_change(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    let first = socket.state().await?;
    ensure!(first["state"] == "waiting" && first["frame"]["png"].is_string(), "{first}");
    let device = ground.device().await?;
    let scan = device.take(&page).await?;
    let scanned = socket.until("scanned").await?;
    ensure!(scanned["check"].is_string() && scanned["frame"].is_null(), "{scanned}");
    let check = scanned["check"].as_str().unwrap_or_default().to_owned();
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let approved = socket.until("approved").await?;
    ensure!(approved["check"].is_null(), "the number stays after the decision: {approved}");
    for member in ["id", "state", "reason", "frame", "user_code", "check", "expires_at", "now"] {
        ensure!(first.get(member).is_some() && approved.get(member).is_some(), "no {member}");
    }
    Ok("waiting, scanned, approved".to_owned())
}

async fn socket_closes_with_1000_after_the_end(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    page.cancel().await?.is(204)?;
    let last = socket.until("cancelled").await?;
    ensure!(last["reason"] == "page", "{last}");
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    let (page, _, _) = ground.approved().await?;
    let mut socket = Socket::open(&page).await?;
    page.redeem().await?.is(201)?;
    socket.until("redeemed").await?;
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok("cancelled and redeemed: 1000".to_owned())
}

async fn socket_of_an_ended_request_says_it_and_closes(ground: Ground) -> Held {
    let page = ground.page().await?;
    page.cancel().await?.is(204)?;
    let mut socket = Socket::open(&page).await?;
    socket.until("cancelled").await?;
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok("the final state, then 1000".to_owned())
}

async fn fifth_socket_closes_the_oldest_with_4000(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = Socket::open(&page).await?;
        socket.state().await?;
        sockets.push(socket);
    }
    let code = sockets[0].end().await?;
    ensure!(code == 4000, "the oldest was closed with {code}");
    page.cancel().await?.is(204)?;
    for socket in &mut sockets[1..] {
        let code = socket.end().await?;
        ensure!(code == 1000, "one of the four was closed with {code}");
    }
    Ok("4000 for the oldest, the other four live on".to_owned())
}

async fn socket_repeats_the_state_each_15_s(ground: Ground) -> Held {
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    let first = socket.state().await?;
    let second = socket.state().await?;
    let gap = second["now"].as_i64().unwrap_or(0) - first["now"].as_i64().unwrap_or(0);
    ensure!(gap >= 1, "{gap} s between two states");
    ensure!(first["frame"]["url"] != second["frame"]["url"], "the frame did not change in {gap} s");
    Ok(format!("another frame after {gap} s"))
}

async fn socket_wants_cookie_and_origin(ground: Ground) -> Held {
    let page = ground.page().await?;
    let refused = |answer: std::result::Result<Socket, crate::client::Answer>| match answer {
        Ok(_) => Err(anyhow::anyhow!("the socket opened")),
        Err(answer) => Ok(answer),
    };
    let opening = Socket::opening(&page);
    let answer = refused(Socket::upgrade(opening.clone().without("origin")).await?)?;
    answer.refuses(403, "wrong_origin")?;
    let answer = refused(Socket::upgrade(opening.clone().without("cookie")).await?)?;
    answer.is(404)?;
    Ok("no origin: 403; no cookie: 404".to_owned())
}

async fn socket_closes_with_1001_when_the_server_drains(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    socket.state().await?;
    ground.server()?.drain().await?;
    let code = socket.end().await?;
    ensure!(code == 1001, "closed with {code}");
    Ok("1001".to_owned())
}
