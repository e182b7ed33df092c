//! Finding out what exists: by status, body, headers or time.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, Key, base64url, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all =
        attacks!["enumeration", OneAccount; requests_of_others, links_used_and_unknown, api_tells_no_names];
    all.extend(attacks!["enumeration", OwnServer;
        devices_of_others,
        sessions_of_others,
        users_by_answer,
        users_by_time,
        users_by_limit,
        tickets_of_others,
        typed_codes_of_others,
    ]);
    all
}

/// What anybody sees of an answer: status, body, headers but those that differ by nature.
fn shape(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let differ = ["date", "dpop-nonce", "x-request-id", "retry-after"];
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !differ.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    (answer.status, answer.text(), headers)
}

/// Whether nobody can tell the two apart.
///
/// # Errors
/// When somebody can.
pub(super) fn alike(one: &Answer, other: &Answer) -> Result<()> {
    ensure!(shape(one) == shape(other), "{one} and {other} differ: {:?} {:?}", shape(one), shape(other));
    Ok(())
}

async fn requests_of_others(ground: Ground) -> Held {
    let foreign = ground.page().await?;
    let own = ground.page().await?;
    let unknown = base64url(&random_bytes(16));
    for (method, rest) in
        [("GET", ""), ("DELETE", ""), ("POST", "/user-code"), ("POST", "/session"), ("GET", "/events")]
    {
        let call = |id: &str| own.call(method, &format!("/api/login-requests/{id}{rest}"));
        let (mut there, mut nowhere) = (call(&foreign.id), call(&unknown));
        if rest == "/session" {
            there = there.json(&json!({})).proof(&own.key).await?;
            nowhere = nowhere.json(&json!({})).proof(&own.key).await?;
        }
        let (there, nowhere) = (there.send().await?, nowhere.send().await?);
        if rest != "/events" {
            ensure!(there.status == 404, "{there}");
        }
        alike(&there, &nowhere)?;
    }
    Ok("five calls: foreign and unknown look the same".to_owned())
}

async fn links_used_and_unknown(ground: Ground) -> Held {
    let link = ground.link().await?;
    let body = |code: &str| json!({"enrolment": code, "device": {"name": "x", "kind": "linux"}});
    let code = crate::client::enrolment_in(&link)?.to_owned();
    let device = Device::enrol(ground.http(), &link).await?;
    let used = Device::enrolling(ground.http(), &Key::fresh(), &body(&code)).await?;
    let unknown = Device::enrolling(ground.http(), &Key::fresh(), &body(&"A".repeat(26))).await?;
    alike(&used, &unknown)?;
    alike(&ground.http().get(&format!("/E/{code}")).await?, &ground.http().get("/E/AAAA").await?)?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok("used and unknown links look the same".to_owned())
}

async fn api_tells_no_names(ground: Ground) -> Held {
    let device = ground.device().await?;
    let name = device.enrolled.json()?["account"]["username"].as_str().unwrap_or_default().to_owned();
    for path in [
        "/.well-known/countersign",
        "/login",
        "/openapi.json",
        "/health/ready",
        "/health/live",
        "/api/session",
    ] {
        let text = ground.http().get(path).await?.text();
        ensure!(
            !text.contains(&device.id) && !text.contains(&device.account),
            "{path} names a device or account"
        );
        ensure!(name.len() < 4 || !text.contains(&format!("\"{name}\"")), "{path} names a user");
    }
    Ok("six public answers name nobody".to_owned())
}

async fn devices_of_others(ground: Ground) -> Held {
    let (own, victim) = (ground.device().await?, ground.device().await?);
    let unknown = base64url(&random_bytes(16));
    for (method, body) in [("PATCH", Some(json!({"name": "Mine"}))), ("DELETE", None)] {
        let mut answers = Vec::new();
        for id in [&victim.id, &unknown] {
            let call = own.call(method, &format!("/api/devices/{id}")).await?;
            let call = match &body {
                Some(body) => call.json(body),
                None => call,
            };
            answers.push(call.send().await?.is(404)?);
        }
        alike(&answers[0], &answers[1])?;
    }
    let list = victim.get("/api/devices").await?.is(200)?.text();
    ensure!(!list.contains("Mine"), "{list}");
    Ok("404 for another account's, as for unknown ones; the device stays".to_owned())
}

