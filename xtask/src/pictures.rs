//! `cargo xtask pictures`: the pictures of the documentation, taken from the real page and the real window.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::command::{built, cargo_build_programs, program, repo, run as run_command};

#[derive(Args)]
pub(crate) struct Options {
    /// Where the pictures go.
    #[arg(long, default_value = "docs/pictures")]
    out: PathBuf,
    /// Only these.
    #[arg(long)]
    only: Option<Part>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// One login as one picture.
    Login,
    /// Every state of the login page.
    Page,
    /// Every view of the window.
    Window,
}

/// Takes every view and page state, light and dark.
///
/// # Errors
/// When a build fails or a picture could not be taken.
pub(crate) fn run(options: &Options) -> Result<()> {
    crate::setup::for_building()?;
    crate::setup::for_windows_without_display()?;
    crate::ui::build()?;
    run_command(&mut cargo_build_programs())?;
    let out = repo().join(&options.out);
    let mut pictures = program(&built("pictures").to_string_lossy(), []);
    pictures.arg(&out);
    if let Some(only) = options.only {
        pictures.args([
            "--only",
            match only {
                Part::Login => "login",
                Part::Page => "page",
                Part::Window => "window",
            },
        ]);
    }
    run_command(&mut pictures)?;
    println!("Pictures are in {}", out.display());
    Ok(())
}
