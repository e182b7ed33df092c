//! Enrolment and trusted devices.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Key, enrolment_in};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["conformance", OneAccount;
        enrolment_answers_as_the_text_says,
        enrolment_repeated_is_the_same_device,
        used_and_unknown_links_are_404,
        devices_are_listed_renamed_and_removed,
        enrolment_link_of_a_device,
        device_names_are_cleaned,
    ];
    all.extend(attacks!["conformance", OwnServer;
        password_enrols_the_first_device_only,
        password_refusals_are_one_answer,
        removed_device_takes_its_sessions_along,
    ]);
    all
}

async fn enrolment_answers_as_the_text_says(ground: Ground) -> Held {
    let device = ground.device().await?;
    let body = device.enrolled.json()?;
    for pointer in
        ["/device_id", "/token", "/account/id", "/account/username", "/account/display_name", "/server/name"]
    {
        ensure!(body.pointer(pointer).is_some_and(serde_json::Value::is_string), "no {pointer} in {body}");
    }
    ensure!(body["server"]["origin"] == ground.http().origin(), "{body}");
    ensure!(device.enrolled.header("cache-control").contains("no-store"), "the token may be cached");
    ensure!(crate::client::from_base64url(&device.token)?.len() == 32, "the token has not 256 bits");
    Ok("device, token of 256 bits, account, server; no-store".to_owned())
}

async fn enrolment_repeated_is_the_same_device(ground: Ground) -> Held {
    let link = ground.link().await?;
    let key = Key::fresh();
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "One", "kind": "linux"}});
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let again = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    ensure!(first.id == again.id && first.token != again.token, "another device, or the same token");
    first.get("/api/devices").await?.refuses(401, "invalid_token")?;
    again.get("/api/devices").await?.is(200)?;
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    Ok("same device, another token, the old one ends; another key gets 404".to_owned())
}

async fn used_and_unknown_links_are_404(ground: Ground) -> Held {
    let link = ground.link().await?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "One", "kind": "linux"}});
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(201)?;
    let used = Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    let body = json!({"enrolment": "A".repeat(26), "device": {"name": "One", "kind": "linux"}});
    let unknown = Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    ensure!(used.kind() == unknown.kind(), "used and unknown differ");
    Ok(used.kind())
}

async fn devices_are_listed_renamed_and_removed(ground: Ground) -> Held {
    let device = ground.device().await?;
    let other = ground.second_device(&device).await?;
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    let mine = |list: &serde_json::Value, id: &str| {
        let all = list["devices"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|entry| entry["id"] == id)
    };
    let entry = mine(&list, &device.id).context("the device does not list itself")?;
    for member in ["id", "name", "kind", "created_at", "last_seen_at", "current"] {
        ensure!(entry.get(member).is_some(), "no {member} in {entry}");
    }
    let second = mine(&list, &other.id).context("the other device is not listed")?;
    ensure!(entry["current"] == true && second["current"] == false, "{list}");
    let rename =
        device.call("PATCH", &format!("/api/devices/{}", other.id)).await?.json(&json!({"name": "Den"}));
    rename.send().await?.is(204)?;
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    ensure!(mine(&list, &other.id).is_some_and(|entry| entry["name"] == "Den"), "{list}");
    device.delete(&format!("/api/devices/{}", other.id)).await?.is(204)?;
    other.get("/api/devices").await?.refuses(401, "invalid_token")?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    device.get("/api/devices").await?.refuses(401, "invalid_token")?;
    Ok("listed, renamed, removed; its own too".to_owned())
}

async fn enrolment_link_of_a_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    let answer = device.call("POST", "/api/enrolments").await?.send().await?.is(201)?;
    let body = answer.json()?;
    let left = body["expires_at"].as_i64().unwrap_or(0) - body["now"].as_i64().unwrap_or(0);
    ensure!(left == 600, "ten minutes: {body}");
    let link = body["link"].as_str().context("no link")?;
    let prefix = format!("{}/E/", ground.http().origin().to_uppercase());
    ensure!(link.starts_with(&prefix), "{link} does not begin with {prefix}");
    let code = enrolment_in(link)?;
    ensure!(code.len() == 26 && code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')), "{code}");
    ensure!(answer.header("cache-control").contains("no-store"), "the link may be cached");
    let other = Device::enrol(ground.http(), link).await?;
    ensure!(other.account == device.account, "another account");
    let log = super::whole_activity(&device).await?;
    ensure!(
        log.iter().any(|entry| entry.to_string().contains(&other.id)),
        "the enrolment is not in the activity of the first device"
    );
    other.delete(&format!("/api/devices/{}", other.id)).await?.is(204)?;
    Ok("128 bits, 600 s, same account, in the activity".to_owned())
}

async fn device_names_are_cleaned(ground: Ground) -> Held {
    let name = format!("Desk\u{202e}\u{0}\u{7}\u{2066}top\n{}", "x".repeat(2000));
    let device = Device::enrol_named(ground.http(), &ground.link().await?, &name).await?;
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    let kept =
        list["devices"].as_array().and_then(|all| all.iter().find(|entry| entry["id"] == device.id.as_str()));
    let kept = kept.and_then(|entry| entry["name"].as_str()).context("no name")?.to_owned();
    let bad = ['\u{202e}', '\u{0}', '\u{7}', '\u{2066}', '\n'];
    ensure!(!kept.contains(bad) && kept.len() < 500, "kept as {kept:?}");
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok(format!("kept as {} characters", kept.chars().count()))
}

async fn password_enrols_the_first_device_only(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let device = json!({"name": "One", "kind": "other"});
    let body = json!({"username": name, "password": "correct horse battery", "device": device});
    let key = Key::fresh();
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let again = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    ensure!(first.id == again.id, "a repeat made another device");
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.refuses(401, "enrolment_refused")?;
    again.delete(&format!("/api/devices/{}", again.id)).await?.is(204)?;
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.refuses(401, "enrolment_refused")?;
    Ok("never again once the account had a device".to_owned())
}

async fn password_refusals_are_one_answer(ground: Ground) -> Held {
    let (good, never, disabled) = (fresh_name(), fresh_name(), fresh_name());
    let server = ground.server()?;
    server.add_account_with_password(&good, "correct horse battery").await?;
    server.add_account(&never).await?;
    server.add_account_with_password(&disabled, "correct horse battery").await?;
    server.operate(&["users", "disable", &disabled]).await?;
    let mut kinds = Vec::new();
    for (name, password) in [
        (good.as_str(), "wrong"),
        ("nobody-of-that-name", "correct horse battery"),
        (never.as_str(), "correct horse battery"),
        (disabled.as_str(), "correct horse battery"),
    ] {
        let body =
            json!({"username": name, "password": password, "device": {"name": "One", "kind": "other"}});
        let answer = Device::enrolling(ground.http(), &Key::fresh(), &body).await?;
        kinds.push((answer.kind(), answer.text(), answer.header("www-authenticate").to_owned()));
    }
    ensure!(kinds.iter().all(|kind| *kind == kinds[0]), "the answers differ: {kinds:?}");
    ensure!(kinds[0].0 == "401 enrolment_refused", "{kinds:?}");
    Ok("wrong, unknown, without password, disabled: 401 enrolment_refused, same body".to_owned())
}

async fn removed_device_takes_its_sessions_along(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    page.whoami().await?.is(401)?;
    let independent = Ground::with(&[("SESSION_KIND", "independent")]).await?;
    let (page, device) = independent.signed_in().await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    page.whoami().await?.is(200)?;
    Ok("linked: 401; independent: lives".to_owned())
}
