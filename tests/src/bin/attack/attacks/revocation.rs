//! Revoking a device, session or account between every two steps: it counts at the next call, and open sockets close
//! within a second.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Device, Key, Page, Socket, enrolment_in, measured};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["revocation", OneAccount;
        device_removed_after_the_scan,
        device_removed_after_the_approval,
        device_removed_after_the_redeem,
        device_removed_by_another_device,
        device_removed_twice,
        session_ended_by_the_device,
        session_ended_after_a_refresh,
        all_sessions_ended,
        sockets_close_at_once,
        removed_device_cannot_repeat_its_enrolment,
        link_of_a_removed_device,
    ];
    all.extend(attacks!["revocation", OwnServer;
        account_disabled_at_every_step,
        account_removed_at_every_step,
        account_enabled_again_brings_nothing_back,
        device_removed_by_the_operator,
        session_ended_by_the_operator,
        other_accounts_are_left_alone,
        removed_device_cannot_repeat_its_password,
        independent_sessions_end_with_the_account,
    ]);
    all
}

/// The four things that a person can have open, each at its own step.
struct Steps {
    device: Device,
    scanned: Page,
    scan: crate::client::Scan,
    check: String,
    approved: Page,
    signed_in: Page,
}

impl Steps {
    async fn ready(ground: &Ground, device: &Device) -> Result<Self> {
        let (scanned, approved, mut signed_in) =
            (ground.page().await?, ground.page().await?, ground.page().await?);
        let scan = device.take(&scanned).await?;
        let check = scanned.check().await?;
        device.approve(&approved).await?;
        device.approve(&signed_in).await?;
        signed_in.sign_in().await?;
        Ok(Self { device: device.clone(), scanned, scan, check, approved, signed_in })
    }

    /// Nothing of it works any more.
    async fn are_dead(&mut self) -> Result<()> {
        self.device.get("/api/devices").await?.is(401)?;
        let decided = self.device.decide(&self.scan, "approve", Some(&self.check)).await?;
        ensure!([404, 410].contains(&decided.status), "{decided}");
        ensure!(
            self.scanned.stage().await? == "cancelled revoked",
            "scanned: {}",
            self.scanned.stage().await?
        );
        let redeemed = self.approved.redeem().await?;
        ensure!(redeemed.status == 410, "approved: {redeemed}; then {}", self.approved.stage().await?);
        ensure!(
            self.approved.stage().await? == "cancelled revoked",
            "approved: {}",
            self.approved.stage().await?
        );
        self.signed_in.whoami().await?.is(401)?;
        self.signed_in.refresh().await?.is(401)?;
        self.signed_in.redeem().await?.one_of(&[404, 410])?;
        Ok(())
    }
}

async fn device_removed_after_the_scan(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let check = page.check().await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    device.decide(&scan, "approve", Some(&check)).await?.one_of(&[404, 410])?;
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    page.redeem().await?.is(410)?;
    Ok("decision refused, request cancelled revoked".to_owned())
}

async fn device_removed_after_the_approval(ground: Ground) -> Held {
    let (page, device, _) = ground.approved().await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    let answer = page.redeem().await?.is(410)?;
    ensure!(answer.cookies().iter().all(crate::client::SetCookie::deletes), "{answer} sets a cookie");
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    Ok("410, cancelled revoked".to_owned())
}

async fn device_removed_after_the_redeem(ground: Ground) -> Held {
    let (mut page, device) = ground.signed_in().await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    page.whoami().await?.is(401)?;
    page.refresh().await?.is(401)?;
    page.redeem().await?.one_of(&[404, 410])?;
    Ok("401, no refresh, no repeat of the redeem".to_owned())
}

async fn device_removed_by_another_device(ground: Ground) -> Held {
    let first = ground.device().await?;
    let second = ground.second_device(&first).await?;
    let mut steps = Steps::ready(&ground, &second).await?;
    let kept = Steps::ready(&ground, &first).await?;
    first.delete(&format!("/api/devices/{}", second.id)).await?.is(204)?;
    steps.are_dead().await?;
    kept.signed_in.whoami().await?.is(200)?;
    kept.approved.redeem().await?.is(201)?;
    Ok("all of its steps are dead, those of the other device live".to_owned())
}

