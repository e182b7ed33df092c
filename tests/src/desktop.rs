//! A person's computer: display, session bus, keychain and home.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Mutex;

use crate::display::Display;
use crate::keychain::{Keychain, Session};
use crate::stage::Stage;

/// One computer with one person logged in.
#[derive(Debug, Clone)]
pub struct Desktop {
    name: String,
    display: Arc<Display>,
    session: Arc<Mutex<Session>>,
}

impl Desktop {
    /// Starts one with an open keychain.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn start(stage: &Stage, name: &str) -> Result<Self> {
        Self::with_keychain(stage, name, Keychain::Unlocked).await
    }

    /// Starts one with that keychain.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn with_keychain(stage: &Stage, name: &str, keychain: Keychain) -> Result<Self> {
        let display = Arc::new(Display::start(&stage.logs()).await?);
        let session = Session::start(&stage.folder(name)?, &stage.logs(), keychain).await?;
        let desktop = Self { name: name.to_owned(), display, session: Arc::new(Mutex::new(session)) };
        stage.hold(desktop.clone());
        Ok(desktop)
    }

    /// What it is called in logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For `DISPLAY`.
    pub fn display(&self) -> &str {
        self.display.name()
    }

    /// The person's home, where programs keep their files.
    pub async fn home(&self) -> PathBuf {
        self.session.lock().await.home().to_owned()
    }

    /// Address of the session bus.
    pub async fn bus(&self) -> String {
        self.session.lock().await.address().to_owned()
    }

    /// The environment of a program on this computer.
    pub async fn environment(&self, command: &mut Command) {
        self.session.lock().await.environment(command);
        command.env("DISPLAY", self.display());
    }

    /// The person wants no motion; spares a slow machine its animations. For apps that start afterwards.
    ///
    /// # Errors
    /// When the home cannot be written.
    pub async fn calm(&self) -> Result<()> {
        let settings = self.session.lock().await.home().join(".config/gtk-3.0");
        std::fs::create_dir_all(&settings)?;
        std::fs::write(settings.join("settings.ini"), "[Settings]\ngtk-enable-animations=false\n")?;
        Ok(())
    }

    /// Gives the keychain's password.
    ///
    /// # Errors
    /// When the keychain refuses.
    pub async fn unlock_keychain(&self) -> Result<()> {
        self.session.lock().await.unlock()
    }

    /// Ends the keychain without a word.
    ///
    /// # Errors
    /// When none runs.
    pub async fn kill_keychain(&self) -> Result<()> {
        self.session.lock().await.kill_daemon().await
    }

    /// Starts the keychain again, open.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_keychain(&self) -> Result<()> {
        self.session.lock().await.start_daemon().await
    }

    /// Locks the keychain.
    ///
    /// # Errors
    /// When the bus refuses.
    pub async fn lock_keychain(&self) -> Result<()> {
        self.session.lock().await.lock()
    }
}
