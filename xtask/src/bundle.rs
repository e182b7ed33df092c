//! `cargo xtask bundle`: the app's packages for this system.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::command::{self, program, repo, target};

/// Builds deb and rpm on Linux (both without a network), elsewhere what Tauri makes there by default.
///
/// # Errors
/// When a build fails or no package came out.
pub(crate) fn run() -> Result<()> {
    crate::setup::for_building()?;
    let cli = repo().join("ui/node_modules/.bin").join(if cfg!(windows) { "tauri.cmd" } else { "tauri" });
    let mut command = program(&cli.to_string_lossy(), ["build"]);
    if cfg!(target_os = "linux") {
        command.args(["--bundles", "deb,rpm"]);
    }
    command::run(&mut command)?;
    let packages = packages()?;
    if packages.is_empty() {
        bail!("the build ended without a package below {}", bundle_folder().display());
    }
    for package in packages {
        let size_kb = fs::metadata(&package)?.len() / 1000;
        println!("{} ({}.{} MB)", package.display(), size_kb / 1000, size_kb % 1000 / 100);
    }
    Ok(())
}

fn bundle_folder() -> PathBuf {
    target().join("release/bundle")
}

fn packages() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for kind in fs::read_dir(bundle_folder()).context("there is no bundle folder")? {
        let kind = kind?.path();
        if !kind.is_dir() {
            continue;
        }
        let is_package = |path: &PathBuf| {
            path.extension().is_some_and(|ending| {
                ["deb", "rpm", "dmg", "msi", "exe"].iter().any(|known| ending == *known)
            })
        };
        found.extend(fs::read_dir(kind)?.flatten().map(|entry| entry.path()).filter(is_package));
    }
    found.sort();
    Ok(found)
}
