use anyhow::Result;
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

/// "Type a code instead" on the page, eight letters in the app, the number all the same.
#[tokio::test(flavor = "multi_thread")]
async fn login_by_typed_code() -> Result<()> {
    play("login_by_typed_code", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        let code = page.code_to_type().await?;
        scene.app.click("type-code").await?;
        scene.app.until("type_code").await?;
        // As people type: lower case, no dash.
        scene.app.fill("code-input", &code.to_lowercase().replace('-', "")).await?;
        scene.app.click("submit-code").await?;
        scene.app.approve(&page.number().await?).await?;
        is_signed_in(&page, "ada").await
    })
    .await
}
