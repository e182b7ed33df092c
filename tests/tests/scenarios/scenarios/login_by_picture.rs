use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

/// The page's picture goes through "From image", the number is read off the page and typed; the browser is signed in,
/// listed, ended from the app, and out at its next call.
#[tokio::test(flavor = "multi_thread")]
async fn login_by_picture() -> Result<()> {
    play("login_by_picture", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        let number = page.number().await?;
        scene.app.approve(&number).await?;
        is_signed_in(&page, "ada").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");

        ensure!(scene.app.signed_in_browsers().await? == 1, "the browser is not listed");
        page.reload().await?;
        is_signed_in(&page, "ada").await?;

        scene.app.click("end-session").await?;
        patience::until("the list to be empty", async || {
            Ok((scene.app.signed_in_browsers().await? == 0).then_some(()))
        })
        .await?;
        page.reload().await?;
        page.until("waiting").await
    })
    .await
}