async fn device_removed_twice(ground: Ground) -> Held {
    let first = ground.device().await?;
    let second = ground.second_device(&first).await?;
    let path = format!("/api/devices/{}", second.id);
    first.delete(&path).await?.is(204)?;
    first.delete(&path).await?.one_of(&[204, 404])?;
    first.call("PATCH", &path).await?.json(&json!({"name": "Back"})).send().await?.is(404)?;
    second.get("/api/devices").await?.is(401)?;
    Ok("it stays removed".to_owned())
}

async fn session_id(device: &Device, page: &Page) -> Result<String> {
    let list = device.get("/api/sessions").await?.is(200)?.json()?;
    let all = list["sessions"].as_array().cloned().unwrap_or_default();
    let found =
        all.iter().find(|one| one["request"] == page.id.as_str()).context("the session is not listed")?;
    Ok(found["id"].as_str().context("no id")?.to_owned())
}

async fn session_ended_by_the_device(ground: Ground) -> Held {
    let (mut page, device) = ground.signed_in().await?;
    let id = session_id(&device, &page).await?;
    device.delete(&format!("/api/sessions/{id}")).await?.is(204)?;
    page.whoami().await?.is(401)?;
    page.refresh().await?.is(401)?;
    page.redeem().await?.one_of(&[404, 410])?;
    Ok("401 at the next call, no refresh, no repeat".to_owned())
}

async fn session_ended_after_a_refresh(ground: Ground) -> Held {
    let (mut page, device) = ground.signed_in().await?;
    let old = page.clone();
    page.refresh().await?.is(204)?;
    let id = session_id(&device, &page).await?;
    device.delete(&format!("/api/sessions/{id}")).await?.is(204)?;
    old.whoami().await?.is(401)?;
    page.whoami().await?.is(401)?;
    Ok("newest and previous token: 401".to_owned())
}

async fn all_sessions_ended(ground: Ground) -> Held {
    let device = ground.device().await?;
    let steps = Steps::ready(&ground, &device).await?;
    device.delete("/api/sessions").await?.is(204)?;
    steps.signed_in.whoami().await?.is(401)?;
    steps.approved.redeem().await?.is(410)?;
    device.decide(&steps.scan, "approve", Some(&steps.check)).await?.is(410)?;
    device.get("/api/devices").await?.is(200)?;
    let (page, fresh) = (ground.page().await?, device);
    fresh.approve(&page).await?;
    page.redeem().await?.is(201)?;
    Ok("what was under way is dead; the device approves anew".to_owned())
}

/// Told by a wake-up: without it nothing would come before the sockets' own look, see the attacks on deadlines.
async fn sockets_close_at_once(ground: Ground) -> Held {
    let device = ground.device().await?;
    let second = ground.second_device(&device).await?;
    let steps = Steps::ready(&ground, &second).await?;
    let mut sockets = [Socket::open(&steps.scanned).await?, Socket::open(&steps.approved).await?];
    for socket in &mut sockets {
        socket.state().await?;
    }
    device.delete(&format!("/api/devices/{}", second.id)).await?.is(204)?;
    let mut slowest = Duration::ZERO;
    for socket in &mut sockets {
        let (code, time) = measured(socket.end()).await;
        let code = code?;
        ensure!(code == 1000, "closed with {code}");
        slowest = slowest.max(time);
    }
    Ok(format!("scanned and approved: closed after {slowest:?}"))
}

async fn named_account(ground: &Ground) -> Result<(String, Device)> {
    let name = fresh_name();
    let link = ground.server()?.add_account(&name).await?;
    Ok((name, Device::enrol(ground.http(), &link).await?))
}

async fn account_disabled_at_every_step(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let mut steps = Steps::ready(&ground, &device).await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    steps.are_dead().await?;
    let page = ground.page().await?;
    device.scan(&page.code().await?).await?.is(401)?;
    Ok("device, decision, redeem, session, refresh: refused".to_owned())
}

async fn account_removed_at_every_step(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let mut steps = Steps::ready(&ground, &device).await?;
    ground.server()?.operate(&["users", "remove", &name]).await?;
    steps.are_dead().await?;
    let link = ground.server()?.add_account(&name).await?;
    steps.device.get("/api/devices").await?.is(401)?;
    steps.signed_in.whoami().await?.is(401)?;
    let namesake = Device::enrol(ground.http(), &link).await?;
    ensure!(namesake.account != device.account, "a namesake has the removed account's id");
    let log = namesake.get("/api/activity?after=0").await?.is(200)?.text();
    ensure!(!log.contains(&device.id), "a namesake reads the removed account's activity");
    Ok("refused at every step; a namesake starts with nothing".to_owned())
}

