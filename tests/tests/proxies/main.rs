//! The proxies of `deploy/` in front of a real server: a whole login passes, pushed over the WebSocket, and the address
//! that the person is told is the browser's.
//!
//! The configurations are the files that people copy, with paths, names and ports of a test in place of the example's.

#[allow(dead_code, unused_imports, reason = "the attacks use all of it")]
#[path = "../../src/bin/attack/client/mod.rs"]
mod client;
mod front;
mod guard;

/// What the client notes for the attack suite.
mod ground {
    use std::sync::atomic::AtomicU64;

    pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);
}

use anyhow::{Result, ensure};
use client::{Device, Jar, Key, Page, Socket};
use front::{Front, Kind};
use serde_json::json;

#[tokio::test]
async fn nginx_passes_a_login_and_the_address() -> Result<()> {
    a_login_through(Kind::Nginx).await
}

#[tokio::test]
async fn caddy_passes_a_login_and_the_address() -> Result<()> {
    a_login_through(Kind::Caddy).await
}

#[tokio::test]
async fn haproxy_passes_a_login_and_the_address() -> Result<()> {
    a_login_through(Kind::Haproxy).await
}

#[tokio::test]
async fn nginx_asks_who_comes_to_a_site() -> Result<()> {
    guard::a_site_behind(Kind::Nginx).await
}

#[tokio::test]
async fn caddy_asks_who_comes_to_a_site() -> Result<()> {
    guard::a_site_behind(Kind::Caddy).await
}

async fn a_login_through(kind: Kind) -> Result<()> {
    e2e::stage::play(&format!("proxy-{kind:?}").to_lowercase(), async |stage| {
        let front = Front::start(stage, kind).await?;
        let http = front.http("127.0.0.7")?;
        let device = Device::enrol(&front.http("127.0.0.9")?, &front.server().add_account("ada")?).await?;

        // The browser's own word about where it is counts for nothing.
        let lies = [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9")];
        let mut page = Page::start_with(&http, &Key::fresh(), &Jar::default(), &json!({}), &lies).await?;
        let mut socket = Socket::open(&page).await?;
        socket.until("waiting").await?;

        let scan = device.take(&page).await?;
        let address = &scan.read_context()?["seen"]["address"];
        ensure!(address == "127.0.0.7", "the person is told {address}");
        let scanned = socket.until("scanned").await?;
        let check = scanned["check"].as_str().unwrap_or_default();
        device.decide(&scan, "approve", Some(check)).await?.is(204)?;
        socket.until("approved").await?;
        page.sign_in().await?;
        socket.until("redeemed").await?;
        ensure!(socket.end().await? == 1000, "the socket did not end in order");
        page.whoami().await?.is(200)?;

        // What the server says about its pages arrives as it said it.
        let login = http.get("/login").await?.is(200)?;
        ensure!(login.header("content-security-policy").contains("default-src 'none'"), "{login}");
        Ok(())
    })
    .await
}
