//! The server key of a site is changed, one node after the other, while people sign in.

use anyhow::{Context, Result, ensure};

use super::site::{KEY, Site, moved};
use crate::client::{Device, Page, Scan, Socket};

const NEXT: &str = "0c1d2e3f40516273849505a6b7c8d9eafb0c1d2e3f40516273849505a6b7c8d9";

/// What a site takes on, step by step.
fn steps() -> [String; 3] {
    [format!("{KEY},{NEXT}"), format!("{NEXT},{KEY}"), NEXT.to_owned()]
}

/// A page that waits and a page that was scanned.
struct UnderWay {
    waits: Page,
    scanned: Page,
    scan: Scan,
}

impl UnderWay {
    async fn begin(site: &Site) -> Result<Self> {
        let (waits, scanned) = (Page::start(&site.a.http()?).await?, Page::start(&site.b.http()?).await?);
        let scan = site.device_at_b()?.take(&scanned).await?;
        Ok(Self { waits, scanned, scan })
    }

    /// Finishes both logins, each call at the node where it did not begin, and repeats the last.
    async fn finish(self, site: &Site) -> Result<()> {
        let at_a = Device { http: site.a.http()?, ..site.device.clone() };
        let mut scanned = moved(&self.scanned, &site.a)?;
        let number = scanned.check().await?;
        at_a.decide(&self.scan, "approve", Some(&number)).await?.is(204)?;
        let first = scanned.sign_in().await?.cookie("-session")?;
        let again = moved(&scanned, &site.b)?.redeem().await?.is(201)?.cookie("-session")?;
        ensure!(first.value == again.value, "a repeat gave another cookie");

        let mut waits = moved(&self.waits, &site.b)?;
        at_a.approve(&waits).await?;
        waits.sign_in().await?;
        moved(&waits, &site.a)?.whoami().await?.is(200)?;
        Ok(())
    }
}

#[tokio::test]
async fn nodes_started_again_in_turn_take_on_another_key_and_no_login_is_lost() -> Result<()> {
    let mut site = Site::new().await?;
    for keys in steps() {
        let under_way = UnderWay::begin(&site).await?;
        site.a.set("COUNTERSIGN_SERVER_KEY", &keys);
        site.a.restart().await?;
        // Between the two the nodes differ.
        under_way.finish(&site).await?;
        let under_way = UnderWay::begin(&site).await?;
        site.b.set("COUNTERSIGN_SERVER_KEY", &keys);
        site.b.restart().await?;
        under_way.finish(&site).await?;
    }
    site.signed_in().await?.whoami().await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn nodes_that_run_on_take_on_another_key_when_they_are_told() -> Result<()> {
    let mut site = Site::new().await?;
    site.a.keep_key(&format!("{KEY}\n"))?;
    site.a.restart().await?;
    site.b.keep_key(&format!("{KEY}\n"))?;
    site.b.restart().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    for step in ["add", "use", "drop"] {
        let under_way = UnderWay::begin(&site).await?;
        site.a.operate(&["key", step]).await?;
        let lines = site.a.kept_key()?;
        let said = site.a.reload().await?;
        ensure!(said.contains("Read the server key again"), "{step}: {said}");
        site.b.keep_key(&lines)?;
        let said = site.b.reload().await?;
        ensure!(said.contains("Read the server key again"), "{step}: {said}");
        under_way.finish(&site).await?;
    }
    // The page that waited all the time has not lost its socket.
    site.device_at_b()?.take(&page).await?;
    let shown = socket.until("scanned").await?;
    shown["check"].as_str().context("no number")?;
    Ok(())
}

#[tokio::test]
async fn a_key_that_another_node_does_not_accept_is_not_used() -> Result<()> {
    let mut site = Site::new().await?;
    site.a.keep_key(&format!("{KEY}\n"))?;
    site.a.restart().await?;
    let page = Page::start(&site.a.http()?).await?;
    for hasty in [format!("{NEXT}\n{KEY}\n"), format!("{NEXT}\n")] {
        site.a.keep_key(&hasty)?;
        let said = site.a.reload().await?;
        ensure!(said.contains("the one in use stays") && said.contains("key add"), "{said}");
    }
    // A node that was started with it is refused as well.
    let other = site.another(&[("COUNTERSIGN_SERVER_KEY", &format!("{NEXT},{KEY}"))])?;
    let (code, said) = other.start_fails().await?;
    ensure!(code == Some(1) && said.contains("key add"), "{code:?} {said}");
    // Nothing has changed for who signs in.
    let mut page = moved(&page, &site.b)?;
    site.device_at_b()?.approve(&page).await?;
    page.sign_in().await?;
    Ok(())
}
