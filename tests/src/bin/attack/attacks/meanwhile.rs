//! Something is taken away in the middle of a call: after all was judged and before the durable transaction that decides.
//! The server holds the call there until it is told to go on, so nothing here is a race.

use std::future::Future;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, SetCookie};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["revocation", OwnServer;
        device_removed_while_its_decision_is_written,
        device_removed_by_the_operator_while_its_decision_is_written,
        account_disabled_while_its_decision_is_written,
        device_removed_while_its_session_is_made,
        account_disabled_while_its_session_is_made,
        all_sessions_ended_while_one_is_made,
        all_sessions_ended_by_the_operator_while_one_is_made,
        page_cancels_while_its_session_is_made,
        device_removed_while_it_makes_a_link,
        device_removed_while_it_makes_recovery_codes,
    ]
}

/// A server whose calls may take as long as the attack does.
async fn patient() -> Result<Ground> {
    Ground::standing(&[("LIMITS_CALL_S", "600")]).await
}

async fn named_account(ground: &Ground) -> Result<(String, Device)> {
    let name = fresh_name();
    let link = ground.server()?.add_account(&name).await?;
    Ok((name, Device::enrol(ground.http(), &link).await?))
}

/// The answer to `call`, in which `act` is done at `place`.
async fn meanwhile(
    ground: &Ground,
    place: &str,
    call: impl Future<Output = Result<Answer>>,
    act: impl Future<Output = Result<()>>,
) -> Result<Answer> {
    let hand = ground.hand()?;
    hand.hold(place).await?;
    let mut call = std::pin::pin!(call);
    tokio::select! {
        answer = &mut call => bail!("it never came to {place}: {}", answer?),
        arrived = hand.arrived() => arrived?,
    }
    act.await?;
    hand.release().await?;
    call.await
}

async fn remove(remover: &Device, removed: &Device) -> Result<()> {
    remover.delete(&format!("/api/devices/{}", removed.id)).await?.is(204).map(drop)
}

/// The words of an account's activity, oldest first.
async fn activity(device: &Device) -> Result<Vec<String>> {
    let log = device.get("/api/activity?after=0").await?.is(200)?.json()?;
    let entries = log["entries"].as_array().cloned().unwrap_or_default();
    Ok(entries.iter().filter_map(|entry| entry["kind"].as_str().map(str::to_owned)).collect())
}

async fn no_session(device: &Device) -> Result<()> {
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    ensure!(sessions["sessions"].as_array().is_some_and(Vec::is_empty), "{sessions}");
    Ok(())
}

fn no_cookie(answer: &Answer) -> Result<()> {
    ensure!(answer.cookies().iter().all(SetCookie::deletes), "{answer} sets a cookie");
    Ok(())
}

/// Guard: the decision's transaction asks whether the device is trusted. Its own words would show in the activity.
async fn device_removed_while_its_decision_is_written(_: Ground) -> Held {
    let ground = patient().await?;
    let (page, device, scan) = ground.scanned().await?;
    let (check, other) = (page.check().await?, ground.second_device(&device).await?);
    let decide = device.decide(&scan, "approve", Some(&check));
    let answer =
        meanwhile(&ground, "decision", decide, remove(&other, &device)).await?.one_of(&[404, 410])?;
    let log = activity(&other).await?;
    ensure!(!log.iter().any(|kind| kind == "sign_in_approved"), "a removed device approved: {log:?}");
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    page.redeem().await?.is(410)?;
    Ok(format!("{}; nothing in the activity, cancelled revoked", answer.kind()))
}

/// The same by another process, which leaves the short-lived record alone: the transaction is all that stands there.
async fn device_removed_by_the_operator_while_its_decision_is_written(_: Ground) -> Held {
    let ground = patient().await?;
    let (name, device) = named_account(&ground).await?;
    let page = ground.page().await?;
    let (scan, check) = (device.take(&page).await?, page.check().await?);
    let answer = meanwhile(&ground, "decision", device.decide(&scan, "approve", Some(&check)), async {
        ground.server()?.operate(&["devices", "remove", &name, &device.id]).await.map(drop)
    });
    let answer = answer.await?.refuses(404, "not_found")?;
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    page.redeem().await?.is(410)?;
    Ok(answer.kind())
}

