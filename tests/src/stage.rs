//! One scenario's own place: folders that vanish when it passes and stay when it fails.

use std::any::Any;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow};
use futures_util::FutureExt as _;

use crate::driver::Driver;
use crate::programs;

/// Where a scenario keeps its things.
pub struct Stage {
    /// Homes, data and sockets; short paths, since a socket's path ends at 108 bytes. Gone afterwards in any case.
    temporary: tempfile::TempDir,
    /// Logs and pictures; kept when the scenario fails.
    kept: PathBuf,
    /// Windows to take a picture of when it fails.
    windows: Mutex<Vec<(String, Arc<Driver>)>>,
    /// What has to outlive the scenario's own variables, so that those pictures can be taken.
    held: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl Stage {
    /// A stage whose logs and pictures lie in `kept`, which is emptied first.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn new(kept: PathBuf) -> Result<Self> {
        // One TLS provider in the process; a second call finds it there and that is fine.
        let _first = rustls::crypto::ring::default_provider().install_default();
        if kept.exists() {
            fs::remove_dir_all(&kept).with_context(|| format!("cannot empty {}", kept.display()))?;
        }
        fs::create_dir_all(kept.join("logs")).with_context(|| format!("cannot make {}", kept.display()))?;
        let temporary =
            tempfile::Builder::new().prefix("cs").tempdir().context("cannot make a temporary folder")?;
        Ok(Self { temporary, kept, windows: Mutex::default(), held: Mutex::default() })
    }

    /// A folder of that name for one program, made on first use.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.temporary.path().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Where programs write their output.
    pub fn logs(&self) -> PathBuf {
        self.kept.join("logs")
    }

    /// Where pictures go.
    pub fn pictures(&self) -> &Path {
        &self.kept
    }

    /// Remembers a window until the end, so that a failure shows what it looked like.
    pub fn watch(&self, name: &str, window: &Arc<Driver>) {
        unpoisoned(&self.windows).push((name.to_owned(), Arc::clone(window)));
    }

    /// Keeps something until the scenario has ended and its pictures are taken.
    pub fn hold(&self, thing: impl Any + Send) {
        unpoisoned(&self.held).push(Box::new(thing));
    }

    /// Takes pictures when the scenario failed, then ends what still runs, newest first.
    async fn close(&self, failed: bool) {
        let windows = std::mem::take(&mut *unpoisoned(&self.windows));
        for (name, driver) in windows.into_iter().rev() {
            if failed {
                // A window that is gone already has no picture, and the failure itself matters more.
                let _picture = driver.keep_picture(&self.kept, &name).await;
            }
            driver.close().await;
        }
        let mut held = std::mem::take(&mut *unpoisoned(&self.held));
        while let Some(thing) = held.pop() {
            drop(thing);
        }
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays a scenario. When it fails, `target/e2e/NAME` keeps the logs of every program, a picture of every window and
/// its document.
///
/// # Errors
/// The scenario's own, a panic included, with the folder's name.
pub async fn play(name: &str, scenario: impl AsyncFnOnce(&Stage) -> Result<()>) -> Result<()> {
    play_in(programs::target().join("e2e").join(name), name, scenario).await
}

/// Like [`play`], with logs and pictures in `kept`, which is emptied first.
///
/// # Errors
/// Like [`play`].
pub async fn play_in(
    kept: PathBuf,
    name: &str,
    scenario: impl AsyncFnOnce(&Stage) -> Result<()>,
) -> Result<()> {
    let stage = Stage::new(kept)?;
    let outcome = AssertUnwindSafe(scenario(&stage)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", said(panic.as_ref()))));
    stage.close(outcome.is_err()).await;
    if outcome.is_ok() {
        fs::remove_dir_all(stage.pictures()).context("cannot remove the logs of a passed scenario")?;
        return Ok(());
    }
    outcome.with_context(|| format!("{name} failed; logs and pictures are in {}", stage.pictures().display()))
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "without a message".to_owned())
}
