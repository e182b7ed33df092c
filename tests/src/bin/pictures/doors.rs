//! What people see of the standard front doors: a site's login, a device's code, sign-out, and what went wrong.

use anyhow::Result;
use e2e::app::App;
use e2e::browser::{Browser, Look};
use e2e::desktop::Desktop;
use e2e::server::Server;
use e2e::stage::Stage;

use crate::book::Book;

const GROUP: &str = "page";
const RETURN: &str = "https://wiki.example.com/signed-in";

/// Takes them all.
pub(crate) async fn take(stage: &Stage, book: &mut Book) -> Result<()> {
    let server = Server::start(stage, "doors-server").await?;
    let link = server.add_account("ada")?;
    server.operate(&["clients", "add", "Wiki", "--id", "wiki", "--redirect", RETURN])?;
    let desktop = Desktop::start(stage, "doors").await?;
    let app = App::with_arguments(stage, &desktop, &[&link]).await?;
    app.agree_to_enrol().await?;
    let browser = Browser::start(stage, "doors-browser").await?;
    browser.resize(640, 720).await?;
    shown(book, &browser, &server, "").await?;
    browser.resize(320, 720).await?;
    shown(book, &browser, &server, "-narrow").await?;
    browser.resize(640, 720).await?;

    let page = browser.open(&server.login_url()).await?;
    app.scan_picture(&page.picture_of_code(&stage.folder("doors-picture")?).await?).await?;
    app.approve(&page.number().await?).await?;
    page.until("confirm").await?;
    let page = browser.open(&format!("{}/oauth/end-session", server.origin())).await?;
    page.until("sign-out").await?;
    book.take_both(GROUP, "site-sign-out", &browser).await?;
    page.click("sign-out").await?;
    page.until("signed-out").await?;
    book.take_both(GROUP, "site-signed-out", &browser).await?;

    let look = Look { language: Some("de".to_owned()), ..Look::default() };
    let browser = Browser::with_look(stage, "german-browser", &look).await?;
    browser.resize(640, 720).await?;
    shown(book, &browser, &server, "-german").await
}

/// Pages that nobody has to be signed in for.
async fn shown(book: &mut Book, browser: &Browser, server: &Server, suffix: &str) -> Result<()> {
    let mut take = async |name: &str| book.take_both(GROUP, &format!("{name}{suffix}"), browser).await;
    let page = browser.open(&server.authorize_url("wiki", RETURN)).await?;
    page.until("waiting").await?;
    take("site").await?;
    page.code_to_type().await?;
    page.click("cancel").await?;
    page.until("cancelled").await?;
    take("site-cancelled").await?;
    browser.open(&format!("{}/device?user_code=WDJBMJHT", server.origin())).await?.until("device").await?;
    take("device").await?;
    browser.open(&server.authorize_url("wiki", "https://elsewhere.example/")).await?.until("refused").await?;
    take("refused").await
}
