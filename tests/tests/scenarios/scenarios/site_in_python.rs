use anyhow::{Result, ensure};
use e2e::stage::play;

use super::scene::Scene;
use super::sites::Site;

/// A site with Python's Authlib signs its visitor in.
#[tokio::test(flavor = "multi_thread")]
async fn site_in_python() -> Result<()> {
    play("site_in_python", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Site::start(stage, &scene.server, "python", "Board").await?;
        let page = scene.browser.open(&site.url("/")).await?;
        scene.approve_site(stage, &page, "Board").await?;
        ensure!(page.driver().text("#user").await? == "ada", "the site does not know who came");
        Ok(())
    })
    .await
}