async fn sessions_of_others(ground: Ground) -> Held {
    let (page, victim) = ground.signed_in().await?;
    let attacker = ground.device().await?;
    let list = victim.get("/api/sessions").await?.json()?;
    let id = list["sessions"][0]["id"].as_str().unwrap_or_default().to_owned();
    let foreign = attacker.delete(&format!("/api/sessions/{id}")).await?.is(404)?;
    let unknown =
        attacker.delete(&format!("/api/sessions/{}", base64url(&random_bytes(16)))).await?.is(404)?;
    alike(&foreign, &unknown)?;
    attacker.delete("/api/sessions").await?.is(204)?;
    page.whoami().await?.is(200)?;
    ensure!(
        attacker.get("/api/sessions").await?.json()?["sessions"] == json!([]),
        "foreign sessions are listed"
    );
    let log = attacker.get("/api/activity?after=0").await?.text();
    ensure!(!log.contains(&id) && !log.contains(&victim.id), "foreign activity is listed");
    Ok("404, not listed, not ended by \"end all\"".to_owned())
}

fn password(name: &str) -> Value {
    json!({"username": name, "password": "wrong horse", "device": {"name": "x", "kind": "linux"}})
}

async fn users_by_answer(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let real = Device::enrolling(ground.http(), &Key::fresh(), &password(&name)).await?.is(401)?;
    let nobody = Device::enrolling(ground.http(), &Key::fresh(), &password("nobody-here")).await?.is(401)?;
    alike(&real, &nobody)?;
    Ok("wrong password and unknown name look the same".to_owned())
}

/// Guard: an unknown name costs a password hash, too. Judged by the server's work and not by the clock on the wall, so that
/// a busy machine does not matter: without the hash a call is a tenth of the work.
async fn users_by_time(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (name, bare, disabled) = (fresh_name(), fresh_name(), fresh_name());
    let server = ground.server()?;
    server.add_account_with_password(&name, "correct horse battery").await?;
    server.add_account(&bare).await?;
    server.add_account_with_password(&disabled, "correct horse battery").await?;
    server.operate(&["users", "disable", &disabled]).await?;
    let mut works = Vec::new();
    for name in [name.as_str(), "nobody-here", &bare, &disabled] {
        let before = server.work().await?;
        for _ in 0..9 {
            // Each try from its own address: the limits per address stay out of it, those per account allow nine.
            let other = ground.elsewhere()?;
            Device::enrolling(other.http(), &Key::fresh(), &password(name)).await?.is(401)?;
        }
        works.push(server.work().await?.saturating_sub(before));
    }
    let (least, most) = (works.iter().min(), works.iter().max());
    let (least, most) = (least.copied().unwrap_or_default(), most.copied().unwrap_or_default());
    ensure!(least > Duration::from_millis(9), "nine password hashes in {least:?} are none");
    ensure!(most < least * 3, "wrong password, unknown, without password, disabled: {works:?}");
    Ok(format!("wrong password, unknown, without password, disabled: {works:?} of work for nine each"))
}

/// Guard: the limit per account counts names that do not exist as well.
async fn users_by_limit(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let mut judged = Vec::new();
    for name in [name.as_str(), "nobody-of-this-name"] {
        let mut count = 0;
        let other = ground.elsewhere()?;
        while count < 20 {
            let answer = Device::enrolling(other.http(), &Key::fresh(), &password(name)).await?;
            if answer.status == 429 {
                break;
            }
            answer.is(401)?;
            count += 1;
        }
        judged.push(count);
    }
    ensure!(
        judged[0] == judged[1],
        "a real name is limited after {} tries, an unknown one after {}",
        judged[0],
        judged[1]
    );
    Ok(format!("both after {} tries", judged[0]))
}

async fn tickets_of_others(ground: Ground) -> Held {
    let (_, victim, scan) = ground.scanned().await?;
    let attacker = ground.device().await?;
    let foreign = attacker.decide(&scan, "deny", None).await?.is(404)?;
    let unknown = crate::client::Scan { ticket: base64url(&random_bytes(16)), ..scan.clone() };
    let unknown = attacker.decide(&unknown, "deny", None).await?.is(404)?;
    alike(&foreign, &unknown)?;
    victim.decide(&scan, "deny", None).await?.is(204)?;
    Ok("a foreign ticket and an unknown one look the same".to_owned())
}

/// A typed code that somebody else's device has used is as unknown as any, or refused as used; never a ticket.
async fn typed_codes_of_others(ground: Ground) -> Held {
    let page = ground.page().await?;
    let code = page.type_instead().await?.is(200)?.json()?["user_code"].clone();
    let body = json!({"user_code": code, "via": "typed"});
    let (first, second) = (ground.device().await?, ground.device().await?);
    first.scan_via(&body).await?.is(201)?;
    let answer = second.scan_via(&body).await?;
    let seen = answer.kind();
    answer.one_of(&[404, 409, 410])?;
    Ok(seen)
}
