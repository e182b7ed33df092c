use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::patience;
use e2e::server::Server;
use e2e::stage::play;

/// A link enrols once: neither the same app nor a second computer gets in with it. "Add another computer" gives that
/// second one a code of its own, and tells when it was used.
#[tokio::test(flavor = "multi_thread")]
async fn enrolment_link_used_twice() -> Result<()> {
    play("enrolment_link_used_twice", async |stage| {
        let server = Server::start(stage, "server").await?;
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        // Clicked in a mail or given as an argument: the app starts with the question.
        let app = App::with_arguments(stage, &desktop, &[&link]).await?;
        app.agree_to_enrol().await?;

        app.give_link(&link).await?;
        app.until("confirm_contact").await?;
        app.click("confirm-contact").await?;
        app.until("add_account").await?;
        ensure!(app.error_code().await? == "link_used", "the app says {}", app.error_code().await?);

        let second_desktop = Desktop::start(stage, "laptop").await?;
        let second = App::start(stage, &second_desktop).await?;
        second.give_link(&link).await?;
        second.until("confirm_contact").await?;
        second.click("confirm-contact").await?;
        second.until("add_account").await?;
        ensure!(
            second.error_code().await? == "link_used",
            "the second app says {}",
            second.error_code().await?
        );

        app.click("back").await?;
        app.click("go-accounts").await?;
        app.click("go-devices").await?;
        app.until("devices").await?;
        app.click("add-computer").await?;
        app.until("add_computer").await?;
        app.driver().shown("[data-testid=enrolment-qr]").await?;
        let picture = stage.folder("pictures")?.join("enrolment.png");
        app.driver().settled().await?;
        app.driver().picture(&picture).await?;
        second.choose_picture(&picture).await?;
        second.agree_to_enrol().await?;
        // The first computer notices by itself.
        ensure!(app.text("computer-added").await?.contains("was added"), "the app names no computer");
        app.click("see-devices").await?;
        app.until("devices").await?;
        let rows = "return document.querySelectorAll('[data-testid=device-row]').length";
        patience::until_is("the trusted devices", 2, async || app.driver().read::<usize>(rows).await).await
    })
    .await
}
