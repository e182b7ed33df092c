//! The window's page: built by Vite into ui/dist, which the app embeds.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::command::{program, repo, run};

/// `npm` inside ui/.
pub(crate) fn npm() -> Command {
    npm_in(&repo().join("ui"))
}

/// `npm` inside another folder.
pub(crate) fn npm_in(folder: &Path) -> Command {
    let mut command = program(if cfg!(windows) { "npm.cmd" } else { "npm" }, []);
    command.current_dir(folder);
    command
}

/// Builds ui/dist unless it is newer than everything that it is made of: the app embeds it, so a needless build
/// costs a needless compile.
///
/// # Errors
/// When Vite fails; its output says why.
pub(crate) fn build() -> Result<()> {
    let ui = repo().join("ui");
    let built = fs::metadata(ui.join("dist/index.html")).and_then(|meta| meta.modified()).ok();
    if built.is_some_and(|built| newest(&ui).is_some_and(|changed| changed <= built)) {
        return Ok(());
    }
    run(npm().args(["run", "build"])).context("the UI does not build")
}

/// When anything below `folder` was changed last, build output and installed packages left out.
fn newest(folder: &Path) -> Option<SystemTime> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name() != "node_modules" && entry.file_name() != "dist")
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() { newest(&path) } else { entry.metadata().ok()?.modified().ok() }
        })
        .max()
}
