//! The real app in its real window, acted on as a person would. Its hooks: `main[data-view]` names what fills the
//! window, `data-testid` names what can be acted on.

use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::desktop::Desktop;
use crate::driver::Driver;
use crate::process::Program;
use crate::stage::Stage;
use crate::{patience, ports, programs};

/// One running app.
#[derive(Debug, Clone)]
pub struct App {
    driver: Arc<Driver>,
}

impl App {
    /// Opens the app on a computer.
    ///
    /// # Errors
    /// When the app or tauri-driver is missing, or no window comes up.
    pub async fn start(stage: &Stage, desktop: &Desktop) -> Result<Self> {
        Self::with_arguments(stage, desktop, &[]).await
    }

    /// Opens the app with arguments, as a link that was clicked does.
    ///
    /// # Errors
    /// When the app or tauri-driver is missing, or no window comes up.
    pub async fn with_arguments(stage: &Stage, desktop: &Desktop, arguments: &[&str]) -> Result<Self> {
        let name = format!("{}-app", desktop.name());
        let (port, native_port) = (ports::free()?, ports::free()?);
        let mut command = Command::new(programs::installed(&["tauri-driver"])?);
        desktop.environment(&mut command).await;
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.arg("--native-driver").arg(programs::installed(&["WebKitWebDriver"])?);
        let program = Program::start(&name, &mut command, &stage.logs())?;
        until_ready(port).await?;
        let capabilities = json!({
            "tauri:options": { "application": programs::built("countersign")?, "args": arguments },
        });
        let driver = Arc::new(Driver::open(program, port, capabilities).await?);
        stage.watch(&name, &driver);
        Ok(Self { driver })
    }

    /// The window.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Closes the window and the app with it.
    pub async fn close(self) {
        self.driver.close().await;
    }

    /// What fills the window: `data-view`, empty while it loads.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn view(&self) -> Result<String> {
        self.driver.read("return document.querySelector('main')?.dataset.view ?? ''").await
    }

    /// Waits for a view.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn until(&self, view: &str) -> Result<()> {
        patience::until_is("the window", view.to_owned(), async || self.view().await).await
    }

    /// Clicks what has this `data-testid`.
    ///
    /// # Errors
    /// When it cannot be clicked within the limit.
    pub async fn click(&self, id: &str) -> Result<()> {
        self.driver.click(&hook(id)).await
    }

    /// Types into what has this `data-testid`.
    ///
    /// # Errors
    /// When it is not shown within the limit.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        self.driver.fill(&hook(id), text).await
    }

    /// The text of what has this `data-testid`.
    ///
    /// # Errors
    /// When it says nothing within the limit.
    pub async fn text(&self, id: &str) -> Result<String> {
        self.driver.text(&hook(id)).await
    }

    /// Whether something with this `data-testid` is there.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn has(&self, id: &str) -> Result<bool> {
        let css = serde_json::to_string(&hook(id))?;
        self.driver.read(&format!("return document.querySelector({css}) !== null")).await
    }
}

fn hook(id: &str) -> String {
    format!("[data-testid='{id}']")
}

/// tauri-driver forwards `/status` to WebKit's driver, so an answer means that both are up.
async fn until_ready(port: u16) -> Result<()> {
    let client = reqwest::Client::new();
    patience::until("tauri-driver", async || {
        let answer = client.get(format!("http://127.0.0.1:{port}/status")).send().await?;
        Ok(answer.status().is_success().then_some(()))
    })
    .await
}
