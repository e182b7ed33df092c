//! Cookies: names, attributes, prefixes over HTTPS and on loopback.

use anyhow::ensure;

use crate::attacks::{Attack, Held, attacks};
use crate::client::{SetCookie, from_base64url};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["conformance", OwnServer; cookies_on_loopback, cookies_over_https, session_cookies_follow_the_text]
}

const PUBLIC: &str = "https://login.example.com";

fn host_rules(cookie: &SetCookie, secure: bool) -> anyhow::Result<()> {
    ensure!(cookie.has("HttpOnly"), "{cookie:?} can be read by script");
    ensure!(cookie.has("Path=/"), "{cookie:?} has another path");
    ensure!(cookie.has("Secure") == secure, "{cookie:?}: Secure");
    ensure!(cookie.name.starts_with("__Host-") == secure, "{cookie:?}: prefix");
    let domain = cookie.attributes.iter().any(|attribute| attribute.to_lowercase().starts_with("domain"));
    ensure!(!domain, "{cookie:?} has a domain");
    Ok(())
}

async fn cookies_on_loopback(ground: Ground) -> Held {
    let page = ground.page().await?;
    let port = ground.server()?.address().port();
    let cookie = page.started.cookie(&page.id)?;
    ensure!(cookie.name == format!("countersign-{port}-request-{}", page.id), "the name is {}", cookie.name);
    ensure!(cookie.has("SameSite=Strict"), "{cookie:?}");
    host_rules(&cookie, false)?;
    ensure!(from_base64url(&cookie.value)?.len() == 32, "the page secret has not 256 bits: {}", cookie.value);
    Ok(cookie.name)
}

async fn cookies_over_https(_: Ground) -> Held {
    let ground = Ground::with(&[("ORIGIN", PUBLIC)]).await?;
    let (page, _, _) = ground.approved().await?;
    let secret = page.started.cookie(&page.id)?;
    ensure!(secret.name == format!("__Host-countersign-request-{}", page.id), "the name is {}", secret.name);
    ensure!(secret.has("SameSite=Strict"), "{secret:?}");
    host_rules(&secret, true)?;
    let answer = page.redeem().await?.is(201)?;
    for name in ["__Host-countersign-session", "__Host-countersign-sid"] {
        let cookie = answer.cookie(name)?;
        ensure!(cookie.name == name && cookie.has("SameSite=Lax"), "{cookie:?}");
        host_rules(&cookie, true)?;
    }
    Ok("__Host-, Secure, HttpOnly, Strict and Lax".to_owned())
}

async fn session_cookies_follow_the_text(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let answer = page.redeem().await?.is(201)?;
    let port = ground.server()?.address().port();
    let token = answer.cookie("-session")?;
    let sid = answer.cookie("-sid")?;
    ensure!(token.name == format!("countersign-{port}-session"), "{token:?}");
    ensure!(sid.name == format!("countersign-{port}-sid"), "{sid:?}");
    host_rules(&token, false)?;
    host_rules(&sid, false)?;
    ensure!(token.has("SameSite=Lax") && sid.has("SameSite=Lax"), "{token:?} {sid:?}");
    ensure!(token.has("Max-Age=600"), "{token:?}");
    ensure!(from_base64url(&token.value)?.len() == 32, "the token has not 256 bits");
    Ok("Lax, HttpOnly, Max-Age=600".to_owned())
}
