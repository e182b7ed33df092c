//! The browser session.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::Page;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["conformance", OneAccount;
        session_says_who,
        refresh_gives_another_token,
        refused_refresh_ends_nothing,
        sign_out_is_204,
        not_me_is_reported,
        older_session_of_the_same_key_ends,
        sessions_are_listed_and_ended,
        ending_all_cancels_what_is_under_way,
        stale_session_is_told_from_none,
    ]
}

async fn session_says_who(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let answer = page.whoami().await?.is(200)?;
    let body = answer.json()?;
    ensure!(body["account"]["username"].is_string() && body["account"]["display_name"].is_string(), "{body}");
    ensure!(body["device"]["name"].is_string(), "{body}");
    ensure!(body["created_at"].is_u64() && body["expires_at"].is_u64() && body["now"].is_u64(), "{body}");
    let left = body["expires_at"].as_i64().unwrap_or(0) - body["now"].as_i64().unwrap_or(0);
    ensure!((1..=600).contains(&left), "expires_at is not the token's: {body}");
    ensure!(answer.header("cache-control").contains("no-store"), "it may be cached");
    ground.http().get("/api/session").await?.is(401)?;
    Ok(format!("{body}"))
}

async fn refresh_gives_another_token(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    let old = page.clone();
    let answer = page.refresh().await?.is(204)?;
    let token = answer.cookie("-session")?;
    let name = page.http.cookie_name("session");
    ensure!(Some(token.value.as_str()) != old.jar.get(&name), "the same token");
    ensure!(token.has("Max-Age=600") && token.has("HttpOnly") && token.has("SameSite=Lax"), "{token:?}");
    page.whoami().await?.is(200)?;
    old.whoami().await?.is(200).context("the previous token is good for 60 s")?;
    Ok("204, another token, the previous one still good".to_owned())
}

async fn refused_refresh_ends_nothing(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let thief = crate::client::Key::fresh();
    let answer = page.refreshing().proof(&thief).await?.send().await?.refuses(401, "invalid_proof")?;
    ensure!(answer.cookies().iter().all(|cookie| !cookie.deletes()), "{answer} takes cookies away");
    page.whoami().await?.is(200)?;
    Ok("401 invalid_proof, the session lives".to_owned())
}

async fn sign_out_is_204(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let answer = page.call("DELETE", "/api/session").send().await?.is(204)?;
    let gone = answer.cookies();
    ensure!(gone.len() >= 2 && gone.iter().all(crate::client::SetCookie::deletes), "cookies stay: {gone:?}");
    page.whoami().await?.is(401)?;
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    ensure!(sessions["sessions"] == json!([]), "{sessions}");
    Ok("204, cookies deleted, token dead".to_owned())
}

async fn not_me_is_reported(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let body = json!({"report": true});
    page.call("DELETE", "/api/session").json(&body).send().await?.is(204)?;
    page.whoami().await?.is(401)?;
    let log = super::whole_activity(&device).await?;
    let last = log.last().map(ToString::to_string).unwrap_or_default();
    ensure!(last.contains("report"), "no report at the end of the activity: {last}");
    Ok("204, in the activity".to_owned())
}

async fn older_session_of_the_same_key_ends(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let mut next = Page::start_with(&page.http, &page.key, &page.jar, &json!({}), &[]).await?;
    device.approve(&next).await?;
    next.sign_in().await?;
    next.whoami().await?.is(200)?;
    page.whoami().await?.is(401)?;
    Ok("the older one is 401".to_owned())
}

async fn sessions_are_listed_and_ended(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let body = device.get("/api/sessions").await?.is(200)?.json()?;
    let session = &body["sessions"][0];
    for member in ["id", "request", "created_at", "last_seen_at", "address", "browser", "system", "device"] {
        ensure!(session.get(member).is_some(), "no {member} in {body}");
    }
    ensure!(
        session["request"] == page.id.as_str() && session["device"]["id"] == device.id.as_str(),
        "{body}"
    );
    ensure!(session["device"]["name"].is_string(), "{body}");
    let id = session["id"].as_str().context("no id")?;
    device.delete(&format!("/api/sessions/{id}")).await?.is(204)?;
    page.whoami().await?.is(401)?;
    device.delete(&format!("/api/sessions/{id}")).await?.one_of(&[204, 404])?;
    device.delete("/api/sessions/nothing").await?.is(404)?;
    Ok("listed, ended, dead at the next call".to_owned())
}

async fn ending_all_cancels_what_is_under_way(ground: Ground) -> Held {
    let (page, device) = ground.signed_in().await?;
    let (scanned, approved, waiting) = (ground.page().await?, ground.page().await?, ground.page().await?);
    device.take(&scanned).await?;
    device.approve(&approved).await?;
    device.delete("/api/sessions").await?.is(204)?;
    page.whoami().await?.is(401)?;
    ensure!(scanned.stage().await? == "cancelled revoked", "scanned: {}", scanned.stage().await?);
    ensure!(approved.stage().await? == "cancelled revoked", "approved: {}", approved.stage().await?);
    ensure!(waiting.stage().await? == "waiting", "waiting: {}", waiting.stage().await?);
    approved.redeem().await?.is(410)?;
    Ok("scanned and approved: cancelled revoked".to_owned())
}

async fn stale_session_is_told_from_none(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    page.jar.remove(&page.http.cookie_name("session"));
    page.whoami().await?.refuses(401, "stale_session")?;
    let page_load =
        page.http.call("GET", "/").header("cookie", page.jar.header()).header("accept", "text/html");
    let answer = page_load.send().await?;
    let renewed = answer.header("location").contains("/renew") || answer.text().contains("/renew");
    ensure!(renewed, "a page navigation with a stale session gets no /renew: {answer}");
    page.refresh().await?.is(204)?;
    page.whoami().await?.is(200)?;
    ground.http().get("/api/session").await?.is(401)?;
    Ok("401 stale_session; /renew; refreshed".to_owned())
}
