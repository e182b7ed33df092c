use anyhow::{Context, Result, ensure};
use data_encoding::{BASE32_NOPAD, BASE64};
use e2e::app::App;
use e2e::browser::{Browser, Look};
use e2e::desktop::Desktop;
use e2e::page::LoginPage;
use e2e::patience;
use e2e::server::{Server, Settings};
use e2e::stage::play;

use super::scene::is_signed_in;

/// HTTPS with the server's own certificate, trusted by the app for the pin in the enrolment link. The operator stops the
/// server while a page waits: the page says so, comes back by itself with the server, and a fresh code signs in. Every
/// cookie is locked to this host, and the session outlives the next stop.
#[tokio::test(flavor = "multi_thread")]
async fn https_self_signed_and_stopped() -> Result<()> {
    play("https_self_signed_and_stopped", async |stage| {
        let settings = Settings { self_signed: true, ..Settings::default() };
        let mut server = Server::with_settings(stage, "server", settings).await?;
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.give_link(&link).await?;
        app.until("confirm_contact").await?;
        ensure!(app.has("pinned").await?, "the app does not say that it trusts one key");
        app.agree_to_enrol().await?;

        let look = Look { trusted_key: Some(key_hash(&link)?), ..Look::default() };
        let browser = Browser::with_look(stage, "browser", &look).await?;
        let page = browser.open(&server.login_url()).await?;
        page.until("waiting").await?;
        patience::until_is("the page's connection", "live".to_owned(), async || page.connection().await)
            .await?;
        are_locked(&page, &["countersign-request-"]).await?;

        server.stop().await?;
        page.until("offline").await?;
        server.start_again().await?;
        // A server without a shared store forgets who waits when it stops; the page learns it from the server itself.
        page.until("lost").await?;
        page.click("restart").await?;

        let picture = page.picture_of_code(stage.pictures()).await?;
        app.scan_picture(&picture).await?;
        app.approve(&page.number().await?).await?;
        is_signed_in(&page, "ada").await?;
        let outcome = app.outcome().await?;
        ensure!(outcome == "signed_in", "the app says {outcome}");
        are_locked(&page, &["countersign-sid", "countersign-session"]).await?;

        server.stop().await?;
        server.start_again().await?;
        page.reload().await?;
        is_signed_in(&page, "ada").await?;
        ensure!(app.signed_in_browsers().await? == 1, "the browser is not listed");
        Ok(())
    })
    .await
}

/// The key that the link's pin names, as Chromium wants it.
fn key_hash(link: &str) -> Result<String> {
    let pin = link.rsplit('/').next().context("the link has no pin")?;
    let hash = BASE32_NOPAD.decode(pin.as_bytes()).with_context(|| format!("{pin} is no pin"))?;
    ensure!(hash.len() == 32, "{pin} is no SHA-256");
    Ok(BASE64.encode(&hash))
}

/// The browser has cookies of these kinds, and all that it has can only be set and read by this very host over HTTPS.
async fn are_locked(page: &LoginPage, kinds: &[&str]) -> Result<()> {
    let cookies = page.driver().window().get_all_cookies().await?;
    let names: Vec<&str> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    for kind in kinds {
        let wanted = format!("__Host-{kind}");
        ensure!(
            names.iter().any(|name| name.starts_with(&wanted)),
            "there is no {wanted}; there are {names:?}"
        );
    }
    for cookie in &cookies {
        ensure!(
            cookie.name.starts_with("__Host-")
                && cookie.secure == Some(true)
                && cookie.path.as_deref() == Some("/"),
            "{cookie:?} is not locked to its host"
        );
    }
    let seen = page.driver().read::<String>("return document.cookie").await?;
    ensure!(seen.is_empty(), "a script sees {seen}");
    Ok(())
}
