//! `cargo xtask pictures`: the pictures of the documentation, taken from the real page and the real window.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::command::{built, cargo, program, repo, run as run_command};

#[derive(Args)]
pub(crate) struct Options {
    /// Where the pictures go.
    #[arg(long, default_value = "docs/pictures")]
    out: PathBuf,
}

/// Takes every view and page state, light and dark.
///
/// # Errors
/// When a build fails or a picture could not be taken.
pub(crate) fn run(options: &Options) -> Result<()> {
    crate::setup::for_building()?;
    crate::setup::for_windows_without_display()?;
    crate::ui::build()?;
    run_command(&mut cargo(["build", "--workspace", "--bins"]))?;
    let out = repo().join(&options.out);
    run_command(program(&built("pictures").to_string_lossy(), []).arg(&out))?;
    println!("Pictures are in {}", out.display());
    Ok(())
}
