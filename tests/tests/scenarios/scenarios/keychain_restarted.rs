use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::keychain::Keychain;
use e2e::stage::play;

use super::scene::Scene;

/// The keychain dies under the running app: keys in use go on, what needs the keychain says so and loses nothing. Once
/// the keychain is back, the next try works, be it seen to be away before or not.
#[tokio::test(flavor = "multi_thread")]
async fn keychain_restarted() -> Result<()> {
    play("keychain_restarted", async |stage| {
        let scene = Scene::begin(stage).await?;
        let (app, desktop) = (&scene.app, &scene.desktop);
        desktop.kill_keychain().await?;
        let page = scene.page().await?;
        scene.sign_in(stage, &page).await?;

        app.go_to_scan().await?;
        let link = scene.server.add_account("bob")?;
        app.give_link(&link).await?;
        app.until("confirm_contact").await?;
        app.click("confirm-contact").await?;
        app.until("add_account").await?;
        app.until_error("keychain_none").await?;
        ensure!(app.text("error").await?.contains("No keychain is running"), "there is no plain sentence");
        desktop.start_keychain().await?;
        // The link was not used up.
        app.click("back").await?;
        app.enrol(&link).await?;

        // Away and back while nobody looked: the first try works.
        desktop.kill_keychain().await?;
        desktop.start_keychain().await?;
        app.enrol(&scene.server.add_account("cleo")?).await?;
        app.click("go-accounts").await?;
        app.until("accounts").await?;
        let states: Vec<String> = app
            .driver()
            .read("return [...document.querySelectorAll('[data-testid=account-row]')].map((row) => row.dataset.state)")
            .await?;
        ensure!(states == ["ready"; 3], "the accounts are {states:?}");
        Ok(())
    })
    .await
}

/// An app that found the keychain locked at its start, or none at all, goes on with the first "Try again" after another
/// keychain was started.
#[tokio::test(flavor = "multi_thread")]
async fn keychain_restarted_while_the_app_waits() -> Result<()> {
    play("keychain_restarted_while_the_app_waits", async |stage| {
        let desktop = Desktop::with_keychain(stage, "ada", Keychain::Locked).await?;
        let app = App::start(stage, &desktop).await?;
        app.until("start_trouble").await?;
        app.until_error("keychain_locked").await?;
        desktop.kill_keychain().await?;
        desktop.start_keychain().await?;
        app.click("retry").await?;
        app.until("first_start").await?;
        app.close().await;

        desktop.kill_keychain().await?;
        let app = App::start(stage, &desktop).await?;
        app.until("start_trouble").await?;
        app.until_error("keychain_none").await?;
        desktop.start_keychain().await?;
        app.click("retry").await?;
        app.until("first_start").await
    })
    .await
}
