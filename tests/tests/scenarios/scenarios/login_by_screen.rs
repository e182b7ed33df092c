use anyhow::Result;
use e2e::app::App;
use e2e::browser::{Browser, Look};
use e2e::desktop::Desktop;
use e2e::server::Server;
use e2e::stage::play;

use super::scene::is_signed_in;

/// Browser and app share a display; "Scan my screen" finds the code in the browser's window.
#[tokio::test(flavor = "multi_thread")]
async fn login_by_screen() -> Result<()> {
    play("login_by_screen", async |stage| {
        let server = Server::start(stage, "server").await?;
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.enrol(&link).await?;

        // Beside the app's window, which a display without a window manager puts into the left corner.
        let look = Look { on: Some(desktop), size: Some((860, 800)), left: 420, ..Look::default() };
        let browser = Browser::with_look(stage, "browser", &look).await?;
        let page = browser.open(&server.login_url()).await?;
        page.picture_of_code(stage.pictures()).await?;

        app.click("scan-screen").await?;
        app.approve(&page.number().await?).await?;
        is_signed_in(&page, "ada").await
    })
    .await
}
