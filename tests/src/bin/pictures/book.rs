//! The folder of pictures and its list.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use e2e::browser::Browser;

/// Pictures by group, in the order they were taken.
pub(crate) struct Book {
    folder: PathBuf,
    pages: Vec<(String, String)>,
}

impl Book {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, pages: Vec::new() }
    }

    /// Where a picture of that name goes.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Takes what the browser shows, once in light and once in dark colours.
    pub(crate) async fn take_both(&mut self, group: &str, name: &str, browser: &Browser) -> Result<()> {
        browser.driver().point_nowhere().await?;
        for (dark, suffix) in [(false, "light"), (true, "dark")] {
            browser.prefer_dark(dark).await?;
            browser.driver().settled().await?;
            browser.driver().picture(&self.path(&format!("{group}-{name}-{suffix}.png"))).await?;
        }
        self.note(group, name);
        Ok(())
    }

    /// Remembers a pair for the list.
    pub(crate) fn note(&mut self, group: &str, name: &str) {
        println!("    {group}: {name}");
        self.pages.push((group.to_owned(), name.to_owned()));
    }

    /// Writes README.md with every pair side by side.
    pub(crate) fn write_contents(&self) -> Result<()> {
        let mut text = String::from("# What it looks like\n\nWritten by `cargo xtask pictures`.\n");
        let mut group_before = "";
        for (group, name) in &self.pages {
            if group != group_before {
                let title = if group == "page" { "The login page" } else { "The window" };
                write!(text, "\n## {title}\n\n| | light | dark |\n|---|---|---|\n")?;
                group_before = group;
            }
            let picture = |suffix: &str| {
                format!("<img src=\"{group}-{name}-{suffix}.png\" width=\"280\" alt=\"{name}, {suffix}\">")
            };
            writeln!(text, "| {name} | {} | {} |", picture("light"), picture("dark"))?;
        }
        let path = self.path("README.md");
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
