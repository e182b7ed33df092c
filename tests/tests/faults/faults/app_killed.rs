//! The app is killed while it asks, sends or waits. Started again, it shows what is true: what the server did not hear
//! of did not happen, and what it did is in the activity.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::app::App;
use super::line::{Line, Stays};
use super::server::Server;
use crate::client::{Http, Page};

const DECIDING: &str = "POST /api/decisions";

/// An app, a server and the line between them.
struct Desk {
    app: App,
    line: Line,
    server: Server,
    /// The page's way to the server, beside the line.
    http: Http,
    folder: TempDir,
}

impl Desk {
    async fn new() -> Result<Self> {
        let line = Line::open().await?;
        let server = Server::start_for(&format!("http://{}", line.address())).await?;
        line.lead_to(server.address()?);
        let folder = TempDir::with_prefix("countersign-faults-app-")?;
        let app = App::start(folder.path()).await?;
        let http = server.http()?;
        Ok(Self { app, line, server, http, folder })
    }

    async fn enrolled() -> Result<Self> {
        let mut desk = Self::new().await?;
        let link = desk.server.link("add", "ada").await?;
        desk.app.enrol(&link).await?;
        Ok(desk)
    }

    async fn page(&self) -> Result<(Page, String)> {
        let page = Page::start(&self.http).await?;
        let link = page.state().await?["frame"]["url"].as_str().context("no frame")?.to_owned();
        Ok((page, link))
    }

    /// Kills it and starts it again on what it left behind.
    async fn kill_app(&mut self) -> Result<()> {
        self.app.kill().await?;
        self.app = App::start(self.folder.path()).await?;
        Ok(())
    }
}

#[tokio::test]
async fn at_the_prompt_nothing_is_decided_and_the_same_code_asks_again() -> Result<()> {
    let mut desk = Desk::enrolled().await?;
    let (mut page, link) = desk.page().await?;
    desk.app.scan(&link).await?;
    desk.kill_app().await?;
    desk.app.screen("scan").await?;
    ensure!(page.stage().await? == "scanned", "{}", page.stage().await?);
    signs_in(&mut desk, &mut page, &link).await
}

#[tokio::test]
async fn with_a_statement_that_never_arrived_nothing_is_decided() -> Result<()> {
    let mut desk = Desk::enrolled().await?;
    let (mut page, link) = desk.page().await?;
    let prompt = desk.app.scan(&link).await?;
    desk.line.hold(DECIDING, Stays::Request);
    desk.app.approve(&prompt, &page.check().await?).await?;
    desk.line.held().await;
    desk.kill_app().await?;
    ensure!(page.stage().await? == "scanned", "{}", page.stage().await?);
    ensure!(desk.app.activity("sign_in_approved").await? == 0, "it tells of an approval");
    signs_in(&mut desk, &mut page, &link).await
}

#[tokio::test]
async fn with_a_statement_sent_and_unanswered_the_activity_tells_what_happened() -> Result<()> {
    let mut desk = Desk::enrolled().await?;
    let (mut page, link) = desk.page().await?;
    let prompt = desk.app.scan(&link).await?;
    desk.line.hold(DECIDING, Stays::Reply);
    desk.app.approve(&prompt, &page.check().await?).await?;
    desk.line.held().await;
    desk.kill_app().await?;
    ensure!(page.stage().await? == "approved", "{}", page.stage().await?);
    ensure!(desk.app.activity("sign_in_approved").await? == 1, "it does not tell of the approval");
    // The same code has been used up, and the app says so instead of asking once more.
    desk.app.go("scan").await?;
    desk.app.act(json!({"command": "scan_text", "text": link})).await?;
    desk.app
        .until("to refuse the code", |state| state["screen"]["problem"]["error"]["code"] == "code_ended")
        .await?;
    page.sign_in().await?;
    is_signed_in_once(&mut desk, &page).await
}

#[tokio::test]
async fn while_it_waits_for_the_page_the_page_signs_in_all_the_same() -> Result<()> {
    let mut desk = Desk::enrolled().await?;
    let (mut page, link) = desk.page().await?;
    let prompt = desk.app.scan(&link).await?;
    desk.app.approve(&prompt, &page.check().await?).await?;
    desk.app.screen("waiting_for_page").await?;
    desk.kill_app().await?;
    page.sign_in().await?;
    is_signed_in_once(&mut desk, &page).await
}

#[tokio::test]
async fn while_a_session_is_ended_the_list_tells_that_it_is_over() -> Result<()> {
    let mut desk = Desk::enrolled().await?;
    let (mut page, link) = desk.page().await?;
    signs_in(&mut desk, &mut page, &link).await?;
    let sessions = desk.app.listed("sessions", "sessions").await?;
    let account = desk.app.until("to show an account", |_| true).await?["accounts"][0]["id"].clone();
    desk.line.hold("DELETE /api/sessions", Stays::Reply);
    let end = json!({"command": "end_session", "account": account, "session": sessions[0]["id"]});
    desk.app.act(end).await?;
    desk.line.held().await;
    desk.kill_app().await?;
    ensure!(desk.app.listed("sessions", "sessions").await?.is_empty(), "it shows a session that is over");
    page.whoami().await?.is(401)?;
    desk.server.log_verifies().await
}

#[tokio::test]
async fn while_it_enrols_the_same_link_gives_the_same_device() -> Result<()> {
    let mut desk = Desk::new().await?;
    let link = desk.server.link("add", "ada").await?;
    desk.line.hold("POST /api/devices", Stays::Reply);
    desk.app.add_account(&link).await?;
    desk.line.held().await;
    desk.kill_app().await?;
    // Nothing was kept without a word of the person; the key that was sent is used again.
    desk.app.screen("first_start").await?;
    desk.app.enrol(&link).await?;
    ensure!(desk.app.listed("devices", "devices").await?.len() == 1, "a device of nobody was left behind");
    let (mut page, link) = desk.page().await?;
    signs_in(&mut desk, &mut page, &link).await
}

/// The code is scanned (again), approved, and its page signs in, once.
async fn signs_in(desk: &mut Desk, page: &mut Page, link: &str) -> Result<()> {
    desk.app.go("scan").await?;
    let prompt = desk.app.scan(link).await?;
    desk.app.approve(&prompt, &page.check().await?).await?;
    desk.app.screen("waiting_for_page").await?;
    page.sign_in().await?;
    is_signed_in_once(desk, page).await
}

async fn is_signed_in_once(desk: &mut Desk, page: &Page) -> Result<()> {
    page.whoami().await?.is(200)?;
    ensure!(desk.app.activity("sign_in_approved").await? == 1, "not one approval");
    ensure!(desk.app.listed("sessions", "sessions").await?.len() == 1, "not one session");
    desk.server.log_verifies().await
}
