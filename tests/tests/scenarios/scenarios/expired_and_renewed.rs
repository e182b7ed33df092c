use anyhow::{Result, ensure};
use e2e::patience;
use e2e::server::Settings;
use e2e::stage::play;

use super::scene::Scene;

/// The picture is renewed while the page waits; when the page has waited too long it says so, and one click leads to a
/// fresh code that works.
#[tokio::test(flavor = "multi_thread")]
async fn expired_and_renewed() -> Result<()> {
    play("expired_and_renewed", async |stage| {
        let lives = Settings::default()
            .with("COUNTERSIGN_LIVES_WAITING_S", "25")
            .with("COUNTERSIGN_LIVES_FRAME_STEP_S", "5");
        let scene = Scene::with_settings(stage, lives).await?;
        let page = scene.page().await?;
        page.until("waiting").await?;
        let first = picture(&page).await?;
        patience::until("another picture", async || Ok((picture(&page).await? != first).then_some(())))
            .await?;

        page.until("expired").await?;
        ensure!(page.reason().await? == "waiting", "the page says {}", page.reason().await?);
        page.click("restart").await?;
        scene.sign_in(stage, &page).await
    })
    .await
}

async fn picture(page: &e2e::page::LoginPage) -> Result<String> {
    page.driver().read("return document.getElementById('qr')?.src ?? ''").await
}
