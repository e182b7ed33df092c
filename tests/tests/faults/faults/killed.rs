//! `kill -9` at every place of every step. Each test is one place: the server dies there, is started again on the same
//! data, and both sides go on.
//!
//! What lives for minutes (login requests) is gone with the process, by design: the page hears 404 and shows a fresh
//! code. What was committed stays: the test says for each place whether it was.

use anyhow::{Result, ensure};
use serde_json::json;

use super::world::World;
use crate::client::{Device, Jar, Key, Page, enrolment_in, send_statement};

/// A test for each place of a step: name, place, and whether the step had been committed there.
macro_rules! places {
    ($step:ident: $($name:ident $place:literal $committed:literal)*) => {
        mod $step {
            $(#[tokio::test]
            async fn $name() -> anyhow::Result<()> {
                super::$step($place, $committed).await
            })*
        }
    };
}

places! { start:
    before_the_record "before record: Waiting" false
    after_the_record "after record: Waiting" false
    before_the_reply "before reply: POST /api/login-requests" false
}

places! { scan:
    before_the_record "before record: Scanned" false
    after_the_record "after record: Scanned" false
    before_the_reply "before reply: POST /api/scans" false
}

places! { approve:
    before_the_commit "before commit: record a decision" false
    after_the_commit "after commit: record a decision" true
    before_the_record "before record: Approved" true
    after_the_record "after record: Approved" true
    before_the_reply "before reply: POST /api/decisions" true
}

places! { deny:
    before_the_commit "before commit: record a decision" false
    after_the_commit "after commit: record a decision" true
    before_the_record "before record: Denied" true
    after_the_record "after record: Denied" true
    before_the_reply "before reply: POST /api/decisions" true
}

places! { third_wrong_number:
    before_the_commit "before commit: record a decision" false
    after_the_commit "after commit: record a decision" true
    before_the_record "before record: Denied" true
    after_the_record "after record: Denied" true
    before_the_reply "before reply: POST /api/decisions" true
}

places! { redeem:
    before_the_commit "before commit: redeem a login" false
    after_the_commit "after commit: redeem a login" true
    before_the_record "before record: Redeemed" true
    after_the_record "after record: Redeemed" true
    before_the_reply "before reply: POST /api/login-requests/{id}/session" true
}

places! { refresh:
    before_the_commit "before commit: refresh a session" false
    after_the_commit "after commit: refresh a session" true
    before_the_reply "before reply: POST /api/session/refresh" true
}

places! { enrol:
    before_the_commit "before commit: enrol a device" false
    after_the_commit "after commit: enrol a device" true
    before_the_reply "before reply: POST /api/devices" true
}

places! { revoke:
    before_the_commit "before commit: remove a device" false
    after_the_commit "after commit: remove a device" true
    before_the_record "before record: Cancelled" true
    after_the_record "after record: Cancelled" true
    before_the_reply "before reply: DELETE /api/devices/{id}" true
}

places! { sign_out:
    before_the_commit "before commit: end a session" false
    after_the_commit "after commit: end a session" true
    before_the_reply "before reply: DELETE /api/session" true
}

places! { end_all:
    before_the_commit "before commit: end all sessions" false
    after_the_commit "after commit: end all sessions" true
    before_the_reply "before reply: DELETE /api/sessions" true
}

/// Nothing of a start outlives the process.
async fn start(place: &str, _: bool) -> Result<()> {
    let mut world = World::new().await?;
    let http = world.server.http()?;
    let key = Key::fresh();
    world.server.die_at(place).await?;
    let called = Page::starting(&http, &Jar::default()).json(&json!({})).proof(&key).await?;
    world.dies_and_comes_back(called.send().await, &mut []).await?;
    ensure!(world.sessions().await? == 0, "a session of nobody");
    world.works().await
}

/// Nothing of a scan outlives the process: the same code again is one of nobody.
async fn scan(place: &str, _: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.page().await?;
    let code = page.code().await?;
    world.server.die_at(place).await?;
    let called = world.device.scan(&code).await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    world.device.scan(&code).await?.refuses(404, "not_found")?;
    world.starts_anew(&page).await
}

async fn approve(place: &str, committed: bool) -> Result<()> {
    decided(place, "approve", "sign_in_approved", committed).await
}

async fn deny(place: &str, committed: bool) -> Result<()> {
    decided(place, "deny", "sign_in_denied", committed).await
}

/// The decision is in the log once or not at all; the same statement again is about nothing and adds nothing.
async fn decided(place: &str, decision: &str, kind: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.page().await?;
    let scan = world.device.take(&page).await?;
    let check = page.check().await?;
    let check = (decision == "approve").then_some(check.as_str());
    let statement = world.device.statement(&scan, decision, check)?;
    let statement = statement.sign(&world.device.key);
    world.server.die_at(place).await?;
    let called = send_statement(&world.device.http, &statement).await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    send_statement(&world.device.http, &statement).await?.refuses(404, "not_found")?;
    was_recorded(&world, kind, committed).await?;
    ensure!(world.sessions().await? == 0, "signed in without a redeem");
    world.starts_anew(&page).await?;
    ensure!(world.sessions().await? == 1, "not signed in once");
    Ok(())
}