async fn account_disabled_while_its_decision_is_written(_: Ground) -> Held {
    let ground = patient().await?;
    let (name, device) = named_account(&ground).await?;
    let page = ground.page().await?;
    let (scan, check) = (device.take(&page).await?, page.check().await?);
    let answer = meanwhile(&ground, "decision", device.decide(&scan, "approve", Some(&check)), async {
        ground.server()?.operate(&["users", "disable", &name]).await.map(drop)
    });
    let answer = answer.await?.refuses(404, "not_found")?;
    ground.server()?.operate(&["users", "enable", &name]).await?;
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    page.redeem().await?.is(410)?;
    Ok(format!("{}, also once the account is enabled again", answer.kind()))
}

async fn device_removed_while_its_session_is_made(_: Ground) -> Held {
    let ground = patient().await?;
    let (page, device, _) = ground.approved().await?;
    let other = ground.second_device(&device).await?;
    let answer = meanwhile(&ground, "redeem", page.redeem(), remove(&other, &device)).await?.is(410)?;
    no_cookie(&answer)?;
    no_session(&other).await?;
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    Ok("410, no session".to_owned())
}

async fn account_disabled_while_its_session_is_made(_: Ground) -> Held {
    let ground = patient().await?;
    let (name, device) = named_account(&ground).await?;
    let page = ground.page().await?;
    device.approve(&page).await?;
    let answer = meanwhile(&ground, "redeem", page.redeem(), async {
        ground.server()?.operate(&["users", "disable", &name]).await.map(drop)
    });
    no_cookie(&answer.await?.is(410)?)?;
    ground.server()?.operate(&["users", "enable", &name]).await?;
    page.redeem().await?.is(410)?;
    no_session(&device).await?;
    Ok("410, also once the account is enabled again".to_owned())
}

async fn all_sessions_ended_while_one_is_made(_: Ground) -> Held {
    let ground = patient().await?;
    let (page, device, _) = ground.approved().await?;
    let end = async { device.delete("/api/sessions").await?.is(204).map(drop) };
    let answer = meanwhile(&ground, "redeem", page.redeem(), end).await?.is(410)?;
    no_cookie(&answer)?;
    no_session(&device).await?;
    Ok("410, no session".to_owned())
}

/// Guard: an approval that was taken back makes no session. The operator leaves the short-lived record alone.
async fn all_sessions_ended_by_the_operator_while_one_is_made(_: Ground) -> Held {
    let ground = patient().await?;
    let (name, device) = named_account(&ground).await?;
    let page = ground.page().await?;
    device.approve(&page).await?;
    let answer = meanwhile(&ground, "redeem", page.redeem(), async {
        ground.server()?.operate(&["sessions", "end", &name, "--all"]).await.map(drop)
    });
    no_cookie(&answer.await?.is(410)?)?;
    no_session(&device).await?;
    ensure!(page.stage().await? == "cancelled revoked", "{}", page.stage().await?);
    Ok("410, no session".to_owned())
}

/// Guard: a session whose request was called off while it was made ends with it.
async fn page_cancels_while_its_session_is_made(_: Ground) -> Held {
    let ground = patient().await?;
    let (page, device, _) = ground.approved().await?;
    let cancel = async { page.cancel().await?.is(204).map(drop) };
    let answer = meanwhile(&ground, "redeem", page.redeem(), cancel).await?.is(410)?;
    no_cookie(&answer)?;
    no_session(&device).await?;
    ensure!(page.stage().await? == "cancelled page", "{}", page.stage().await?);
    Ok("410, no session".to_owned())
}

/// Guard: a link is made by a device that is trusted in that very moment.
async fn device_removed_while_it_makes_a_link(_: Ground) -> Held {
    let ground = patient().await?;
    let device = ground.device().await?;
    let stolen = ground.second_device(&device).await?;
    let make = async { stolen.call("POST", "/api/enrolments").await?.send().await };
    let answer = meanwhile(&ground, "link", make, remove(&device, &stolen)).await?;
    let answer = answer.refuses(401, "invalid_token")?;
    Ok(answer.kind())
}

async fn device_removed_while_it_makes_recovery_codes(_: Ground) -> Held {
    let ground = patient().await?;
    let device = ground.device().await?;
    let stolen = ground.second_device(&device).await?;
    let make = async { stolen.call("POST", "/api/recovery-codes").await?.send().await };
    let answer = meanwhile(&ground, "recovery codes", make, remove(&device, &stolen)).await?;
    let answer = answer.refuses(401, "invalid_token")?;
    let left = device.get("/api/recovery-codes").await?.is(200)?.json()?;
    ensure!(left["left"] == 0 && left["made_at"] == Value::Null, "{left}");
    Ok(format!("{}, no codes", answer.kind()))
}
