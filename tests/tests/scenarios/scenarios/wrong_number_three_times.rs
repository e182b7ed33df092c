use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::Scene;

/// Two wrong numbers are told with the tries left; the third ends the login on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_number_three_times() -> Result<()> {
    play("wrong_number_three_times", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        let wrong = if page.number().await? == "55" { "56" } else { "55" };
        for _ in 0..2 {
            scene.app.approve(wrong).await?;
            // The fields are wiped with each refusal, so an empty one says that the answer has come.
            patience::until("the wrong number to be told", async || {
                let empty: bool = scene
                    .app
                    .driver()
                    .read("return document.querySelector('[data-testid=check-digit-1]')?.value === ''")
                    .await?;
                Ok((empty && scene.app.has("error").await?).then_some(()))
            })
            .await?;
            ensure!(
                scene.app.error_code().await? == "wrong_check",
                "the app says {}",
                scene.app.error_code().await?
            );
            ensure!(page.state().await? == "scanned", "the page is {}", page.state().await?);
        }
        scene.app.approve(wrong).await?;
        page.until("denied").await?;
        ensure!(page.reason().await? == "check", "the page says {}", page.reason().await?);
        ensure!(scene.app.outcome().await? == "ended", "the app says {}", scene.app.outcome().await?);
        ensure!(
            scene.app.attribute("outcome", "data-reason").await? == "wrong_numbers",
            "the app gives another reason"
        );
        ensure!(scene.app.signed_in_browsers().await? == 0, "somebody is signed in");
        Ok(())
    })
    .await
}
