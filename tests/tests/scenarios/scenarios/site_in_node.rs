use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::Scene;
use super::sites::Site;

/// A site with the npm package openid-client: sign in, ask again by refresh token, and once the app has ended the
/// session, asking again signs the visitor out.
#[tokio::test(flavor = "multi_thread")]
async fn site_in_node() -> Result<()> {
    play("site_in_node", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Site::start(stage, &scene.server, "node", "Notes").await?;

        let page = scene.browser.open(&site.url("/")).await?;
        scene.approve_site(stage, &page, "Notes").await?;
        ensure!(page.driver().text("#user").await? == "ada", "the site does not know who came");

        page.click("again").await?;
        ensure!(page.driver().text("#user").await? == "ada", "the refresh token gave somebody else");
        let page = scene.browser.open(&site.url("/")).await?;
        ensure!(page.driver().text("#user").await? == "ada", "the site forgot who came");

        ensure!(scene.app.signed_in_browsers().await? == 1, "one browser is signed in");
        scene.app.click("end-session").await?;
        patience::until_is("browsers that are signed in", 0, async || scene.app.signed_in_browsers().await)
            .await?;
        page.click("again").await?;
        page.until("waiting").await
    })
    .await
}
