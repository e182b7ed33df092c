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
        app.text("recovery-codes").await?;
        let lines = "return [...document.querySelectorAll('[data-testid=recovery-codes] li')].map((li) => li.textContent.trim())";
        let codes: Vec<String> = app.driver().read(lines).await?;
        ensure!(codes.len() == 10, "the window shows {codes:?}");
        let code = codes.first().context("no code is shown")?.to_owned();
        app.click("codes-kept").await?;
        app.until("scan").await?;

        let found = Desktop::start(stage, "new").await?;
        let new = App::start(stage, &found).await?;
        recover(&new, &server, &code.to_lowercase()).await?;
        new.until("confirm_account").await?;
        new.click("confirm-account").await?;
        new.until("devices").await?;
        let rows = "return document.querySelectorAll('[data-testid=device-row]').length";
        patience::until_is("the trusted devices", 2, async || new.driver().read::<usize>(rows).await).await?;
        new.click("remove-device").await?;
        new.click("sheet-yes").await?;
        patience::until_is("the trusted devices", 1, async || new.driver().read::<usize>(rows).await).await?;

        // The same code lets nobody in a second time.
        new.click("back").await?;
        new.until("accounts").await?;
        recover(&new, &server, &code).await?;
        new.until_error("recovery_refused").await
    })
    .await
}

/// Fills the form for a lost computer and sends it.
async fn recover(app: &App, server: &Server, code: &str) -> Result<()> {
    app.click("add-account").await?;
    app.until("add_account").await?;
    app.click("lost-computer").await?;
    app.fill("address-input", server.origin()).await?;
    app.fill("username-input", "ada").await?;
    app.fill("recovery-code-input", code).await?;
    app.click("add-continue").await
}
