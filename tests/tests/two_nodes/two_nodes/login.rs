//! Logins whose calls go to either node.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::site::{Site, moved};
use crate::client::{Http, Jar, Key, Page, Scan, Socket};

#[tokio::test]
async fn a_page_at_one_node_is_told_what_happens_at_the_other() -> Result<()> {
    let site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    socket.until("waiting").await?;

    let device = site.device_at_b()?;
    let scan = device.take(&page).await?;
    let shown = socket.until("scanned").await?;
    let check = shown["check"].as_str().context("no number")?;
    device.decide(&scan, "approve", Some(check)).await?.is(204)?;
    socket.until("approved").await?;

    let mut page = moved(&page, &site.b)?;
    let first = page.sign_in().await?.cookie("-session")?;
    socket.until("redeemed").await?;
    ensure!(socket.end().await? == 1000, "the socket ends with the login");
    // Again at the other node: the same session.
    let page = moved(&page, &site.a)?;
    let second = page.redeem().await?.is(201)?.cookie("-session")?;
    ensure!(first.value == second.value, "a repeat made another session");
    page.whoami().await?.is(200)?;
    ensure!(site.sessions().await? == 1, "not one session");
    Ok(())
}

#[tokio::test]
async fn a_typed_code_and_a_denial_reach_the_other_node() -> Result<()> {
    let site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    let shown = page.type_instead().await?.is(200)?.json()?;
    let device = site.device_at_b()?;
    let scan = device.scan_via(&json!({"user_code": shown["user_code"], "via": "typed"})).await?;
    device.decide(&Scan::read(scan)?, "deny", None).await?.is(204)?;
    let state = socket.until("denied").await?;
    ensure!(state["reason"] == "user", "{state}");
    moved(&page, &site.b)?.redeem().await?.refuses(410, "ended")?;
    Ok(())
}

#[tokio::test]
async fn a_proof_spent_at_one_node_is_refused_at_the_other() -> Result<()> {
    let site = Site::new().await?;
    let (a, b) = (site.a.http()?, site.b.http()?);
    let key = Key::fresh();
    let proof = a.proof(&key, "POST", "/api/login-requests").await?.sign(&key);
    let start = |http: &Http| {
        let call = http.call("POST", "/api/login-requests").header("origin", http.origin());
        call.header("dpop", &proof).json(&json!({}))
    };
    start(&a).send().await?.is(201)?;
    start(&b).send().await?.refuses(401, "invalid_proof")?;
    Ok(())
}

#[tokio::test]
async fn a_limit_counts_at_all_nodes_together() -> Result<()> {
    let site = Site::with(&[("COUNTERSIGN_LIMITS_STARTS_PER_ADDRESS", "3")]).await?;
    for node in [&site.a, &site.b, &site.a] {
        Page::start(&node.http()?).await?;
    }
    let http = site.b.http()?;
    let refused = Page::starting(&http, &Jar::default()).json(&json!({}));
    refused.proof(&Key::fresh()).await?.send().await?.refuses(429, "too_many_requests")?;
    Ok(())
}

#[tokio::test]
async fn live_requests_are_capped_at_all_nodes_together() -> Result<()> {
    let site = Site::with(&[("COUNTERSIGN_LIMITS_LIVE_REQUESTS_PER_ADDRESS", "2")]).await?;
    let first = Page::start(&site.a.http()?).await?;
    Page::start(&site.b.http()?).await?;
    let third = || async {
        let http = site.b.http()?;
        let call = Page::starting(&http, &Jar::default()).json(&json!({}));
        call.proof(&Key::fresh()).await?.send().await
    };
    third().await?.refuses(429, "too_many_requests")?;
    moved(&first, &site.b)?.cancel().await?.is(204)?;
    third().await?.is(201)?;
    Ok(())
}

#[tokio::test]
async fn signing_out_at_one_node_counts_at_the_other() -> Result<()> {
    let site = Site::new().await?;
    let signed_in = site.signed_in().await?;
    let approved = Page::start(&site.a.http()?).await?;
    site.device.approve(&approved).await?;
    let mut socket = Socket::open(&approved).await?;
    socket.until("approved").await?;

    site.device_at_b()?.delete("/api/sessions").await?.is(204)?;
    signed_in.whoami().await?.refuses(401, "invalid_token")?;
    let state = socket.until("cancelled").await?;
    ensure!(state["reason"] == "revoked", "{state}");
    approved.redeem().await?.refuses(410, "ended")?;
    ensure!(site.sessions().await? == 0, "a session is left");
    Ok(())
}

#[tokio::test]
async fn a_node_with_another_key_is_refused_with_a_sentence() -> Result<()> {
    let site = Site::new().await?;
    let other = site.another(&[("COUNTERSIGN_SERVER_KEY", &"7".repeat(64))])?;
    let (code, said) = other.start_fails().await?;
    ensure!(code == Some(1), "it ended with {code:?}: {said}");
    ensure!(said.contains("another server key or origin") && said.contains("same server_key"), "{said}");
    site.signed_in().await?;
    Ok(())
}
