use anyhow::{Result, ensure};
use e2e::patience;
use e2e::stage::play;

use super::scene::Scene;
use super::sites::Site;

/// A site that nobody here wrote, Debian's Apache with `mod_auth_openidc`: the visitor is sent to the login page, the app
/// says which site asks, and after the approval Apache knows the name. Once Apache has forgotten who came, the session
/// and the consent of before are enough. Signing out of the site signs out here, too.
#[tokio::test(flavor = "multi_thread")]
async fn site_behind_apache() -> Result<()> {
    play("site_behind_apache", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Site::start(stage, &scene.server, "apache", "Wiki").await?;

        let page = scene.browser.open(&site.url("/")).await?;
        scene.approve_site(stage, &page, "Wiki").await?;
        ensure!(page.driver().text("#user").await? == "ada", "Apache does not know who came");

        page.driver().window().delete_cookie("mod_auth_openidc_session").await?;
        let page = scene.browser.open(&site.url("/")).await?;
        ensure!(page.driver().text("#user").await? == "ada", "the second visit is asked again");

        page.click("sign-out").await?;
        page.driver().says("You are signed out").await?;
        ensure!(scene.app.signed_in_browsers().await? == 0, "the session lives on");
        scene.browser.open(&site.url("/")).await?.until("waiting").await
    })
    .await
}

/// Ending the session in the app signs the site out: the server tells Apache, and its next page asks who is there.
#[tokio::test(flavor = "multi_thread")]
async fn site_behind_apache_is_signed_out_by_the_app() -> Result<()> {
    play("site_behind_apache_is_signed_out_by_the_app", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Site::start(stage, &scene.server, "apache", "Wiki").await?;
        let page = scene.browser.open(&site.url("/")).await?;
        scene.approve_site(stage, &page, "Wiki").await?;
        ensure!(page.driver().text("#user").await? == "ada", "Apache does not know who came");

        ensure!(scene.app.signed_in_browsers().await? == 1, "one browser is signed in");
        scene.app.click("end-session").await?;
        patience::until("Apache to ask who is there", async || {
            let page = scene.browser.open(&site.url("/")).await?;
            ensure!(page.state().await? == "waiting", "it does not");
            Ok(Some(()))
        })
        .await
    })
    .await
}
