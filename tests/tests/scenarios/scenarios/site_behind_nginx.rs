use anyhow::{Result, ensure};
use e2e::server::Settings;
use e2e::stage::play;
use e2e::{patience, ports};

use super::scene::Scene;
use super::sites::Site;

/// A site that knows nothing of signing in, behind Debian's nginx that asks the server at each call: the visitor is sent to
/// the login page, the app says which host asks, and after the approval the site reads the name from the headers, whatever
/// the browser says. A second visit asks nobody, even when the site's cookie is gone. Ending the session in the app shuts
/// the site at its next request.
#[tokio::test(flavor = "multi_thread")]
async fn site_behind_nginx() -> Result<()> {
    play("site_behind_nginx", async |stage| {
        let port = ports::free()?;
        let host = format!("127.0.0.1:{port}");
        let settings = Settings::default().with("COUNTERSIGN_FORWARD_AUTH_HOSTS", &host);
        let scene = Scene::with_settings(stage, settings).await?;
        let site = Site::start_guarded(stage, &scene.server, "nginx", &host).await?;

        let page = scene.browser.open(&site.url("/index.html?from=a%20link")).await?;
        scene.approve_site(stage, &page, &host).await?;
        ensure!(page.driver().text("#user").await? == "ada", "the site does not know who came");
        let at = page.driver().window().current_url().await?;
        ensure!(at.as_str() == site.url("/index.html?from=a%20link"), "the visitor comes back to {at}");
        let lie = "const done = arguments[0]; \
                   fetch('/', { headers: { 'Remote-User': 'root' } }).then((answer) => answer.text()).then(done)";
        let told: String = page.driver().window().execute_async(lie, Vec::new()).await?.convert()?;
        ensure!(told.contains(">ada<") && !told.contains("root"), "the site believes the browser: {told}");

        let page = scene.browser.open(&site.url("/")).await?;
        ensure!(page.driver().text("#user").await? == "ada", "the second visit is asked again");
        page.driver().window().delete_cookie(format!("countersign-{port}-forward")).await?;
        let page = scene.browser.open(&site.url("/")).await?;
        ensure!(page.driver().text("#user").await? == "ada", "the session of before is not enough");

        ensure!(scene.app.signed_in_browsers().await? == 1, "one browser is signed in");
        scene.app.click("end-session").await?;
        patience::until_is("browsers that are signed in", 0, async || scene.app.signed_in_browsers().await)
            .await?;
        let page = scene.browser.open(&site.url("/")).await?;
        page.until("waiting").await?;
        page.driver().says(&host).await
    })
    .await
}
