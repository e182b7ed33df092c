//! Everything at once: one transition, one session, one winner.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Answer, Device, send_statement};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["races", StandingTime;
        two_hundred_approvals_by_two_users,
        two_hundred_redeems,
        two_hundred_scans_by_two_devices,
        approve_and_deny_at_once,
        approve_and_cancel_at_once,
        redeem_and_revoke_at_once,
        redeem_and_cancel_at_once,
        scan_and_typed_code_at_once,
        one_proof_two_hundred_times,
        refreshes_at_once,
    ]
}

const CROWD: usize = 200;

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

async fn all_of(
    calls: impl IntoIterator<Item = impl Future<Output = Result<Answer>>>,
) -> Result<Vec<Answer>> {
    join_all(calls).await.into_iter().collect()
}

async fn sessions_of(device: &Device) -> Result<usize> {
    let body = device.get("/api/sessions").await?.is(200)?.json()?;
    Ok(body["sessions"].as_array().map_or(0, Vec::len))
}

async fn two_hundred_approvals_by_two_users(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let stranger = ground.device().await?;
    let check = page.check().await?;
    let good = device.statement(&scan, "approve", Some(&check))?.sign(&device.key);
    let bad = stranger.statement(&scan, "approve", Some(&check))?.sign(&stranger.key);
    let calls = (0..CROWD).map(|at| send_statement(ground.http(), if at % 2 == 0 { &good } else { &bad }));
    let answers = all_of(calls).await?;
    ensure!(count(&answers, 204) == CROWD / 2, "{} of {} repeats passed", count(&answers, 204), CROWD / 2);
    ensure!(count(&answers, 404) == CROWD / 2, "{} of {} strangers got 404", count(&answers, 404), CROWD / 2);
    let log = device.get("/api/activity?after=0").await?.json()?;
    let approvals = log["entries"].as_array().map_or(0, |all| {
        all.iter().filter(|entry| entry["kind"].as_str().is_some_and(|kind| kind.contains("approve"))).count()
    });
    ensure!(approvals == 1, "{approvals} approvals are in the log: {log}");
    page.redeem().await?.is(201)?;
    ensure!(sessions_of(&device).await? == 1, "{} sessions", sessions_of(&device).await?);
    ensure!(sessions_of(&stranger).await? == 0, "the stranger has a session");
    Ok("100 repeats 204, 100 strangers 404, one entry in the log".to_owned())
}

async fn two_hundred_redeems(ground: Ground) -> Held {
    let (page, device, _) = ground.approved().await?;
    let answers = all_of((0..CROWD).map(|_| page.redeem())).await?;
    let mut tokens = BTreeSet::new();
    for answer in &answers {
        ensure!(answer.status == 201, "{answer}");
        tokens.insert((answer.cookie("-session")?.value, answer.cookie("-sid")?.value));
    }
    ensure!(tokens.len() == 1, "{} different cookies", tokens.len());
    ensure!(sessions_of(&device).await? == 1, "{} sessions", sessions_of(&device).await?);
    Ok("200 times 201, one cookie, one session".to_owned())
}

async fn two_hundred_scans_by_two_devices(ground: Ground) -> Held {
    let page = ground.page().await?;
    let code = page.code().await?;
    let (one, two) = (ground.device().await?, ground.device().await?);
    let answers =
        all_of((0..CROWD).map(|at| if at % 2 == 0 { one.scan(&code) } else { two.scan(&code) })).await?;
    let won: Vec<bool> = answers.iter().map(|answer| answer.status == 201).collect();
    let first = won.iter().step_by(2).filter(|won| **won).count();
    let second = won.iter().skip(1).step_by(2).filter(|won| **won).count();
    ensure!(
        [first, second] == [CROWD / 2, 0] || [first, second] == [0, CROWD / 2],
        "{first} and {second} scans won"
    );
    let mut tickets = BTreeSet::new();
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        tickets.insert(answer.json()?["ticket"].to_string());
    }
    ensure!(tickets.len() == 1, "{} tickets", tickets.len());
    ensure!(count(&answers, 409) == CROWD / 2, "{} losers got 409", count(&answers, 409));
    Ok("one device wins all, one ticket, the other gets 409".to_owned())
}