async fn account_enabled_again_brings_nothing_back(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let steps = Steps::ready(&ground, &device).await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    ensure!(steps.scanned.stage().await? == "cancelled revoked", "scanned: {}", steps.scanned.stage().await?);
    ground.server()?.operate(&["users", "enable", &name]).await?;
    // "Refuse an account everywhere and sign it out": what it signed out stays out.
    steps.signed_in.whoami().await?.is(401)?;
    steps.approved.redeem().await?.is(410)?;
    device.decide(&steps.scan, "approve", Some(&steps.check)).await?.one_of(&[404, 410])?;
    Ok("sessions and requests stay ended".to_owned())
}

async fn device_removed_by_the_operator(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let mut steps = Steps::ready(&ground, &device).await?;
    ground.server()?.operate(&["devices", "remove", &name, &device.id]).await?;
    steps.are_dead().await?;
    Ok("refused at every step".to_owned())
}

async fn session_ended_by_the_operator(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let mut steps = Steps::ready(&ground, &device).await?;
    let id = session_id(&device, &steps.signed_in).await?;
    ground.server()?.operate(&["sessions", "end", &name, &id]).await?;
    steps.signed_in.whoami().await?.is(401)?;
    steps.signed_in.refresh().await?.is(401)?;
    steps.approved.redeem().await?.is(201)?;
    Ok("401; other logins go on".to_owned())
}

async fn other_accounts_are_left_alone(ground: Ground) -> Held {
    let (name, device) = named_account(&ground).await?;
    let (_, other) = named_account(&ground).await?;
    let _dead = Steps::ready(&ground, &device).await?;
    let kept = Steps::ready(&ground, &other).await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    kept.signed_in.whoami().await?.is(200)?;
    kept.approved.redeem().await?.is(201)?;
    other.decide(&kept.scan, "approve", Some(&kept.check)).await?.is(204)?;
    let listed: Value = serde_json::from_str(&ground.server()?.operate(&["users", "list"]).await?)?;
    ensure!(listed.to_string().contains(&name), "{listed}");
    Ok("nobody else notices".to_owned())
}

/// "Repeating within 10 minutes with the same key and code gives the same device": not once it was removed.
async fn removed_device_cannot_repeat_its_enrolment(ground: Ground) -> Held {
    let device = ground.device().await?;
    let link = device.enrolment().await?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Stolen", "kind": "linux"}});
    let key = Key::fresh();
    let stolen = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    let answer = Device::enrolling(ground.http(), &key, &body).await?;
    let seen = answer.kind();
    answer.one_of(&[401, 404])?;
    stolen.get("/api/devices").await?.is(401)?;
    let list = device.get("/api/devices").await?.is(200)?.text();
    ensure!(!list.contains(&stolen.id), "the removed device is back: {list}");
    Ok(seen)
}

async fn removed_device_cannot_repeat_its_password(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let device = json!({"name": "Stolen", "kind": "linux"});
    let body = json!({"username": name, "password": "correct horse battery", "device": device});
    let key = Key::fresh();
    let stolen = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let other = ground.second_device(&stolen).await?;
    other.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    Device::enrolling(ground.http(), &key, &body).await?.refuses(401, "enrolment_refused")?;
    stolen.get("/api/devices").await?.is(401)?;
    Ok("401 enrolment_refused".to_owned())
}

/// A device that is taken away may have made a link before; the link must not outlive it.
async fn link_of_a_removed_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    let stolen = ground.second_device(&device).await?;
    let link = stolen.enrolment().await?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Again", "kind": "linux"}});
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    Ok("404".to_owned())
}

async fn independent_sessions_end_with_the_account(_: Ground) -> Held {
    let ground = Ground::with(&[("SESSION_KIND", "independent")]).await?;
    let (name, device) = named_account(&ground).await?;
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    page.whoami().await?.is(401)?;
    page.refresh().await?.is(401)?;
    Ok("401".to_owned())
}
