//! Every view of the window. The gallery draws the same components with the same styles from fixed view states, since
//! some views (an update that is needed, a keychain that times out) do not come on demand.

use std::process::Command;

use anyhow::Result;
use e2e::browser::Browser;
use e2e::driver::Driver;
use e2e::process::Program;
use e2e::stage::Stage;
use e2e::{patience, ports, programs};

use crate::book::Book;

const GROUP: &str = "window";

/// Takes them all.
pub(crate) async fn take(stage: &Stage, book: &mut Book) -> Result<()> {
    let port = ports::free()?;
    let ui = programs::repo().join("ui");
    let mut command = Command::new(ui.join("node_modules/.bin/vite"));
    command.current_dir(&ui).args(["--host", "127.0.0.1", "--port", &port.to_string(), "--strictPort"]);
    let _vite = Program::start("vite", &mut command, &stage.logs())?;
    let gallery = format!("http://127.0.0.1:{port}/gallery.html");
    let client = reqwest::Client::new();
    patience::until("the gallery", async || {
        Ok(client.get(&gallery).send().await?.status().is_success().then_some(()))
    })
    .await?;

    let browser = Browser::start(stage, "gallery").await?;
    browser.resize(400, 720).await?;
    browser.open(&gallery).await?;
    let faces = patience::until("the gallery's list", async || {
        let script = "return [...document.querySelectorAll('[data-fixture]')]
            .map((link) => [link.dataset.fixture, link.dataset.press ?? null])";
        let faces: Vec<(String, Option<String>)> = browser.driver().read(script).await?;
        Ok((!faces.is_empty()).then_some(faces))
    })
    .await?;
    for (name, press) in faces {
        for theme in ["light", "dark"] {
            browser.open(&format!("{gallery}?fixture={name}&theme={theme}")).await?;
            browser.driver().shown("main").await?;
            if let Some(button) = &press {
                press_as_a_person(browser.driver(), button).await?;
            }
            browser.driver().settled().await?;
            patience::until("the camera's picture", async || {
                let drawn = "const preview = document.querySelector('[data-testid=preview]');
                    return !preview || Number(preview.dataset.drawn) > 0";
                Ok(browser.driver().read::<bool>(drawn).await?.then_some(()))
            })
            .await?;
            browser.driver().picture(&book.path(&format!("{GROUP}-{name}-{theme}.png"))).await?;
        }
        book.note(GROUP, &name);
    }
    Ok(())
}

/// Presses what opens this face of the view; before "Approve" comes the number.
async fn press_as_a_person(driver: &Driver, button: &str) -> Result<()> {
    if button == "approve" {
        driver.fill("[data-testid=check-digit-1]", "4").await?;
        driver.fill("[data-testid=check-digit-2]", "7").await?;
    }
    driver.click(&format!("[data-testid={button}]")).await
}
