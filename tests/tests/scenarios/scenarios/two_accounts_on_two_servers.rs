use anyhow::{Context, Result, ensure};
use e2e::browser::Browser;
use e2e::server::Server;
use e2e::stage::play;
use thirtyfour::By;

use super::scene::{Scene, is_signed_in};

/// Three accounts on two servers in one app: a code leads to its own server; where two accounts live on it, the app asks
/// which one, and that one is signed in.
#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_on_two_servers() -> Result<()> {
    play("two_accounts_on_two_servers", async |stage| {
        let scene = Scene::begin(stage).await?;
        let other = Server::start(stage, "other-server").await?;
        scene.app.enrol(&other.add_account("bob")?).await?;

        let elsewhere = Browser::start(stage, "other-browser").await?;
        let page = elsewhere.open(&other.login_url()).await?;
        let picture = page.picture_of_code(&stage.folder("other")?).await?;
        scene.app.scan_picture(&picture).await?;
        scene.app.until("authorize").await?;
        let origin = scene.app.text("origin").await?;
        ensure!(other.origin().ends_with(&origin), "the prompt names {origin}, not {}", other.origin());
        scene.app.approve(&page.number().await?).await?;
        is_signed_in(&page, "bob").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");

        scene.app.go_to_scan().await?;
        scene.app.enrol(&scene.server.add_account("cleo")?).await?;
        let page = scene.page().await?;
        let picture = page.picture_of_code(stage.pictures()).await?;
        scene.app.scan_picture(&picture).await?;
        scene.app.until("choose_account").await?;
        let offered = scene.app.driver().window().find_all(By::Css("[data-testid=choose-account]")).await?;
        ensure!(offered.len() == 2, "{} accounts are offered, not the two of that server", offered.len());
        offered.last().context("no account is offered")?.click().await?;
        scene.app.approve(&page.number().await?).await?;
        is_signed_in(&page, "cleo").await
    })
    .await
}
