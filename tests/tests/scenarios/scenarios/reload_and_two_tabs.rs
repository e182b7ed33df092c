use anyhow::{Result, ensure};
use e2e::page::LoginPage;
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

/// A reload in the middle goes on with the same login and number; a second tab has a code of its own and learns that the
/// browser is signed in, and later that it is signed out.
#[tokio::test(flavor = "multi_thread")]
async fn reload_and_two_tabs() -> Result<()> {
    play("reload_and_two_tabs", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        page.until("waiting").await?;
        let first = scene.browser.tab().await?;
        let second = scene.browser.open_tab(&scene.server.login_url()).await?;
        let other = LoginPage::new(std::sync::Arc::clone(scene.browser.driver()));
        other.until("waiting").await?;

        scene.browser.show(&first).await?;
        page.reload().await?;
        scene.scan(stage, &page).await?;
        let number = page.number().await?;
        page.reload().await?;
        ensure!(page.number().await? == number, "the reload changed the number");
        scene.app.approve(&number).await?;
        is_signed_in(&page, "ada").await?;

        scene.browser.show(&second).await?;
        is_signed_in(&other, "ada").await?;
        other.until("signed-in").await?;
        other.click("sign-out").await?;
        other.until("signed-out").await?;
        scene.browser.show(&first).await?;
        page.until("signed-out").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");
        ensure!(scene.app.signed_in_browsers().await? == 0, "the session lives on");
        Ok(())
    })
    .await
}
