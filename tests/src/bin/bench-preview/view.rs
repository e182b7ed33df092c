//! The view as it looks while a code is found: the real login page before a drawn camera, in the real window.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::process::signal;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;
use e2e::{patience, programs};

use crate::film;

/// Writes `window-scan-outline-light.png` and `-dark.png` into `folder`.
pub(crate) async fn take(stage: &Stage, folder: &Path) -> Result<()> {
    let server =
        Server::with_settings(stage, "server", Settings::default().with("COUNTERSIGN_NAME", "Example"))
            .await?;
    let link = server.add_named_account("ada", "Ada Lovelace")?;
    let browser = Browser::start(stage, "browser").await?;
    browser.resize(560, 640).await?;
    let page = browser.open(&server.login_url()).await?.picture_of_code(&stage.folder("page")?).await?;

    let films = stage.folder("films")?;
    let desktop = Desktop::start(stage, "ada").await?;
    let app = programs::built("countersign-film")?;
    let app =
        App::of_program(stage, &desktop, &app, &[("COUNTERSIGN_FILM", films.as_os_str())], &[&link]).await?;
    app.agree_to_enrol().await?;
    app.click("dismiss-notice").await?;
    // A server that takes its time keeps the view at the moment after the code was found.
    let server = server.id().ok_or_else(|| anyhow!("the server does not run"))?.to_string();
    signal("STOP", &server);
    film::hold_up(&page, &films.join("Front camera"))?;
    let taken = async {
        patience::until("the code to be found", async || {
            Ok((app.has("outline").await? && app.text("scan-line").await?.contains("server")).then_some(()))
        })
        .await?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for theme in ["light", "dark"] {
            app.driver()
                .read::<bool>(&format!("document.documentElement.dataset.theme = '{theme}'; return true"))
                .await?;
            app.driver().settled().await?;
            app.driver().picture(&folder.join(format!("window-scan-outline-{theme}.png"))).await?;
        }
        Ok(())
    }
    .await;
    signal("CONT", &server);
    taken
}
