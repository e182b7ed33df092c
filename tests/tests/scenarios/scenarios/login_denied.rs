use anyhow::{Result, ensure};
use e2e::stage::play;

use super::scene::Scene;

/// Deny ends the login on both sides; one click leads the page to a fresh code, and nobody is signed in.
#[tokio::test(flavor = "multi_thread")]
async fn login_denied() -> Result<()> {
    play("login_denied", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        page.until("scanned").await?;
        scene.app.click("deny").await?;
        page.until("denied").await?;
        ensure!(page.reason().await? == "user", "the page says {}", page.reason().await?);
        ensure!(scene.app.outcome().await? == "denied", "the app says {}", scene.app.outcome().await?);
        ensure!(scene.app.signed_in_browsers().await? == 0, "somebody is signed in");
        page.click("restart").await?;
        page.until("waiting").await
    })
    .await
}
