//! Where the programs under test and their drivers lie.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The top of the checkout.
pub fn repo() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Build output of the workspace.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repo().join("target"), PathBuf::from)
}

/// A program of this workspace, built beside the one that runs now.
///
/// # Errors
/// When it was not built.
pub fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not built; run: cargo build --workspace --bins"))
}

/// A program on the search path, or among cargo's own.
///
/// # Errors
/// Names what is missing.
pub fn installed(names: &[&str]) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = std::env::home_dir().map(|home| home.join(".cargo/bin"));
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(cargo).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
        .with_context(|| format!("{} is missing; run: cargo xtask setup", names.join(" or ")))
}
