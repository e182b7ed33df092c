//! `cargo xtask run --headless`: one complete login on a machine without a display, with a picture of each step.

#![expect(clippy::print_stdout, reason = "it tells what it does")]

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::driver::Driver;
use e2e::server::Server;
use e2e::stage::{Stage, play};

#[derive(Parser)]
#[command(about = "One complete login through a real headless browser and the real window")]
struct Options {
    /// Where the pictures of the steps go.
    #[arg(long, value_name = "FOLDER")]
    pictures: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.pictures)
        .with_context(|| format!("cannot make {}", options.pictures.display()))?;
    let mut album = Album { folder: options.pictures, taken: 0 };
    play("headless-login", async |stage| sign_in(stage, &mut album).await).await?;
    println!("    {} pictures are in {}", album.taken, album.folder.display());
    println!("signed in");
    Ok(())
}

async fn sign_in(stage: &Stage, album: &mut Album) -> Result<()> {
    let server = Server::start(stage, "server").await?;
    let link = server.add_account("ada")?;
    println!("    server with the account ada: {}", server.origin());

    let browser = Browser::start(stage, "browser").await?;
    let page = browser.open(&server.login_url()).await?;
    let code = page.picture_of_code(&stage.folder("picture")?).await?;
    album.take("page-waiting", "the login page shows a code", page.driver()).await?;

    let desktop = Desktop::start(stage, "ada").await?;
    let app = App::with_arguments(stage, &desktop, &[&link]).await?;
    app.until("confirm_contact").await?;
    album.take("app-contact", "the app asks before it contacts the server", app.driver()).await?;
    app.click("confirm-contact").await?;
    app.until("confirm_account").await?;
    album.take("app-account", "the app names the account before it keeps it", app.driver()).await?;
    app.click("confirm-account").await?;
    app.until("recovery_codes").await?;
    album.take("app-codes", "the app offers recovery codes", app.driver()).await?;
    app.click("recovery-later").await?;
    app.until("scan").await?;
    album.take("app-scan", "this computer is trusted", app.driver()).await?;

    app.scan_picture(&code).await?;
    app.until("authorize").await?;
    album.take("app-prompt", "the app says who asks", app.driver()).await?;
    let number = page.number().await?;
    album.take("page-number", "the page shows the number", page.driver()).await?;
    app.type_number(&number).await?;
    album.take("app-number", "the number is typed", app.driver()).await?;
    app.click("approve").await?;

    let who = page.signed_in_as().await?;
    album.take("page-signed-in", &format!("the page is signed in as {who}"), page.driver()).await?;
    let outcome = app.outcome().await?;
    ensure!(outcome == "signed_in", "the app says {outcome}");
    album.take("app-outcome", "the app saw the session", app.driver()).await?;
    app.signed_in_browsers().await?;
    album.take("app-sessions", "the browser is listed", app.driver()).await
}

/// Pictures in the order of the steps.
struct Album {
    folder: PathBuf,
    taken: u32,
}

impl Album {
    async fn take(&mut self, name: &str, what: &str, window: &Driver) -> Result<()> {
        self.taken += 1;
        let file = format!("{:02}-{name}.png", self.taken);
        window.settled().await?;
        window.picture(&self.folder.join(&file)).await?;
        println!("    {file}: {what}");
        Ok(())
    }
}