async fn approve_and_deny_at_once(ground: Ground) -> Held {
    let mut ends = BTreeSet::new();
    for _ in 0..5 {
        let (page, device, scan) = ground.scanned().await?;
        let check = page.check().await?;
        let yes = device.statement(&scan, "approve", Some(&check))?.sign(&device.key);
        let no = device.statement(&scan, "deny", None)?.sign(&device.key);
        let calls = (0..20).map(|at| send_statement(ground.http(), if at % 2 == 0 { &yes } else { &no }));
        let answers = all_of(calls).await?;
        let yes = answers.iter().step_by(2).filter(|answer| answer.status == 204).count();
        let no = answers.iter().skip(1).step_by(2).filter(|answer| answer.status == 204).count();
        ensure!([yes, no] == [10, 0] || [yes, no] == [0, 10], "{yes} approvals and {no} denials passed");
        let stage = page.stage().await?;
        ensure!(stage == if yes == 10 { "approved" } else { "denied user" }, "{stage} after {yes} approvals");
        page.redeem().await?.is(if yes == 10 { 201 } else { 410 })?;
        ends.insert(stage);
    }
    Ok(format!("one decision wins and stays: {ends:?}"))
}

async fn approve_and_cancel_at_once(ground: Ground) -> Held {
    for _ in 0..10 {
        let (page, device, scan) = ground.scanned().await?;
        let check = page.check().await?;
        let (decided, cancelled) = tokio::join!(device.decide(&scan, "approve", Some(&check)), page.cancel());
        let (decided, cancelled) = (decided?, cancelled?);
        let stage = page.stage().await?;
        ensure!(["approved", "cancelled page"].contains(&stage.as_str()), "{stage}: {decided}; {cancelled}");
        if cancelled.status == 204 {
            ensure!(stage == "cancelled page", "{stage} after a cancel that was confirmed");
            page.redeem().await?.is(410)?;
        }
    }
    Ok("ten races: a confirmed cancel is never approved".to_owned())
}

/// Guard: the redeem's own statement asks whether device and account still stand.
async fn redeem_and_revoke_at_once(ground: Ground) -> Held {
    for _ in 0..10 {
        let (mut page, device, _) = ground.approved().await?;
        let path = format!("/api/devices/{}", device.id);
        let (redeemed, revoked) = tokio::join!(page.redeem(), device.delete(&path));
        revoked?.is(204)?;
        let redeemed = redeemed?;
        page.jar.absorb(&redeemed);
        page.whoami().await?.is(401)?;
        page.redeem().await?.one_of(&[404, 410])?;
    }
    Ok("ten races: no session outlives its device".to_owned())
}

async fn redeem_and_cancel_at_once(ground: Ground) -> Held {
    for _ in 0..10 {
        let (page, _, _) = ground.approved().await?;
        let (redeemed, cancelled) = tokio::join!(page.redeem(), page.cancel());
        let (redeemed, cancelled) = (redeemed?, cancelled?);
        let stage = page.stage().await?;
        let due = if redeemed.status == 201 { "redeemed" } else { "cancelled page" };
        ensure!(stage == due, "{stage}: {redeemed}; {cancelled}");
    }
    Ok("ten races: what the redeem said is what the request is".to_owned())
}

async fn scan_and_typed_code_at_once(ground: Ground) -> Held {
    for _ in 0..10 {
        let (page, device) = (ground.page().await?, ground.device().await?);
        let code = page.code().await?;
        let (scanned, typed) = tokio::join!(device.scan(&code), page.type_instead());
        let (scanned, typed) = (scanned?, typed?);
        let kinds = (scanned.status, typed.status);
        ensure!([(201, 409), (410, 200)].contains(&kinds), "{scanned}; {typed}");
    }
    Ok("ten races: either the frame or the typed code lives".to_owned())
}

/// Guard: a proof is spent atomically.
async fn one_proof_two_hundred_times(ground: Ground) -> Held {
    let device = ground.device().await?;
    let proof =
        ground.http().proof(&device.key, "GET", "/api/devices").await?.token(&device.token).sign(&device.key);
    // The limit of failed proofs answers some of them; one passes in any case.
    let answers = all_of((0..CROWD).map(|_| {
        let call = ground.http().call("GET", "/api/devices").header("dpop", &proof);
        call.header("authorization", format!("DPoP {}", device.token)).send()
    }))
    .await?;
    ensure!(count(&answers, 200) == 1, "{} of {CROWD} passed", count(&answers, 200));
    Ok("one of 200 passes".to_owned())
}

async fn refreshes_at_once(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let answers =
        all_of((0..20).map(|_| async { page.refreshing().proof(&page.key).await?.send().await })).await?;
    let mut alive = 0;
    for answer in answers.iter().filter(|answer| answer.status == 204) {
        let mut tab = page.clone();
        tab.jar.absorb(answer);
        alive += usize::from(tab.whoami().await?.status == 200);
    }
    ensure!(alive >= 1, "no refreshed tab is signed in");
    ensure!(sessions_of(&device).await? == 1, "{} sessions", sessions_of(&device).await?);
    page.call("DELETE", "/api/session").json(&json!({})).send().await?.one_of(&[204, 401])?;
    Ok(format!("one session, {alive} of 20 tabs hold a token that works"))
}
