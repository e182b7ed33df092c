//! Where most stories begin: a server with Ada's account, her computer with the app enrolled, and a browser elsewhere.

use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::page::LoginPage;
use e2e::patience;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;
use thirtyfour::By;

/// The beginning.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) desktop: Desktop,
    pub(crate) app: App,
    pub(crate) browser: Browser,
}

impl Scene {
    pub(crate) async fn begin(stage: &Stage) -> Result<Self> {
        Self::with_settings(stage, Settings::default()).await
    }

    pub(crate) async fn with_settings(stage: &Stage, settings: Settings) -> Result<Self> {
        let server = Server::with_settings(stage, "server", settings).await?;
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.enrol(&link).await?;
        let browser = Browser::start(stage, "browser").await?;
        Ok(Self { server, desktop, app, browser })
    }

    /// The login page in the browser.
    pub(crate) async fn page(&self) -> Result<LoginPage> {
        self.browser.open(&self.server.login_url()).await
    }

    /// The page's code goes to the app as a picture, as if it had been sent there; the app shows the prompt.
    pub(crate) async fn scan(&self, stage: &Stage, page: &LoginPage) -> Result<()> {
        let picture = page.picture_of_code(stage.pictures()).await?;
        self.app.scan_picture(&picture).await?;
        self.app.until("authorize").await
    }

    /// A whole login from the shown page on.
    pub(crate) async fn sign_in(&self, stage: &Stage, page: &LoginPage) -> Result<()> {
        self.scan(stage, page).await?;
        self.app.approve(&page.number().await?).await?;
        is_signed_in(page, "ada").await?;
        let outcome = self.app.outcome().await?;
        ensure!(outcome == "signed_in", "the app says {outcome}");
        Ok(())
    }

    /// From the login page that a site sent the browser to, back to the site: page and app say which site asks.
    pub(crate) async fn approve_site(&self, stage: &Stage, page: &LoginPage, site: &str) -> Result<()> {
        page.until("waiting").await?;
        page.driver().says(site).await?;
        self.scan(stage, page).await?;
        let prompt = self.app.driver().all_text().await?;
        ensure!(prompt.contains(site), "the app does not say which site asks: {prompt}");
        self.app.approve(&page.number().await?).await?;
        // The page goes on by itself after some seconds; whoever is faster, it leads back to the site.
        patience::until("the login page to lead back to the site", async || {
            if page.driver().window().current_url().await?.path() != "/login" {
                return Ok(Some(()));
            }
            ensure!(page.state().await? == "confirm", "it is {:?}", page.state().await?);
            page.driver().window().find(By::Id("continue")).await?.click().await?;
            Ok(None)
        })
        .await?;
        let outcome = self.app.outcome().await?;
        ensure!(outcome == "signed_in", "the app says {outcome}");
        Ok(())
    }
}

/// The page says who is signed in.
pub(crate) async fn is_signed_in(page: &LoginPage, username: &str) -> Result<()> {
    let who = page.signed_in_as().await?;
    ensure!(who.to_lowercase().contains(username), "signed in as {who:?}");
    Ok(())
}
