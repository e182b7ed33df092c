//! Planted, stolen and stale sessions.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Answer, Jar, Key, Page, base64url, random_bytes};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["browser", OneAccount; session_planted_before_the_login, session_of_the_attacker_planted, stolen_token_cannot_be_renewed, sid_alone_opens_nothing, token_after_sign_out, session_of_another_cookie_name, session_in_query_or_header]
}

/// Session fixation.
async fn session_planted_before_the_login(ground: Ground) -> Held {
    let http = ground.http();
    let (session, sid) = (http.cookie_name("session"), http.cookie_name("sid"));
    let mut jar = Jar::default();
    jar.put(&session, &base64url(&random_bytes(32)));
    jar.put(&sid, &base64url(&random_bytes(16)));
    let planted = jar.clone();
    let mut page = Page::start_with(http, &Key::fresh(), &jar, &json!({}), &[]).await?;
    ground.device().await?.approve(&page).await?;
    page.sign_in().await?;
    ensure!(page.jar.get(&session) != planted.get(&session), "the planted token is the session");
    ensure!(page.jar.get(&sid) != planted.get(&sid), "the planted sid is the session");
    page.whoami().await?.is(200)?;
    let attacker = Page { jar: planted, ..page.clone() };
    attacker.whoami().await?.is(401)?;
    Ok("login sets its own token and sid; the planted ones are 401".to_owned())
}

/// The attacker's own live session in the victim's browser: the victim's login replaces it, the attacker gains nothing.
async fn session_of_the_attacker_planted(ground: Ground) -> Held {
    let (attacker, _) = ground.signed_in().await?;
    let mut victim = Page::start_with(ground.http(), &Key::fresh(), &attacker.jar, &json!({}), &[]).await?;
    ground.device().await?.approve(&victim).await?;
    victim.sign_in().await?;
    let name = ground.http().cookie_name("session");
    ensure!(victim.jar.get(&name) != attacker.jar.get(&name), "the attacker's token became the victim's");
    let created = |answer: Answer| answer.is(200)?.json().map(|body| body["created_at"].clone());
    created(attacker.whoami().await?)?;
    created(victim.whoami().await?)?;
    let mut renewed = Page { key: attacker.key.clone(), ..victim.clone() };
    renewed.refresh().await?.refuses(401, "invalid_proof")?;
    Ok("the victim's session has its own token and key".to_owned())
}

/// Guard: the refresh is bound to the key that redeemed.
async fn stolen_token_cannot_be_renewed(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let mut thief = Page { key: Key::fresh(), ..page.clone() };
    thief.refresh().await?.refuses(401, "invalid_proof")?;
    thief.refreshing().send().await?.is(401)?;
    page.whoami().await?.is(200)?;
    Ok("401 without the key".to_owned())
}

/// "Public id, authorises nothing": neither to read, nor to renew, nor to end the session.
async fn sid_alone_opens_nothing(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    let whole = page.clone();
    page.jar.remove(&page.http.cookie_name("session"));
    page.whoami().await?.refuses(401, "stale_session")?;
    page.call("DELETE", "/api/session").send().await?.one_of(&[401, 204])?;
    whole.whoami().await?.is(200).context("after somebody with the sid alone signed out")?;
    let mut thief = Page { key: Key::fresh(), ..page.clone() };
    thief.refresh().await?.is(401)?;
    Ok("401 stale_session; no refresh without the key".to_owned())
}

async fn token_after_sign_out(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    let before = page.clone();
    page.refresh().await?.is(204)?;
    page.call("DELETE", "/api/session").send().await?.is(204)?;
    for mut old in [before, page] {
        old.whoami().await?.is(401)?;
        old.refresh().await?.is(401)?;
    }
    Ok("newest and previous token: 401, no refresh".to_owned())
}

async fn session_of_another_cookie_name(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no token")?.to_owned();
    for name in
        ["session", "countersign-session", "__Host-countersign-session", "countersign-1-session", "sid"]
    {
        if page.http.cookie_name("session") == name {
            continue;
        }
        let mut jar = Jar::default();
        jar.put(name, &token);
        Page { jar, ..page.clone() }.whoami().await?.is(401)?;
    }
    Ok("401 under any other name".to_owned())
}

async fn session_in_query_or_header(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no token")?.to_owned();
    let http = ground.http();
    http.get(&format!("/api/session?session={token}&token={token}")).await?.is(401)?;
    for scheme in ["Bearer", "DPoP", "Session"] {
        let call = http.call("GET", "/api/session").header("authorization", format!("{scheme} {token}"));
        call.send().await?.is(401)?;
    }
    Ok("401".to_owned())
}
