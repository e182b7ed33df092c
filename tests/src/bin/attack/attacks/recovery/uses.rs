//! Owner used as they should not be: twice, by others, in other forms, in the place of something else, or too late.

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Attack, Held, Owner, attacks, device_count, invented, left, made, recover, recovery};
use crate::attacks::limits::password;
use crate::client::{Device, Jar, Key, Page, enrolment_in};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["recovery", OwnServer;
        code_used_twice,
        code_used_by_fifty_at_once,
        code_of_another_account,
        code_without_its_account,
        codes_made_anew_void_the_old,
        codes_made_at_once_are_ten,
        codes_of_a_removed_device,
        codes_outlive_a_device_that_signs_out,
        code_of_a_disabled_account,
        code_of_a_removed_account,
        code_signs_nobody_in,
        code_bent,
        code_and_password_together,
        removed_device_cannot_repeat_its_recovery,
        repeat_ends_after_ten_minutes,
        every_recovery_is_told,
        recovered_device_takes_the_lost_one_away,
    ]
}

async fn code_used_twice(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    recover(&ground, &name, &codes[0]).await?.is(201)?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    recover(&ground.elsewhere()?, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(left(&device).await? == 9, "{} are left", left(&device).await?);
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    recover(&ground, &name, &codes[1]).await?.is(201).context("the next code")?;
    Ok("401 enrolment_refused; the other codes work".to_owned())
}

async fn code_used_by_fifty_at_once(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_WRONG_PASSWORDS_PER_ACCOUNT", "1000")]).await?;
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let mut places = Vec::new();
    for _ in 0..50 {
        places.push(ground.elsewhere()?);
    }
    let answers = join_all(places.iter().map(|place| recover(place, &name, &codes[0]))).await;
    let mut enrolled = 0;
    for answer in answers {
        enrolled += usize::from(answer?.one_of(&[201, 401])?.status == 201);
    }
    ensure!(enrolled == 1, "{enrolled} devices with one code");
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    ensure!(left(&device).await? == 9, "{} are left", left(&device).await?);
    Ok("one device, nine codes left".to_owned())
}

/// Guard: name and code are looked up together.
async fn code_of_another_account(ground: Ground) -> Held {
    let (own, victim) = (Owner::ready(&ground).await?, Owner::ready(&ground).await?);
    recover(&ground, &victim.name, &own.codes[0]).await?.refuses(401, "enrolment_refused")?;
    recover(&ground, &own.name, &victim.codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(device_count(&victim.device).await? == 1, "somebody came in");
    recover(&ground, &own.name, &own.codes[0]).await?.is(201).context("the tried code is used up")?;
    Ok("401, nothing is used up".to_owned())
}

async fn code_without_its_account(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let named = json!({"name": "New desk", "kind": "linux"});
    for body in [
        json!({"recovery_code": codes[0], "device": named}),
        json!({"username": null, "recovery_code": codes[0], "device": named}),
        json!({"username": [name], "recovery_code": codes[0], "device": named}),
        json!({"username": {"$ne": ""}, "recovery_code": codes[0], "device": named}),
        json!({"username": "", "recovery_code": codes[0], "device": named}),
        json!({"username": "%", "recovery_code": codes[0], "device": named}),
        json!({"username": format!("{name}' OR '1'='1"), "recovery_code": codes[0], "device": named}),
        json!({"account": device.account, "recovery_code": codes[0], "device": named}),
    ] {
        let answer = Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &body).await?;
        ensure!([400, 401].contains(&answer.status), "{body}: {answer}");
    }
    ensure!(device_count(&device).await? == 1, "somebody came in");
    Ok("eight ways to leave the name out: 400 or 401".to_owned())
}

async fn codes_made_anew_void_the_old(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let fresh = made(&device).await?;
    ensure!(fresh.iter().all(|code| !codes.contains(code)), "a code came twice");
    for code in &codes[..3] {
        recover(&ground, &name, code).await?.refuses(401, "enrolment_refused")?;
    }
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    recover(&ground, &name, &fresh[0]).await?.is(201)?;
    Ok("401 for the old ones".to_owned())
}

async fn codes_made_at_once_are_ten(ground: Ground) -> Held {
    let Owner { device, .. } = Owner::ready(&ground).await?;
    let all = join_all((0..20).map(|_| made(&device))).await;
    let sets = all.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    Ok(format!("{} times at once: ten codes", sets.len()))
}

/// Guard: whoever stole the computer may have written its codes down.
async fn codes_of_a_removed_device(ground: Ground) -> Held {
    let Owner { name, device, .. } = Owner::ready(&ground).await?;
    let stolen = ground.second_device(&device).await?;
    let codes = made(&stolen).await?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(left(&device).await? == 0, "{} are left", left(&device).await?);
    // By the operator as well.
    let second = ground.second_device(&device).await?;
    let codes = made(&second).await?;
    ground.server()?.operate(&["devices", "remove", &name, &second.id]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    Ok("401, none left".to_owned())
}

/// Signing out of the only computer must not take the way back away.
async fn codes_outlive_a_device_that_signs_out(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    recover(&ground, &name, &codes[0]).await?.is(201)?;
    Ok("201".to_owned())
}

async fn code_of_a_disabled_account(ground: Ground) -> Held {
    let Owner { name, codes, .. } = Owner::ready(&ground).await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ground.server()?.operate(&["users", "enable", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.is(201).context("once it is enabled again")?;
    Ok("401 while it is disabled".to_owned())
}

async fn code_of_a_removed_account(ground: Ground) -> Held {
    let Owner { name, codes, .. } = Owner::ready(&ground).await?;
    ground.server()?.operate(&["users", "remove", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    // A namesake's account is another one.
    ground.server()?.add_account(&name).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    Ok("401, for a namesake too".to_owned())
}

/// A code enrols a device and is good for nothing else.
async fn code_signs_nobody_in(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let (code, thief) = (codes[0].as_str(), Key::fresh());
    let http = ground.http();
    http.call("GET", "/api/devices").token(&thief, code).await?.send().await?.is(401)?;
    let mut jar = Jar::default();
    jar.put(&http.cookie_name("session"), code);
    jar.put(&http.cookie_name("sid"), code);
    let page = Page { jar, key: thief.clone(), ..ground.page().await? };
    page.whoami().await?.is(401)?;
    page.refreshing().proof(&thief).await?.send().await?.is(401)?;
    let named = json!({"name": "x", "kind": "linux"});
    let link = json!({"enrolment": code, "device": named});
    Device::enrolling(http, &thief, &link).await?.is(404)?;
    Device::enrolling(http, &thief, &password(&name, code)).await?.is(401)?;
    let stranger = ground.device().await?;
    stranger.scan_via(&json!({"user_code": code, "via": "typed"})).await?.is(404)?;
    stranger.scan(code).await?.is(404)?;
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    Ok("token, cookie, link, password, typed code, picture: refused".to_owned())
}

async fn code_bent(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_WRONG_PASSWORDS_PER_ACCOUNT", "1000")]).await?;
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let code = codes[0].clone();
    let other = if code.starts_with('A') { 'B' } else { 'A' };
    let last = code.chars().last().unwrap_or('A');
    for bent in [
        String::new(),
        code[..18].to_owned(),
        format!("{code}A"),
        format!("{code}={last}"),
        format!("{other}{}", &code[1..]),
        format!("{code}\u{0}"),
        code.replace('-', "_"),
        codes.join(" "),
        "----".to_owned(),
        "A".repeat(10_000),
    ] {
        let answer = recover(&ground.elsewhere()?, &name, &bent).await?;
        ensure!([400, 401].contains(&answer.status), "{bent:?}: {answer}");
    }
    for form in [json!(1), json!(null), json!([code]), json!({"code": code}), json!(true)] {
        let body = json!({"username": name, "recovery_code": form, "device": {"name": "x", "kind": "linux"}});
        let answer = Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &body).await?;
        ensure!([400, 401].contains(&answer.status), "{body}: {answer}");
    }
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    recover(&ground, &name, &code.to_lowercase().replace('-', " "))
        .await?
        .is(201)
        .context("as people type it")?;
    Ok("ten texts and five other types: refused".to_owned())
}

/// A body that is two things at once: what is wrong in it opens nothing.
async fn code_and_password_together(ground: Ground) -> Held {
    let Owner { name, device, .. } = Owner::ready(&ground).await?;
    let link = ground.link().await?;
    let (code, named) = (invented(), json!({"name": "x", "kind": "linux"}));
    for (body, statuses) in [
        (json!({"username": name, "password": "wrong", "recovery_code": code, "device": named}), [400, 401]),
        (
            json!({"enrolment": enrolment_in(&link)?, "username": name, "recovery_code": code, "device": named}),
            [400, 201],
        ),
    ] {
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.one_of(&statuses)?;
    }
    // Whoever had a good link of another account is in that one.
    ensure!(device_count(&device).await? == 1, "somebody came in");
    Ok("a wrong code beside a wrong password or a foreign link opens nothing".to_owned())
}

async fn removed_device_cannot_repeat_its_recovery(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let key = Key::fresh();
    let body = recovery(&name, &codes[0]);
    let stolen = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    Device::enrolling(ground.http(), &key, &body).await?.refuses(401, "enrolment_refused")?;
    stolen.get("/api/devices").await?.is(401)?;
    ensure!(device_count(&device).await? == 1, "the removed device is back");
    Ok("401 enrolment_refused".to_owned())
}

/// "The same key may repeat it for ten minutes."
async fn repeat_ends_after_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, Owner { name, device, codes }) = (ground.hand()?, Owner::ready(&ground).await?);
    let key = Key::fresh();
    let body = recovery(&name, &codes[0]);
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let ends = hand.now().await? + 600;
    hand.pass_until(ends - 1).await?;
    let again = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    ensure!(again.id == first.id && again.token != first.token, "the repeat made another device");
    first.get("/api/devices").await?.is(401)?;
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.refuses(401, "enrolment_refused")?;
    hand.pass_until(ends).await?;
    Device::enrolling(ground.http(), &key, &body).await?.refuses(401, "enrolment_refused")?;
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    Ok("the same device one second before, 401 then; another key: 401".to_owned())
}

async fn every_recovery_is_told(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let answer = recover(&ground, &name, &codes[0]).await?.is(201)?.json()?;
    let log = device.get("/api/activity?after=0").await?.is(200)?.json()?;
    let entries = log["entries"].as_array().cloned().unwrap_or_default();
    let told = entries
        .iter()
        .find(|entry| entry["kind"] == "device_enrolled" && entry["device"] == answer["device_id"]);
    let told = told.with_context(|| format!("nothing of it in {log}"))?;
    let body: Value = serde_json::from_str(told["body"].as_str().unwrap_or_default())?;
    ensure!(body["by"] == "recovery_code" && body["count"] == 9, "{body}");
    ensure!(entries.iter().any(|entry| entry["kind"] == "recovery_codes_made"), "{log}");
    Ok("made and used: both in the activity, with what is left".to_owned())
}

/// What recovery is for: the lost computer is nobody from then on.
async fn recovered_device_takes_the_lost_one_away(ground: Ground) -> Held {
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    let key = Key::fresh();
    let answer = Device::enrolling(ground.http(), &key, &recovery(&name, &codes[0])).await?;
    let new = Device::read(ground.http(), &key, answer)?;
    new.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    device.get("/api/devices").await?.is(401)?;
    page.whoami().await?.is(401)?;
    recover(&ground, &name, &codes[1]).await?.refuses(401, "enrolment_refused")?;
    let fresh = ground.page().await?;
    new.approve(&fresh).await?;
    fresh.redeem().await?.is(201)?;
    Ok("its token, sessions and codes are dead, the new one signs in".to_owned())
}
