use anyhow::{Context, Result, ensure};
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::patience;
use e2e::server::Server;
use e2e::stage::play;

/// The only computer is lost: one of the codes that were made there lets another one in, which removes the lost one.
#[tokio::test(flavor = "multi_thread")]
async fn recovered_by_code() -> Result<()> {
    play("recovered_by_code", async |stage| {
        let server = Server::start(stage, "server").await?;
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.give_link(&link).await?;
        app.agree_to_enrol_and_be_offered_codes().await?;
        app.click("make-codes").await?;
        let codes = app.text("recovery-codes").await?;
        let code = codes.split_whitespace().next().context("no code is shown")?.to_owned();
        ensure!(codes.split_whitespace().count() == 10, "the window shows {codes:?}");
        app.click("codes-kept").await?;
        app.until("scan").await?;

        let found = Desktop::start(stage, "new").await?;
        let new = App::start(stage, &found).await?;
        new.click("add-account").await?;
        new.until("add_account").await?;
        new.click("lost-computer").await?;
        new.fill("address-input", server.origin()).await?;
        new.fill("username-input", "ada").await?;
        new.fill("recovery-code-input", &code.to_lowercase()).await?;
        new.click("add-continue").await?;
        new.until("confirm_account").await?;
        new.click("confirm-account").await?;
        new.until("devices").await?;
        let rows = "return document.querySelectorAll('[data-testid=device-row]').length";
        patience::until_is("the trusted devices", 2, async || new.driver().read::<usize>(rows).await).await?;
        new.click("remove-device").await?;
        new.click("sheet-yes").await?;
        patience::until_is("the trusted devices", 1, async || new.driver().read::<usize>(rows).await).await?;

        // The same code lets nobody in a second time.
        let thief = Desktop::start(stage, "thief").await?;
        let other = App::start(stage, &thief).await?;
        other.click("add-account").await?;
        other.until("add_account").await?;
        other.click("lost-computer").await?;
        other.fill("address-input", server.origin()).await?;
        other.fill("username-input", "ada").await?;
        other.fill("recovery-code-input", &code).await?;
        other.click("add-continue").await?;
        other.until_error("recovery_refused").await
    })
    .await
}
