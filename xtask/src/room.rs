//! Room on the disk, asked for before a long build instead of found missing at its end.

use anyhow::Result;

use crate::command::target;

/// What a first `cargo xtask test` lays into the checkout, in GB: 4.4 were measured.
const FIRST_BUILD_GB: u64 = 5;

/// Asks for room where nothing is built yet; what is there already takes less.
///
/// # Errors
/// Says how much there is, how much it takes and what to do.
pub(crate) fn for_first_build() -> Result<()> {
    if target().join("debug").join("countersign-server").exists() {
        return Ok(());
    }
    match free_gb() {
        Some(free) if free < FIRST_BUILD_GB => anyhow::bail!(
            "the disk has {free} GB free and a first build with all tests takes {FIRST_BUILD_GB}: free some, or set \
             CARGO_TARGET_DIR to a folder on a larger disk"
        ),
        _ => Ok(()),
    }
}

/// What an ordinary user may still write beside the target folder, in GB; `None`: this system does not say.
#[cfg(unix)]
fn free_gb() -> Option<u64> {
    let target = target();
    let there = target.ancestors().find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize) >> 30)
}

#[cfg(not(unix))]
fn free_gb() -> Option<u64> {
    None
}
