use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::Scene;

/// The server dies without a word after the scan and comes back: both sides end with a reason, nobody is signed in, and
/// one click leads to a fresh code that works.
#[tokio::test(flavor = "multi_thread")]
async fn server_killed_between_scan_and_approve() -> Result<()> {
    play("server_killed_between_scan_and_approve", async |stage| {
        let mut scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        let number = page.number().await?;
        scene.server.kill()?;
        scene.server.start_again().await?;

        scene.app.approve(&number).await?;
        let outcome = scene.app.outcome().await?;
        ensure!(outcome == "ended", "the app says {outcome}");
        patience::until("the page to give the login up", async || {
            let state = page.state().await?;
            ensure!(matches!(state.as_str(), "lost" | "expired"), "it is {state:?}");
            Ok(Some(()))
        })
        .await?;
        ensure!(scene.app.signed_in_browsers().await? == 0, "somebody is signed in");

        page.click("restart").await?;
        scene.sign_in(stage, &page).await?;
        ensure!(scene.app.signed_in_browsers().await? == 1, "not exactly one browser is signed in");
        Ok(())
    })
    .await
}