async fn third_wrong_number(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.page().await?;
    let scan = world.device.take(&page).await?;
    let wrong = if page.check().await? == "10" { "11" } else { "10" };
    for _ in 0..2 {
        world.device.decide(&scan, "approve", Some(wrong)).await?.refuses(422, "wrong_check")?;
    }
    world.server.die_at(place).await?;
    let called = world.device.decide(&scan, "approve", Some(wrong)).await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    world.device.decide(&scan, "approve", Some(wrong)).await?.refuses(404, "not_found")?;
    was_recorded(&world, "sign_in_refused", committed).await?;
    world.starts_anew(&page).await
}

/// A session that was made and whose reply was lost is of no use to anybody, and goes when its browser signs in again.
async fn redeem(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.approved().await?;
    world.server.die_at(place).await?;
    let called = page.redeem().await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    ensure!(world.sessions().await? == usize::from(committed), "{} sessions", world.sessions().await?);
    was_recorded(&world, "signed_in", committed).await?;
    page.whoami().await?.refuses(401, "invalid_token")?;
    world.starts_anew(&page).await?;
    ensure!(world.sessions().await? == 1, "signed in more than once");
    was_recorded(&world, "session_replaced", committed).await
}

/// The page keeps a token that works or that heals, whichever of the two the server has.
async fn refresh(place: &str, _: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.signed_in().await?;
    world.server.die_at(place).await?;
    let called = page.refresh().await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    page.whoami().await?.is(200)?;
    world.server.pass_s(61).await?;
    page.whoami().await?.is(200)?;
    ensure!(world.sessions().await? == 1, "not one session");
    world.works().await
}

/// The same key with the same link again is the same device; another key with it is refused.
async fn enrol(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let link = world.server.link("enrol", "ada").await?;
    let body = json!({
        "enrolment": enrolment_in(&link)?,
        "device": {"name": "Second", "kind": "linux"},
    });
    let key = Key::fresh();
    world.server.die_at(place).await?;
    let called = Device::enrolling(&world.device.http, &key, &body).await;
    world.dies_and_comes_back(called, &mut []).await?;
    ensure!(world.entries("device_enrolled").await? == 1 + usize::from(committed), "enrolled or not?");
    let again = Device::enrolling(&world.device.http, &key, &body).await?;
    let second = Device::read(&world.device.http, &key, again)?;
    second.get("/api/devices").await?.is(200)?;
    ensure!(world.entries("device_enrolled").await? == 2, "enrolled more than once");
    let other = Device::enrolling(&world.device.http, &Key::fresh(), &body).await?;
    other.refuses(404, "not_found")?;
    world.works().await
}

/// Removed or not, with everything that hung on the device; again removes it.
async fn revoke(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut other = Device::enrol(&world.device.http, &world.device.enrolment().await?).await?;
    let (mut theirs, mut pending) = (world.page().await?, world.page().await?);
    other.approve(&theirs).await?;
    theirs.sign_in().await?;
    other.approve(&pending).await?;
    let path = format!("/api/devices/{}", other.id);
    world.server.die_at(place).await?;
    let called = world.device.delete(&path).await;
    world.dies_and_comes_back(called, &mut [&mut theirs, &mut pending]).await?;
    other.http = world.server.http()?;
    let (device, session, again) = if committed { (401, 401, 404) } else { (200, 200, 204) };
    other.get("/api/devices").await?.is(device)?;
    theirs.whoami().await?.is(session)?;
    world.device.delete(&path).await?.is(again)?;
    other.get("/api/devices").await?.is(401)?;
    theirs.whoami().await?.is(401)?;
    was_recorded(&world, "device_removed", true).await?;
    ensure!(world.sessions().await? == 0, "a session of a removed device");
    world.starts_anew(&pending).await
}

async fn sign_out(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.signed_in().await?;
    let end = |page: &Page| page.call("DELETE", "/api/session").json(&json!({})).send();
    world.server.die_at(place).await?;
    let called = end(&page).await;
    world.dies_and_comes_back(called, &mut [&mut page]).await?;
    ensure!(world.sessions().await? == usize::from(!committed), "ended or not?");
    page.whoami().await?.is(if committed { 401 } else { 200 })?;
    end(&page).await?.is(if committed { 401 } else { 204 })?;
    page.whoami().await?.is(401)?;
    was_recorded(&world, "signed_out", true).await?;
    world.works().await
}

async fn end_all(place: &str, committed: bool) -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.signed_in().await?;
    let mut other = world.signed_in().await?;
    world.server.die_at(place).await?;
    let called = world.device.delete("/api/sessions").await;
    world.dies_and_comes_back(called, &mut [&mut page, &mut other]).await?;
    for page in [&page, &other] {
        page.whoami().await?.is(if committed { 401 } else { 200 })?;
    }
    world.device.delete("/api/sessions").await?.is(204)?;
    for page in [&page, &other] {
        page.whoami().await?.is(401)?;
    }
    world.works().await
}

async fn was_recorded(world: &World, kind: &str, once: bool) -> Result<()> {
    let count = world.entries(kind).await?;
    ensure!(count == usize::from(once), "{count} entries {kind}");
    Ok(())
}
