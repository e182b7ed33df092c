//! The real app in its real window, acted on as a person would. Its hooks: `main[data-view]` names what fills the
//! window, `data-testid` names what can be acted on.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use thirtyfour::By;

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
        Self::of_program(stage, desktop, &programs::built("countersign")?, &[], arguments).await
    }

    /// Opens another build of the app, with more environment and arguments.
    ///
    /// # Errors
    /// When tauri-driver is missing, or no window comes up.
    pub async fn of_program(
        stage: &Stage,
        desktop: &Desktop,
        program: &Path,
        environment: &[(&str, &OsStr)],
        arguments: &[&str],
    ) -> Result<Self> {
        let name = format!("{}-app", desktop.name());
        let (port, native_port) = (ports::free()?, ports::free()?);
        let mut command = Command::new(programs::installed(&["tauri-driver"])?);
        desktop.environment(&mut command).await;
        command.envs(environment.iter().copied());
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.arg("--native-driver").arg(programs::installed(&["WebKitWebDriver"])?);
        let driver = Program::start(&name, &mut command, &stage.logs())?;
        until_ready(port).await?;
        let capabilities = json!({
            "tauri:options": { "application": program, "args": arguments },
        });
        let driver = Arc::new(Driver::open(driver, port, capabilities).await?);
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

    /// What fills the window once the app has loaded its accounts.
    ///
    /// # Errors
    /// When it is still loading after the limit.
    pub async fn loaded_view(&self) -> Result<String> {
        patience::until("the app to be loaded", async || {
            let view = self.view().await?;
            Ok((!matches!(view.as_str(), "" | "loading")).then_some(view))
        })
        .await
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

    /// The code of the failure that is shown, as in `link_used`.
    ///
    /// # Errors
    /// When none is shown within the limit.
    pub async fn error_code(&self) -> Result<String> {
        self.attribute("error", "data-code").await
    }

    /// Waits until a failure of that code is shown.
    ///
    /// # Errors
    /// When the limit is over first; the message has what was shown instead.
    pub async fn until_error(&self, code: &str) -> Result<()> {
        patience::until_is("the failure that is shown", code.to_owned(), async || self.error_code().await)
            .await
    }

    /// An attribute of what has this `data-testid`.
    ///
    /// # Errors
    /// When it is not there within the limit.
    pub async fn attribute(&self, id: &str, name: &str) -> Result<String> {
        patience::until(&format!("{name} of {id}"), async || {
            let css = serde_json::to_string(&hook(id))?;
            let script = format!("return document.querySelector({css})?.getAttribute('{name}') ?? null");
            self.driver.read::<Option<String>>(&script).await
        })
        .await
    }

    /// Adds an account by an enrolment link, typed into the form.
    ///
    /// # Errors
    /// When a step does not come within the limit.
    pub async fn enrol(&self, link: &str) -> Result<()> {
        self.give_link(link).await?;
        self.agree_to_enrol().await
    }

    /// Opens the form and hands in a link; what the window makes of it is next.
    ///
    /// # Errors
    /// When a step does not come within the limit.
    pub async fn give_link(&self, link: &str) -> Result<()> {
        if self.loaded_view().await? != "first_start" {
            self.click("go-accounts").await?;
            self.until("accounts").await?;
        }
        self.click("add-account").await?;
        self.until("add_account").await?;
        self.fill("link-input", link).await?;
        self.click("add-continue").await
    }

    /// Says yes to "Contact HOST?" and to keeping the account, and makes no recovery codes where they are offered.
    ///
    /// # Errors
    /// When a step does not come within the limit.
    pub async fn agree_to_enrol(&self) -> Result<()> {
        self.keep_account().await?;
        let view = patience::until("the account to be kept", async || {
            let view = self.view().await?;
            Ok(matches!(view.as_str(), "scan" | "recovery_codes").then_some(view))
        })
        .await?;
        if view == "recovery_codes" {
            self.click("recovery-later").await?;
        }
        self.until("scan").await
    }

    /// Says yes to "Contact HOST?" and to keeping the account; recovery codes are offered next.
    ///
    /// # Errors
    /// When a step does not come within the limit.
    pub async fn agree_to_enrol_and_be_offered_codes(&self) -> Result<()> {
        self.keep_account().await?;
        self.until("recovery_codes").await
    }

    async fn keep_account(&self) -> Result<()> {
        self.until("confirm_contact").await?;
        self.click("confirm-contact").await?;
        self.until("confirm_account").await?;
        self.click("confirm-account").await
    }

    /// Goes to the scan view and chooses a picture file under "From image".
    ///
    /// # Errors
    /// When a step does not come within the limit.
    pub async fn scan_picture(&self, picture: &Path) -> Result<()> {
        self.go_to_scan().await?;
        self.choose_picture(picture).await
    }

    /// Chooses a picture file in the view that is shown.
    ///
    /// # Errors
    /// When the view takes none within the limit.
    pub async fn choose_picture(&self, picture: &Path) -> Result<()> {
        patience::until("the picture to be taken", async || {
            let input = self.driver.window().find(By::Css(hook("scan-image"))).await?;
            if !input.is_enabled().await? {
                return Ok(None);
            }
            input.send_keys(picture.to_string_lossy()).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Drags a file or a folder out of another program on the same computer and drops it onto the middle of the window.
    ///
    /// # Errors
    /// When the window does not take it within the limit.
    pub async fn drop_file(&self, stage: &Stage, desktop: &Desktop, path: &Path) -> Result<()> {
        self.drag(stage, desktop, &[path.as_os_str()]).await
    }

    /// Like [`App::drop_file`], by a hand that lets go as soon as the window would take it.
    ///
    /// # Errors
    /// When the window does not take it within the limit.
    pub async fn drop_file_quickly(&self, stage: &Stage, desktop: &Desktop, path: &Path) -> Result<()> {
        self.drag(stage, desktop, &["--quick".as_ref(), path.as_os_str()]).await
    }

    async fn drag(&self, stage: &Stage, desktop: &Desktop, arguments: &[&OsStr]) -> Result<()> {
        let mut command = Command::new(programs::built("drag-files")?);
        desktop.environment(&mut command).await;
        command.args(["--onto", "Countersign"]).args(arguments);
        let mut program = Program::start(&format!("{}-drag", desktop.name()), &mut command, &stage.logs())?;
        program.end_within(patience::limit()).await?;
        patience::until("the window to look as before the drag", async || {
            Ok((!self.has("drop-here").await?).then_some(()))
        })
        .await
    }

    /// Goes to the scan view from wherever the window is.
    ///
    /// # Errors
    /// When it cannot be reached within the limit.
    pub async fn go_to_scan(&self) -> Result<()> {
        match self.view().await?.as_str() {
            "scan" => {}
            "outcome" | "foreign_text" => self.click("scan-again").await?,
            _ => self.click("go-scan").await?,
        }
        self.until("scan").await
    }

    /// Types the number that the page shows, digit by digit.
    ///
    /// # Errors
    /// When no prompt is shown within the limit.
    pub async fn type_number(&self, number: &str) -> Result<()> {
        self.until("authorize").await?;
        self.driver.click(&hook("check-digit-1")).await?;
        for (place, digit) in number.chars().enumerate() {
            self.fill(&format!("check-digit-{}", place + 1), &digit.to_string()).await?;
        }
        Ok(())
    }

    /// Types the number and approves.
    ///
    /// # Errors
    /// When no prompt is shown, or Approve stays asleep, within the limit.
    pub async fn approve(&self, number: &str) -> Result<()> {
        self.type_number(number).await?;
        self.click("approve").await
    }

    /// Waits until the login is over and says how: `signed_in`, `denied`, `reported`, `ended`, `page_never_came`.
    ///
    /// # Errors
    /// When it is not over within the limit.
    pub async fn outcome(&self) -> Result<String> {
        self.until("outcome").await?;
        self.attribute("outcome", "data-outcome").await
    }

    /// Goes to the signed-in browsers and counts them, once the list is there.
    ///
    /// # Errors
    /// When the list does not come within the limit.
    pub async fn signed_in_browsers(&self) -> Result<usize> {
        if self.view().await? == "sessions" {
            self.click("reload").await?;
        } else if self.view().await? == "outcome" {
            self.click("scan-again").await?;
            self.until("scan").await?;
            self.click("go-sessions").await?;
        } else {
            self.click("go-sessions").await?;
        }
        self.until("sessions").await?;
        patience::until("the list of signed-in browsers", async || {
            let script = "const rows = document.querySelectorAll('[data-testid=session-row]').length; \
                          const empty = document.querySelector('[data-testid=empty]') !== null; \
                          const busy = document.querySelector('[data-testid=reload]')?.disabled ?? true; \
                          return (rows > 0 || empty) && !busy ? rows : null";
            self.driver.read::<Option<usize>>(script).await
        })
        .await
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
