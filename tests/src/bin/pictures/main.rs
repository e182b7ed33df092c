//! `cargo xtask pictures`: what every page state and every view looks like, light and dark, taken from the real page, the
//! real window's views, and one real login.

#![expect(clippy::print_stdout, reason = "it tells what it does")]

mod book;
mod doors;
mod login;
mod page;
mod window;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use e2e::stage::play;

use book::Book;

#[derive(Parser)]
#[command(about = "Takes the pictures of the documentation")]
struct Options {
    /// Where they go.
    folder: PathBuf,
    /// Only these; without it all of them, and the list of them is written anew.
    #[arg(long)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// One login as one picture.
    Login,
    /// Every state of the login page.
    Page,
    /// Every view of the window.
    Window,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.folder)
        .with_context(|| format!("cannot make {}", options.folder.display()))?;
    let mut book = Book::new(options.folder);
    let wanted = |part: Part| options.only.is_none_or(|only| only == part);
    play("pictures", async |stage| {
        if wanted(Part::Login) {
            login::take(stage, &mut book).await?;
        }
        if wanted(Part::Page) {
            page::take(stage, &mut book).await?;
            doors::take(stage, &mut book).await?;
        }
        if wanted(Part::Window) {
            window::take(stage, &mut book).await?;
        }
        Ok(())
    })
    .await?;
    if options.only.is_none() {
        book.write_contents()?;
    }
    Ok(())
}
