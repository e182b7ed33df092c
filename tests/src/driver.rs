//! One window under a WebDriver: the session, and the driver process behind it.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thirtyfour::prelude::*;
use thirtyfour::{Capabilities, WebDriver};

use crate::patience;
use crate::process::Program;

/// A session and its driver process; the session ends first.
#[derive(Debug)]
pub struct Driver {
    window: WebDriver,
    program: Mutex<Option<Program>>,
}

impl Driver {
    /// Opens a session at `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// When the driver refuses; its log says why.
    pub async fn open(program: Program, port: u16, capabilities: Value) -> Result<Self> {
        let capabilities: Capabilities = serde_json::from_value(capabilities)?;
        let url = format!("http://127.0.0.1:{port}");
        // A slow machine may take its time for a single answer, too.
        let window =
            WebDriver::builder(&url, capabilities).request_timeout(4 * patience::limit()).connect().await;
        let window = window.context("the driver opens no window")?;
        Ok(Self { window, program: Mutex::new(Some(program)) })
    }

    /// The session.
    pub fn window(&self) -> &WebDriver {
        &self.window
    }

    /// Ends the session and then the driver. A session that is gone already is fine.
    pub async fn close(&self) {
        let _gone = self.window.clone().quit().await;
        let program = self.program.lock().map(|mut program| program.take());
        drop(program);
    }

    /// Writes `NAME.png` and `NAME.html` into `folder`.
    ///
    /// # Errors
    /// When the window is gone or the folder cannot be written.
    pub async fn keep_picture(&self, folder: &Path, name: &str) -> Result<()> {
        self.picture(&folder.join(format!("{name}.png"))).await?;
        fs::write(folder.join(format!("{name}.html")), self.window.source().await?)?;
        Ok(())
    }

    /// Writes what the window shows as PNG.
    ///
    /// # Errors
    /// When the window is gone or the file cannot be written.
    pub async fn picture(&self, path: &Path) -> Result<()> {
        let png = self.window.screenshot_as_png().await.context("the window gives no picture")?;
        fs::write(path, png).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads something from the document with a script.
    ///
    /// # Errors
    /// When the script fails or gives another shape.
    pub async fn read<T: DeserializeOwned>(&self, script: &str) -> Result<T> {
        let value = self.window.execute(script, Vec::new()).await.context("the script failed")?;
        Ok(value.convert()?)
    }

    /// Waits until an element is there and shown, and returns it.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn shown(&self, css: &str) -> Result<WebElement> {
        patience::until(&format!("{css} to be shown"), async || {
            let element = self.window.find(By::Css(css)).await?;
            Ok(element.is_displayed().await?.then_some(element))
        })
        .await
    }

    /// Waits until an element can be clicked, and clicks it as a mouse does.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn click(&self, css: &str) -> Result<()> {
        patience::until(&format!("{css} to be clickable"), async || {
            let element = self.window.find(By::Css(css)).await?;
            if !element.is_displayed().await? || !element.is_enabled().await? {
                return Ok(None);
            }
            element.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits for a field and types into it.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.shown(css).await?;
        field.send_keys(text).await.with_context(|| format!("cannot type into {css}"))
    }

    /// The text of an element once it is shown and not empty.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn text(&self, css: &str) -> Result<String> {
        patience::until(&format!("{css} to say something"), async || {
            let element = self.window.find(By::Css(css)).await?;
            let text = element.text().await?;
            Ok((!text.trim().is_empty()).then(|| text.trim().to_owned()))
        })
        .await
    }

    /// Waits until no transition runs, every picture is drawn and no question rests.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn settled(&self) -> Result<()> {
        patience::until("the window to come to rest", async || {
            let script = "const resting = document.getAnimations().every((animation) => \
                          animation.playState !== 'running' || animation.effect?.getTiming().iterations === Infinity); \
                          const drawn = [...document.images].every((image) => image.complete); \
                          const awake = document.querySelector('[data-resting]') === null; \
                          return resting && drawn && awake && document.readyState === 'complete'";
            Ok(self.read::<bool>(script).await?.then_some(()))
        })
        .await?;
        // Two frames: the first may have been begun before the last change.
        let script = "const done = arguments[arguments.length - 1]; \
                      requestAnimationFrame(() => requestAnimationFrame(() => done(true)))";
        self.window.execute_async(script, Vec::new()).await.context("the window draws nothing")?;
        Ok(())
    }

    /// Moves the mouse to the corner, so that nothing looks pointed at.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn point_nowhere(&self) -> Result<()> {
        self.window.action_chain().move_to(1, 1).perform().await.context("cannot move the mouse")
    }

    /// Everything that the document shows as text.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn all_text(&self) -> Result<String> {
        self.read("return document.body.innerText").await
    }

    /// Waits until the document shows `text` somewhere.
    ///
    /// # Errors
    /// When the limit is over first; the message has what was shown.
    pub async fn says(&self, text: &str) -> Result<()> {
        patience::until(&format!("the window to say {text:?}"), async || {
            let all = self.all_text().await?;
            anyhow::ensure!(all.contains(text), "it says {all:?}");
            Ok(Some(()))
        })
        .await
    }

    /// Presses keys where the focus is.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn press(&self, keys: impl Into<TypingData>) -> Result<()> {
        self.window.action_chain().send_keys(keys).perform().await.context("cannot press keys")
    }
}
