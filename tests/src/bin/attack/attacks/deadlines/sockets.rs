//! What a waiting page is told while nobody calls.

use anyhow::ensure;

use super::{HOUR_S, end_of, number};
use crate::attacks::{Attack, Held, attacks};
use crate::client::Socket;
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        waiting_socket_is_told_each_frame_and_the_end,
        silent_socket_is_told_each_15_s,
        scanned_socket_is_told_its_end,
        approved_socket_is_told_its_end,
        sleeping_socket_is_told_its_end,
        operator_revokes_and_sockets_are_told_within_a_second,
        revoked_sockets_are_told_before_a_second_passes,
    ]
}

async fn waiting_socket_is_told_each_frame_and_the_end(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, page) = (ground.hand()?, ground.page().await?);
    let mut socket = Socket::open(&page).await?;
    let mut last = socket.state().await?;
    let began = number(&last, "now")?;
    for step in 1..20 {
        hand.pass(15).await?;
        let state = socket.state().await?;
        ensure!(number(&state, "now")? == began + 15 * step, "{state} after {step} times 15 s");
        ensure!(state["frame"]["url"] != last["frame"]["url"], "the frame did not change: {state}");
        last = state;
    }
    hand.pass(15).await?;
    let state = socket.state().await?;
    ensure!(state["state"] == "expired" && state["reason"] == "waiting", "{state}");
    ensure!(number(&state, "now")? == began + 300, "{state}");
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok("19 frames at their seconds, the end at its own, 1000".to_owned())
}

/// The whole state comes again each 15 seconds, also where nothing in it moves.
async fn silent_socket_is_told_each_15_s(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let typing = ground.page().await?;
    typing.type_instead().await?.is(200)?;
    let (scanned, _, _) = ground.scanned().await?;
    for page in [typing, scanned] {
        let mut socket = Socket::open(&page).await?;
        let began = number(&socket.state().await?, "now")?;
        for step in 1..4 {
            hand.pass(15).await?;
            let state = socket.state().await?;
            ensure!(number(&state, "now")? == began + 15 * step, "{state} after {step} times 15 s");
        }
    }
    Ok("a typed code and a scanned page: each 15 s".to_owned())
}

/// Told at the very second, with everything before that as it was.
async fn scanned_socket_is_told_its_end(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (page, _, _) = ground.scanned().await?;
    told_at_its_end(&ground, page, "scanned").await
}

async fn approved_socket_is_told_its_end(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (page, _, _) = ground.approved().await?;
    told_at_its_end(&ground, page, "approved").await
}

async fn told_at_its_end(ground: &Ground, page: crate::client::Page, stage: &str) -> Held {
    let (hand, ends) = (ground.hand()?, end_of(&page).await?);
    let mut socket = Socket::open(&page).await?;
    ensure!(socket.state().await?["state"] == stage, "not {stage}");
    hand.pass_until(ends - 1).await?;
    ensure!(page.stage().await? == stage, "{} one second before the end", page.stage().await?);
    hand.pass(1).await?;
    let last = socket.until("expired").await?;
    ensure!(last["reason"] == stage && number(&last, "now")? == ends, "{last}");
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok(format!("expired {stage} at its second, 1000"))
}

/// The machine slept for an hour.
async fn sleeping_socket_is_told_its_end(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    socket.state().await?;
    ground.hand()?.pass(HOUR_S).await?;
    // The record itself is long forgotten: it is told the end, or to come back and learn that there is nothing.
    let code = socket.end().await?;
    ensure!([1000, 1001].contains(&code), "closed with {code}");
    page.poll().await?.one_of(&[200, 404])?;
    Ok(format!("closed with {code}"))
}

/// Another process revokes: no wake-up comes from it, only the socket's own look after a second.
async fn operator_revokes_and_sockets_are_told_within_a_second(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let name = fresh_name();
    let link = ground.server()?.add_account(&name).await?;
    let device = crate::client::Device::enrol(ground.http(), &link).await?;
    let (scanned, approved) = (ground.page().await?, ground.page().await?);
    device.take(&scanned).await?;
    device.approve(&approved).await?;
    let mut sockets = [Socket::open(&scanned).await?, Socket::open(&approved).await?];
    for socket in &mut sockets {
        socket.state().await?;
    }
    ground.server()?.operate(&["users", "disable", &name]).await?;
    ground.hand()?.pass(1).await?;
    for socket in &mut sockets {
        let last = socket.until("cancelled").await?;
        ensure!(last["reason"] == "revoked", "{last}");
        let code = socket.end().await?;
        ensure!(code == 1000, "closed with {code}");
    }
    Ok("scanned and approved: cancelled revoked after one second".to_owned())
}

/// The server's own wake-up: no second passes, so none of the sockets looks by itself.
async fn revoked_sockets_are_told_before_a_second_passes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let device = ground.device().await?;
    for revoke in ["device", "sessions"] {
        let lost = ground.second_device(&device).await?;
        let (scanned, approved) = (ground.page().await?, ground.page().await?);
        lost.take(&scanned).await?;
        lost.approve(&approved).await?;
        let mut sockets = [Socket::open(&scanned).await?, Socket::open(&approved).await?];
        for socket in &mut sockets {
            socket.state().await?;
        }
        let path =
            if revoke == "device" { format!("/api/devices/{}", lost.id) } else { "/api/sessions".to_owned() };
        device.delete(&path).await?.is(204)?;
        for socket in &mut sockets {
            let last = socket.until("cancelled").await?;
            ensure!(last["reason"] == "revoked", "{last}");
            let code = socket.end().await?;
            ensure!(code == 1000, "closed with {code}");
        }
    }
    Ok("a device removed, all sessions ended: told without a second passing".to_owned())
}
