//! Scan and decision.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Jar, Key, Page, Scan};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["conformance", OneAccount;
        scan_answers_as_the_text_says,
        context_answers_as_the_text_says,
        scan_again_changes_nothing,
        scan_of_every_way_is_named,
        decision_again_changes_nothing,
        claimed_text_is_cleaned_and_cut,
        known_browser_is_told,
        scan_after_the_decision_is_410,
    ];
    all.extend(
        attacks!["conformance", OwnServer; second_device_gets_409, network_refusal_is_judged_at_the_scan],
    );
    all
}

/// Some other number of two digits.
pub(crate) fn another_number(check: &str) -> String {
    if check == "10" { "11".to_owned() } else { "10".to_owned() }
}

async fn scan_answers_as_the_text_says(ground: Ground) -> Held {
    let (page, device) = (ground.page().await?, ground.device().await?);
    let answer = device.scan(&page.code().await?).await?.is(201)?;
    let body = answer.json()?;
    for member in ["request", "ticket", "context", "check", "expires_at", "now"] {
        ensure!(body.get(member).is_some(), "no {member} in {body}");
    }
    ensure!(body["request"] == page.id.as_str() && body["check"] == true, "{body}");
    let left = body["expires_at"].as_i64().unwrap_or(0) - body["now"].as_i64().unwrap_or(0);
    ensure!(left == 120, "a scan gives 120 s: {body}");
    ensure!(answer.header("cache-control").contains("no-store"), "the ticket may be cached");
    Ok("request, ticket, context, check, 120 s; no-store".to_owned())
}

async fn context_answers_as_the_text_says(ground: Ground) -> Held {
    let (_, _, scan) = ground.scanned().await?;
    let context = scan.read_context()?;
    ensure!(context["v"] == 1 && context["request"] == scan.request.as_str(), "{context}");
    ensure!(context["origin"] == ground.http().origin() && context["via"] == "camera", "{context}");
    ensure!(context["client"].is_null() && context["scopes"] == json!([]), "{context}");
    ensure!(context["page_key"].is_string(), "{context}");
    let seen = &context["seen"];
    for member in ["address", "at", "same_network", "known_browser", "frame_age_s"] {
        ensure!(seen.get(member).is_some(), "no seen.{member} in {context}");
    }
    ensure!(seen["known_browser"] == false && seen["frame_age_s"].is_u64(), "{seen}");
    if let Some(from) = ground.from() {
        ensure!(seen["address"] == from.to_string(), "{seen} where {from} was due");
        ensure!(seen["same_network"] == true, "{seen} on one machine");
    }
    for member in ["browser", "system", "language"] {
        ensure!(context["claimed"].get(member).is_some(), "no claimed.{member} in {context}");
    }
    Ok(format!("{context}"))
}

async fn scan_again_changes_nothing(ground: Ground) -> Held {
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code = page.code().await?;
    let first = Scan::read(device.scan(&code).await?)?;
    let check = page.check().await?;
    let wrong = another_number(&check);
    device.decide(&first, "approve", Some(&wrong)).await?.refuses(422, "wrong_check")?;
    let again = Scan::read(device.scan(&code).await?)?;
    ensure!(first.ticket == again.ticket && first.context == again.context, "another ticket or context");
    ensure!(first.body["expires_at"] == again.body["expires_at"], "the end moved");
    ensure!(page.check().await? == check, "another number");
    let answer = device.decide(&again, "approve", Some(&wrong)).await?.refuses(422, "wrong_check")?;
    ensure!(answer.json()?["tries_left"] == 1, "{answer}: the tries were reset");
    Ok("same ticket, context, number, end and tries".to_owned())
}

async fn scan_of_every_way_is_named(ground: Ground) -> Held {
    let device = ground.device().await?;
    for via in ["camera", "screen", "image", "link"] {
        let page = ground.page().await?;
        let answer = device.scan_via(&json!({"code": page.code().await?, "via": via})).await?;
        let context = Scan::read(answer).with_context(|| via.to_owned())?.read_context()?;
        ensure!(context["via"] == via, "{context}");
    }
    Ok("camera, screen, image, link".to_owned())
}

async fn decision_again_changes_nothing(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let before = page.state().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let after = page.state().await?;
    ensure!(before["expires_at"] == after["expires_at"], "a repeat moved the end");
    device.decide(&scan, "deny", None).await?.refuses(409, "already_decided")?;
    device.decide(&scan, "report", None).await?.refuses(409, "already_decided")?;
    page.redeem().await?.is(201)?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let (_, device, scan) = ground.scanned().await?;
    device.decide(&scan, "deny", None).await?.is(204)?;
    device.decide(&scan, "deny", None).await?.is(204)?;
    device.decide(&scan, "approve", Some("10")).await?.refuses(409, "already_decided")?;
    Ok("same decision 204, another 409 already_decided".to_owned())
}

async fn claimed_text_is_cleaned_and_cut(ground: Ground) -> Held {
    let agent = format!("Evil\u{202e}txt.exe \u{200b}\u{2066}<script>{}", "A".repeat(3000));
    let headers = [("user-agent", agent.as_str()), ("accept-language", "de-\u{202e}DE,en;q=0.5")];
    let page = Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &headers).await?;
    let context = ground.device().await?.take(&page).await?.read_context()?;
    let claimed = context["claimed"].to_string();
    let bad = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{7}'];
    ensure!(!claimed.contains(bad), "control or bidirectional characters came through: {claimed}");
    ensure!(claimed.len() < 1000, "{} bytes came through", claimed.len());
    Ok(claimed)
}

async fn known_browser_is_told(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let next = Page::start_with(&page.http, &page.key, &page.jar, &json!({}), &[]).await?;
    let context = device.take(&next).await?.read_context()?;
    ensure!(context["seen"]["known_browser"] == true, "{context}");
    let stranger = ground.page().await?;
    let context = device.take(&stranger).await?.read_context()?;
    ensure!(context["seen"]["known_browser"] == false, "{context}");
    Ok("true for the key that held a session, false for a fresh one".to_owned())
}

async fn scan_after_the_decision_is_410(ground: Ground) -> Held {
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code = page.code().await?;
    let scan = Scan::read(device.scan(&code).await?)?;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    device.scan(&code).await?.is(410)?;
    Ok("410".to_owned())
}

async fn second_device_gets_409(ground: Ground) -> Held {
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code = page.code().await?;
    device.scan(&code).await?.is(201)?;
    let stranger = ground.device().await?;
    stranger.scan(&code).await?.refuses(409, "already_scanned")?;
    ground.second_device(&device).await?.scan(&code).await?.refuses(409, "already_scanned")?;
    Ok("409 already_scanned for a stranger and for the account's other device".to_owned())
}

async fn network_refusal_is_judged_at_the_scan(_: Ground) -> Held {
    let ground = Ground::with(&[
        ("ORIGIN", "https://login.example.com"),
        ("PROXIES_TRUSTED", "127.0.0.0/8"),
        ("RELAY_GUARD", "refuse"),
    ])
    .await?;
    let device = ground.device().await?;
    let from = [("x-forwarded-for", "198.51.100.7")];
    let page = Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &from).await?;
    let body = json!({"code": page.code().await?, "via": "camera"});
    let call = device.call("POST", "/api/scans").await?.json(&body).header("x-forwarded-for", "203.0.113.9");
    let answer = call.send().await?.refuses(403, "network_refused")?;
    ensure!(page.stage().await? == "denied network", "it is {}", page.stage().await?);
    ensure!(answer.json()?.get("ticket").is_none_or(Value::is_null), "{answer}");
    Ok("403 network_refused, denied network".to_owned())
}
