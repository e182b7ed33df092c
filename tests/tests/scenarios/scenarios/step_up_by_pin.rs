use anyhow::{Result, ensure};
use e2e::browser::Browser;
use e2e::server::Settings;
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

const PIN: &str = "471108";

/// A site asks for a PIN before an approval: the app has the person set one, takes no other one, and the page is signed
/// in. The next approval takes the same PIN.
#[tokio::test(flavor = "multi_thread")]
async fn step_up_by_pin() -> Result<()> {
    play("step_up_by_pin", async |stage| {
        let settings = Settings::default().with("COUNTERSIGN_POLICY_USER_VERIFICATION", "required");
        let scene = Scene::with_settings(stage, settings).await?;
        let app = &scene.app;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        app.approve(&page.number().await?).await?;
        app.fill("pin", PIN).await?;
        app.fill("pin-again", PIN).await?;
        app.click("pin-yes").await?;
        is_signed_in(&page, "ada").await?;
        ensure!(app.outcome().await? == "signed_in", "the app says {}", app.outcome().await?);

        let browser = Browser::start(stage, "second").await?;
        let again = browser.open(&scene.server.login_url()).await?;
        scene.scan(stage, &again).await?;
        app.approve(&again.number().await?).await?;
        app.fill("pin", "471109").await?;
        app.click("pin-yes").await?;
        let problem = app.attribute("pin-problem", "data-code").await?;
        ensure!(problem == "pin_wrong", "the app says {problem}");
        app.fill("pin", PIN).await?;
        app.click("pin-yes").await?;
        is_signed_in(&again, "ada").await?;
        ensure!(app.outcome().await? == "signed_in", "the app says {}", app.outcome().await?);
        Ok(())
    })
    .await
}
