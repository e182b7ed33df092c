use anyhow::Result;
use e2e::accessibility::check;
use e2e::browser::{Browser, Look};
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

const RETURN: &str = "https://wiki.example.com/signed-in";

/// axe-core finds nothing on the pages that sites and devices lead to: light and dark, narrow, in English and German.
#[tokio::test(flavor = "multi_thread")]
async fn pages_for_sites_are_accessible() -> Result<()> {
    play("pages_for_sites_are_accessible", async |stage| {
        let scene = Scene::begin(stage).await?;
        let server = &scene.server;
        server.operate(&["clients", "add", "Wiki", "--id", "wiki", "--redirect", RETURN])?;
        let german = Look { language: Some("de".to_owned()), ..Look::default() };
        let german = Browser::with_look(stage, "german", &german).await?;
        for (language, browser, heading) in [("en", &scene.browser, "Wiki"), ("de", &german, "Wiki")] {
            for (dark, width) in [(false, 900), (true, 320)] {
                browser.resize(width, 720).await?;
                browser.prefer_dark(dark).await?;
                let what = |page: &str| format!("{page}, {language}, {width} pixels");
                let page = browser.open(&server.authorize_url("wiki", RETURN)).await?;
                page.until("waiting").await?;
                page.driver().says(heading).await?;
                check(&what("a site's login"), page.driver()).await?;
                page.code_to_type().await?;
                page.click("cancel").await?;
                page.until("cancelled").await?;
                check(&what("a site's login, called off"), page.driver()).await?;
                for (path, state) in [
                    ("/device", "device"),
                    ("/device?user_code=WDJBMJHT", "device"),
                    ("/oauth/authorize", "refused"),
                ] {
                    let page = browser.open(&format!("{}{path}", server.origin())).await?;
                    page.until(state).await?;
                    check(&what(path), page.driver()).await?;
                }
            }
        }

        let page = scene.page().await?;
        scene.sign_in(stage, &page).await?;
        is_signed_in(&page, "ada").await?;
        let page = scene.browser.open(&format!("{}/oauth/end-session", server.origin())).await?;
        page.until("sign-out").await?;
        check("before signing out", page.driver()).await?;
        page.click("sign-out").await?;
        page.until("signed-out").await?;
        check("signed out", page.driver()).await
    })
    .await
}
