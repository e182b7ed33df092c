//! `cargo xtask pictures`: what every page state and every view looks like, light and dark, taken from the real page, the
//! real window's views, and one real login.

#![expect(clippy::print_stdout, reason = "it tells what it does")]

mod book;
mod login;
mod page;
mod window;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use e2e::stage::play;

use book::Book;

#[derive(Parser)]
#[command(about = "Takes the pictures of the documentation")]
struct Options {
    /// Where they go.
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.folder)
        .with_context(|| format!("cannot make {}", options.folder.display()))?;
    let mut book = Book::new(options.folder);
    play("pictures", async |stage| {
        login::take(stage, &mut book).await?;
        page::take(stage, &mut book).await?;
        window::take(stage, &mut book).await
    })
    .await?;
    book.write_contents()
}
