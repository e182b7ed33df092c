//! Every state of the login page, each reached as people reach it.

use anyhow::Result;
use e2e::app::App;
use e2e::browser::{Browser, Look};
use e2e::desktop::Desktop;
use e2e::page::LoginPage;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;

use crate::book::Book;

const GROUP: &str = "page";

/// Takes them all.
pub(crate) async fn take(stage: &Stage, book: &mut Book) -> Result<()> {
    let mut server = Server::start(stage, "page-server").await?;
    let link = server.add_account("ada")?;
    let desktop = Desktop::start(stage, "page").await?;
    let app = App::with_arguments(stage, &desktop, &[&link]).await?;
    app.agree_to_enrol().await?;
    let look = Look { names: vec!["login.example.com".to_owned()], ..Look::default() };
    let browser = Browser::with_look(stage, "page-browser", &look).await?;
    browser.resize(640, 720).await?;
    let page = browser.open(&server.login_url()).await?;

    page.until("waiting").await?;
    book.take_both(GROUP, "waiting", &browser).await?;
    browser.resize(320, 640).await?;
    book.take_both(GROUP, "waiting-narrow", &browser).await?;
    browser.resize(640, 720).await?;
    page.code_to_type().await?;
    book.take_both(GROUP, "code", &browser).await?;
    page.click("cancel").await?;
    page.until("cancelled").await?;
    book.take_both(GROUP, "cancelled", &browser).await?;

    scanned(stage, &app, &page).await?;
    book.take_both(GROUP, "scanned", &browser).await?;
    app.click("deny").await?;
    page.until("denied").await?;
    book.take_both(GROUP, "denied", &browser).await?;
    app.outcome().await?;

    scanned(stage, &app, &page).await?;
    app.approve(&page.number().await?).await?;
    page.until("confirm").await?;
    book.take_both(GROUP, "confirm", &browser).await?;
    page.click("continue").await?;
    page.until("signed-in").await?;
    book.take_both(GROUP, "signed-in", &browser).await?;
    page.click("sign-out").await?;
    page.until("signed-out").await?;
    book.take_both(GROUP, "signed-out", &browser).await?;
    app.outcome().await?;

    scanned(stage, &app, &page).await?;
    server.kill()?;
    server.start_again().await?;
    page.until("lost").await?;
    book.take_both(GROUP, "lost", &browser).await?;
    page.click("restart").await?;
    page.until("waiting").await?;
    server.kill()?;
    page.until("offline").await?;
    book.take_both(GROUP, "offline", &browser).await?;
    server.start_again().await?;

    let plain =
        format!("http://login.example.com:{}", server.listen().rsplit(':').next().unwrap_or_default());
    browser.open(&plain).await?.until("needs-https").await?;
    book.take_both(GROUP, "needs-https", &browser).await?;
    browser.open(&server.origin().replace("127.0.0.1", "localhost")).await?.until("error").await?;
    book.take_both(GROUP, "error", &browser).await?;
    for (path, name) in [("/Q/CODE", "link"), ("/E/CODE", "enrol"), ("/nowhere", "not-found")] {
        browser.open(&format!("{}{path}", server.origin())).await?;
        book.take_both(GROUP, name, &browser).await?;
    }
    expired(stage, book, &browser).await
}

async fn scanned(stage: &Stage, app: &App, page: &LoginPage) -> Result<()> {
    if page.state().await? != "waiting" {
        page.click("restart").await?;
    }
    let picture = page.picture_of_code(&stage.folder("page-picture")?).await?;
    app.scan_picture(&picture).await?;
    page.number().await?;
    Ok(())
}

/// A server of its own, where waiting is short.
async fn expired(stage: &Stage, book: &mut Book, browser: &Browser) -> Result<()> {
    let settings = Settings::default().with("COUNTERSIGN_LIVES_WAITING_S", "5");
    let server = Server::with_settings(stage, "impatient-server", settings).await?;
    browser.open(&server.login_url()).await?.until("expired").await?;
    book.take_both(GROUP, "expired", browser).await
}
