//! One real login as one picture: page, prompt, page.

use std::path::Path;

use anyhow::{Context, Result};
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;
use image::imageops::{FilterType, overlay, resize};
use image::{Rgba, RgbaImage};

use crate::book::Book;

/// Height of the strip and space around its three parts, in pixels.
const HEIGHT: u32 = 720;
const SPACE: u32 = 24;
const GROUND: Rgba<u8> = Rgba([0xE4, 0xE8, 0xEE, 0xFF]);

/// Writes `login.png`.
pub(crate) async fn take(stage: &Stage, book: &mut Book) -> Result<()> {
    let settings = Settings::default().with("COUNTERSIGN_NAME", "Example");
    let server = Server::with_settings(stage, "login-server", settings).await?;
    let link = server.add_named_account("ada", "Ada Lovelace")?;
    let desktop = Desktop::start(stage, "login").await?;
    let app = App::with_arguments(stage, &desktop, &[&link]).await?;
    app.agree_to_enrol().await?;
    let browser = Browser::start(stage, "login-browser").await?;
    browser.resize(520, HEIGHT).await?;
    let page = browser.open(&server.login_url()).await?;

    let folder = stage.folder("login-pictures")?;
    let code = page.picture_of_code(&folder).await?;
    browser.driver().settled().await?;
    let parts = ["1.png", "2.png", "3.png"].map(|name| folder.join(name));
    page.driver().picture(&parts[0]).await?;
    // What the app says about the new account is no part of a login.
    app.click("dismiss-notice").await?;
    app.scan_picture(&code).await?;
    app.type_number(&page.number().await?).await?;
    app.driver().shown("[data-testid=approve]:not(:disabled)").await?;
    app.driver().settled().await?;
    app.driver().picture(&parts[1]).await?;
    app.click("approve").await?;
    page.signed_in_as().await?;
    page.driver().point_nowhere().await?;
    browser.driver().settled().await?;
    page.driver().picture(&parts[2]).await?;
    strip(&parts, &book.path("login.png"))
}

/// Puts pictures of any size side by side at one height.
fn strip(parts: &[impl AsRef<Path>], path: &Path) -> Result<()> {
    let mut pictures = Vec::new();
    for part in parts {
        let picture = image::open(part).context("cannot read a picture of the login")?.to_rgba8();
        let width = picture.width() * HEIGHT / picture.height();
        pictures.push(resize(&picture, width, HEIGHT, FilterType::Lanczos3));
    }
    let width: u32 = pictures.iter().map(|picture| picture.width() + SPACE).sum();
    let mut strip = RgbaImage::from_pixel(width + SPACE, HEIGHT + 2 * SPACE, GROUND);
    let mut left = SPACE;
    for picture in &pictures {
        overlay(&mut strip, picture, i64::from(left), i64::from(SPACE));
        left += picture.width() + SPACE;
    }
    strip.save(path).with_context(|| format!("cannot write {}", path.display()))
}
