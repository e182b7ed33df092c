//! A program with files to give: a small X11 window whose files a real pointer drags onto another program's window, as a
//! file manager does (freedesktop.org, "Drag-and-Drop Protocol for the X Window System", version 5).
//!
//! 1. [`Display::open`] shows the window beside the one to drop onto,
//! 2. [`Drag`] presses the button there, moves the pointer over and answers what the other program asks,
//! 3. it lets go once the other program says that it takes the files, and waits until that one is done with them.
//!
//! Ends with an error when the other program refuses; waits as long as that one does, so the caller sets the limit.

mod display;
mod drag;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use url::Url;

use crate::display::Display;
use crate::drag::Drag;

#[derive(Parser)]
#[command(about = "Drags files out of a window of its own onto another one on the same display")]
struct Options {
    /// Title of the window to drop onto.
    #[arg(long, value_name = "TITLE")]
    onto: String,
    /// Let go as soon as the other program would take the files, on the way still.
    #[arg(long)]
    quick: bool,
    /// Files or folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let display = Display::open()?;
    let target = display.window_titled(&options.onto)?;
    Drag::new(&display, target, uri_list(&options.paths)?, options.quick).carry_out()
}

/// `text/uri-list` (RFC 2483 §5).
fn uri_list(paths: &[PathBuf]) -> Result<String> {
    let mut list = String::new();
    for path in paths {
        let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
        let url = Url::from_file_path(&path).map_err(|()| anyhow!("{} is no whole path", path.display()))?;
        list.push_str(url.as_str());
        list.push_str("\r\n");
    }
    Ok(list)
}
