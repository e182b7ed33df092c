use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::gate::Gate;
use e2e::patience;
use e2e::server::{Server, Settings};
use e2e::stage::play;

use super::scene::is_signed_in;

/// A proxy cuts every WebSocket: the page asks instead, and the login goes through.
#[tokio::test(flavor = "multi_thread")]
async fn socket_blocked_polls() -> Result<()> {
    play("socket_blocked_polls", async |stage| {
        let mut gate = Gate::new().await?;
        let settings = Settings { origin: Some(gate.origin().to_owned()), ..Settings::default() };
        let server = Server::with_settings(stage, "server", settings).await?;
        gate.lead_to(server.listen());
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.enrol(&link).await?;

        let browser = Browser::start(stage, "browser").await?;
        let page = browser.open(&server.login_url()).await?;
        page.until("waiting").await?;
        patience::until_is("the page's connection", "polling".to_owned(), async || page.connection().await)
            .await?;
        let picture = page.picture_of_code(stage.pictures()).await?;
        app.scan_picture(&picture).await?;
        app.approve(&page.number().await?).await?;
        is_signed_in(&page, "ada").await?;
        ensure!(gate.refused() > 0, "the page never tried a socket");
        Ok(())
    })
    .await
}
