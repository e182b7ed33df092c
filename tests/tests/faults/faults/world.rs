//! A server, a person's device, and what has to be true after a fault.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::server::Server;
use crate::client::{Answer, Device, Page};

/// What a fault happens to.
pub(crate) struct World {
    pub(crate) server: Server,
    /// The device of the only account.
    pub(crate) device: Device,
}

impl World {
    /// One account with one device.
    pub(crate) async fn new() -> Result<Self> {
        let server = Server::start().await?;
        let link = server.link("add", "ada").await?;
        let device = Device::enrol(&server.http()?, &link).await?;
        Ok(Self { server, device })
    }

    /// A page that waits, in a browser of its own.
    pub(crate) async fn page(&self) -> Result<Page> {
        Page::start(&self.server.http()?).await
    }

    /// A page that the device has approved.
    pub(crate) async fn approved(&self) -> Result<Page> {
        let page = self.page().await?;
        self.device.approve(&page).await?;
        Ok(page)
    }

    /// A page that is signed in.
    pub(crate) async fn signed_in(&self) -> Result<Page> {
        let mut page = self.approved().await?;
        page.sign_in().await?;
        Ok(page)
    }

    /// The call had no answer since the server died at the place; it is started again on the same data, and everybody
    /// reaches it.
    pub(crate) async fn dies_and_comes_back(
        &mut self,
        called: Result<Answer>,
        pages: &mut [&mut Page],
    ) -> Result<()> {
        if let Ok(answer) = called {
            anyhow::bail!("the server lived past the place: {answer}");
        }
        self.server.died().await?;
        self.comes_back(pages).await
    }

    /// It is started again on the same data, and everybody reaches it.
    pub(crate) async fn comes_back(&mut self, pages: &mut [&mut Page]) -> Result<()> {
        self.server.start_again().await?;
        self.device.http = self.server.http()?;
        for page in pages {
            page.http = self.server.http()?;
        }
        Ok(())
    }

    /// How many sessions the account has.
    pub(crate) async fn sessions(&self) -> Result<usize> {
        let body = self.device.get("/api/sessions").await?.is(200)?.json()?;
        Ok(body["sessions"].as_array().context("no sessions")?.len())
    }

    /// How many entries of this kind its activity has.
    pub(crate) async fn entries(&self, kind: &str) -> Result<usize> {
        let entries = self.activity().await?;
        Ok(entries.iter().filter(|entry| entry["kind"] == kind).count())
    }

    async fn activity(&self) -> Result<Vec<Value>> {
        let body = self.device.get("/api/activity?after=0").await?.is(200)?.json()?;
        Ok(body["entries"].as_array().context("no entries")?.clone())
    }

    /// A page that lost its request learns it, and its browser signs in anew: once, whatever was left behind.
    pub(crate) async fn starts_anew(&self, page: &Page) -> Result<()> {
        page.poll().await?.refuses(404, "not_found")?;
        page.redeem().await?.refuses(404, "not_found")?;
        let before = self.entries("signed_in").await?;
        let none = serde_json::json!({});
        let mut page = Page::start_with(&page.http, &page.key, &page.jar, &none, &[]).await?;
        self.device.approve(&page).await?;
        page.sign_in().await?;
        page.whoami().await?.is(200)?;
        ensure!(self.entries("signed_in").await? == before + 1, "not one sign-in more");
        self.server.log_verifies().await
    }

    /// Somebody else can sign in, and the log is whole.
    pub(crate) async fn works(&self) -> Result<()> {
        let before = self.sessions().await?;
        self.signed_in().await?.whoami().await?.is(200)?;
        ensure!(self.sessions().await? == before + 1, "not one session more");
        self.server.log_verifies().await
    }
}
