use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::Scene;

/// "This wasn't me" ends the login, says so on the page, and stands in the activity. "Not me" on a signed-in page ends
/// that session.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me() -> Result<()> {
    play("this_was_not_me", async |stage| {
        let scene = Scene::begin(stage).await?;
        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        page.until("scanned").await?;
        scene.app.click("not-me").await?;
        page.until("denied").await?;
        ensure!(page.reason().await? == "reported", "the page says {}", page.reason().await?);
        ensure!(scene.app.outcome().await? == "reported", "the app says {}", scene.app.outcome().await?);

        scene.app.go_to_scan().await?;
        scene.app.click("go-activity").await?;
        patience::until("the report in the activity", async || {
            let kinds: Vec<String> = scene.app.driver().read(
                "return [...document.querySelectorAll('[data-testid=activity-row]')].map((row) => row.dataset.kind)",
            ).await?;
            ensure!(kinds.iter().any(|kind| kind.contains("report")), "it has {kinds:?}");
            Ok(Some(()))
        })
        .await?;

        page.click("restart").await?;
        scene.sign_in(stage, &page).await?;
        page.click("not-me").await?;
        page.until("signed-out").await?;
        ensure!(scene.app.signed_in_browsers().await? == 0, "the session lives on");
        Ok(())
    })
    .await
}
