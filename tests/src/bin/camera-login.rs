//! The story of `login_by_camera`, told inside a machine with a camera: server, browser and app all run in there.

#![expect(clippy::print_stdout, reason = "it tells what it does, for the log outside")]

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use e2e::app::App;
use e2e::browser::{Browser, Look};
use e2e::camera::{Fault, stage as happens};
use e2e::desktop::Desktop;
use e2e::gate::Site;
use e2e::patience;
use e2e::server::{Server, Settings};
use e2e::stage::{Stage, play_in};

/// A page of somebody else's that holds the camera while it is open.
const CALL: &str = "<!doctype html><title>call</title><script>\
    navigator.mediaDevices.getUserMedia({ video: true }).then(\
    (stream) => { window.stream = stream; document.title = 'on'; },\
    (error) => { document.title = String(error); });</script>";

#[derive(Parser)]
struct Options {
    /// The file that the camera is held up to.
    #[arg(long)]
    picture: PathBuf,
    /// Where logs and pictures stay when something fails.
    #[arg(long)]
    kept: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    play_in(options.kept.clone(), "login_by_camera", async |stage| sign_in(stage, &options).await).await
}

async fn sign_in(stage: &Stage, options: &Options) -> Result<()> {
    happens(Fault::Cover)?;
    // The machine is slow: what counts in minutes elsewhere may take an hour here.
    let settings = [
        ("COUNTERSIGN_LIVES_WAITING_S", "3600"),
        ("COUNTERSIGN_LIVES_FRAME_S", "3600"),
        ("COUNTERSIGN_LIVES_SCANNED_S", "1800"),
        ("COUNTERSIGN_LIVES_APPROVED_S", "1800"),
        ("COUNTERSIGN_ENROLMENT_LINK_S", "3600"),
    ];
    let settings = settings.iter().fold(Settings::default(), |all, (name, value)| all.with(name, value));
    let server = Server::with_settings(stage, "server", settings).await?;
    let link = server.add_account("ada")?;
    let look = Look { camera: true, calm: true, ..Look::default() };
    let browser = Browser::with_look(stage, "browser", &look).await?;
    // Small enough that its code fills much of the camera's picture.
    browser.resize(560, 620).await?;
    let page = browser.open(&server.login_url()).await?;
    let code = page.picture_of_code(&stage.folder("picture")?).await?;
    std::fs::copy(code, &options.picture)?;
    println!("the page shows a code");

    let desktop = Desktop::start(stage, "ada").await?;
    desktop.calm().await?;
    let app = App::with_arguments(stage, &desktop, &[&link]).await?;
    app.agree_to_enrol().await?;
    camera_is(&app, "live").await?;
    println!("the camera is live");
    let (drawn, sent) = pictures(&app).await?;
    println!("the window drew {drawn} of {sent} pictures");

    happens(Fault::Unplug)?;
    camera_says(&app, "camera_unplugged").await?;
    happens(Fault::Plug)?;
    camera_is(&app, "live").await?;
    println!("unplugged: told and recovered from");

    happens(Fault::Freeze)?;
    camera_says(&app, "camera_frozen").await?;
    happens(Fault::Thaw)?;
    camera_is(&app, "live").await?;
    println!("frozen: told and recovered from");

    app.click("stop-camera").await?;
    camera_is(&app, "off").await?;
    let call = Site::with_page(CALL).await?;
    let login_tab = browser.tab().await?;
    let call_tab = browser.open_tab(call.url()).await?;
    patience::until_is("the call", "on".to_owned(), async || {
        browser.driver().read("return document.title").await
    })
    .await?;
    app.click("start-camera").await?;
    camera_says(&app, "camera_busy").await?;
    browser.show(&call_tab).await?;
    browser.driver().read::<()>("window.stream.getTracks().forEach((track) => track.stop())").await?;
    browser.show(&login_tab).await?;
    camera_is(&app, "live").await?;
    println!("busy: told and recovered from");

    happens(Fault::Uncover)?;
    app.until("authorize").await?;
    println!("the camera read the code");
    app.approve(&page.number().await?).await?;
    let who = page.signed_in_as().await?;
    ensure!(who.to_lowercase().contains("ada"), "signed in as {who:?}");
    ensure!(app.outcome().await? == "signed_in", "the app saw another end");
    println!("signed in by camera");
    Ok(())
}

/// How many pictures the window drew while the camera sent how many.
async fn pictures(app: &App) -> Result<(u64, u64)> {
    let counts = async || {
        let script = "const data = document.querySelector('[data-testid=preview]')?.dataset; \
                      return [Number(data?.drawn ?? 0), Number(data?.newest ?? 0)]";
        app.driver().read::<(u64, u64)>(script).await
    };
    let (drawn, sent) = patience::until("the first pictures", async || {
        let (drawn, sent) = counts().await?;
        Ok((drawn > 0).then_some((drawn, sent)))
    })
    .await?;
    patience::until("more pictures", async || {
        let (drawn_then, sent_then) = counts().await?;
        Ok((drawn_then >= drawn + 20).then(|| (drawn_then - drawn, sent_then - sent)))
    })
    .await
}

/// Waits until the camera is so; presses "Try again" where the app waits for that. While it looks again by itself, a
/// press would begin anew what takes seconds in here.
async fn camera_is(app: &App, wanted: &str) -> Result<()> {
    patience::until(&format!("the camera to be {wanted}"), async || {
        let script = "return document.querySelector('[data-testid=camera]')?.dataset.camera ?? ''";
        let is: String = app.driver().read(script).await?;
        let script =
            "return document.querySelector('[data-testid=camera-error]')?.dataset.watching === 'false'";
        if is != wanted && app.driver().read(script).await? {
            app.click("retry-camera").await?;
        }
        ensure!(is == wanted, "it is {is}");
        Ok(Some(()))
    })
    .await
}

/// Waits until the camera's trouble is told by this code.
async fn camera_says(app: &App, code: &str) -> Result<()> {
    patience::until_is("the camera's trouble", code.to_owned(), async || {
        app.attribute("camera-error", "data-code").await
    })
    .await
}
