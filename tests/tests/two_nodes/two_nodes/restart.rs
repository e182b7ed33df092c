//! A node that ends while pages wait at it: they go on at the other one.

use anyhow::{Context, Result, ensure};
use e2e::patience;

use super::site::{Site, moved};
use crate::client::{Device, Page, Socket};

#[tokio::test]
async fn a_page_moves_when_its_node_is_stopped_and_its_login_goes_on() -> Result<()> {
    let mut site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    let device = site.device_at_b()?;
    let scan = device.take(&page).await?;
    let check = socket.until("scanned").await?["check"].clone();

    site.a.leave()?;
    ensure!(socket.end().await? == 1001, "the page is not told to come back");
    let status = site.a.left().await?;
    ensure!(status.success(), "the node ended with {status}");

    let mut page = moved(&page, &site.b)?;
    let mut socket = Socket::open(&page).await?;
    let shown = socket.until("scanned").await?;
    ensure!(shown["check"] == check, "{shown} has another number than {check}");
    device.decide(&scan, "approve", check.as_str()).await?.is(204)?;
    socket.until("approved").await?;
    page.sign_in().await?;
    socket.until("redeemed").await?;

    site.a.start_again().await?;
    moved(&page, &site.a)?.whoami().await?.is(200)?;
    ensure!(site.sessions().await? == 1, "not one session");
    Ok(())
}

#[tokio::test]
async fn a_page_moves_when_its_node_is_killed_and_its_login_goes_on() -> Result<()> {
    let mut site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    let device = site.device_at_b()?;
    device.approve(&page).await?;
    socket.until("approved").await?;
    site.a.kill().await?;
    ensure!(socket.end().await? == 1006, "a killed node says no goodbye");

    let mut page = moved(&page, &site.b)?;
    Socket::open(&page).await?.until("approved").await?;
    page.sign_in().await?;
    ensure!(site.sessions().await? == 1, "not one session");
    Ok(())
}

#[tokio::test]
async fn every_node_can_be_replaced_in_turn() -> Result<()> {
    let mut site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    site.a.leave()?;
    site.a.left().await?;
    site.a.start_again().await?;
    let device = Device { http: site.a.http()?, ..site.device.clone() };
    let scan = device.take(&moved(&page, &site.b)?).await?;
    site.b.leave()?;
    site.b.left().await?;
    site.b.start_again().await?;
    // Both nodes are others now than the one that the page began at.
    let mut page = moved(&page, &site.b)?;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    page.sign_in().await?;
    page.whoami().await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn a_node_that_leaves_says_so_before_it_sends_anybody_away() -> Result<()> {
    // Longer than the test: it ends by a kill.
    let mut site = Site::with(&[("COUNTERSIGN_LIMITS_LEAVE_S", "600")]).await?;
    ensure!(site.a.is_ready().await? && site.b.is_ready().await?, "both are ready");
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    socket.until("waiting").await?;
    site.a.leave()?;
    patience::until_is("the node's readiness", false, async || site.a.is_ready().await).await?;
    let refused = site.a.http()?.get("/health/ready").await?.refuses(503, "store_unavailable")?;
    ensure!(!refused.header("retry-after").is_empty(), "{refused} names no time to come back");
    site.a.http()?.get("/health/live").await?.is(200)?;
    ensure!(site.b.is_ready().await?, "the other one stays ready");

    // Calls that were on their way are served, and who waits there still hears.
    let scan = site.device.take(&page).await?;
    let shown = socket.until("scanned").await?;
    let check = shown["check"].as_str().context("no number")?;
    site.device_at_b()?.decide(&scan, "approve", Some(check)).await?.is(204)?;
    socket.until("approved").await?;
    site.a.kill().await
}
