use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::keychain::Keychain;
use e2e::stage::play;

/// Without a keychain service the app says so and keeps nothing; with a locked one it says so, and goes on after it was
/// opened.
#[tokio::test(flavor = "multi_thread")]
async fn keychain_missing_or_locked() -> Result<()> {
    play("keychain_missing_or_locked", async |stage| {
        let bare = Desktop::with_keychain(stage, "bare", Keychain::NoBus).await?;
        let app = App::start(stage, &bare).await?;
        app.until("start_trouble").await?;
        ensure!(app.error_code().await? == "keychain_none", "the app says {}", app.error_code().await?);
        app.close().await;

        let locked = Desktop::with_keychain(stage, "locked", Keychain::Locked).await?;
        let app = App::start(stage, &locked).await?;
        app.until("start_trouble").await?;
        // The keychain asks for its password; on this desktop nobody answers, which counts as dismissed.
        ensure!(app.error_code().await? == "keychain_locked", "the app says {}", app.error_code().await?);
        locked.unlock_keychain().await?;
        app.click("retry").await?;
        app.until("first_start").await
    })
    .await
}
