//! The measured parts of `docs/performance.md`, and the plots beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::capacity;
use crate::plot;
use crate::report::Report;
use crate::soak::Soak;

/// Table and plot, and what follows from them.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<()> {
    replace(folder, "measured", &report.markdown())?;
    if let Some(text) = capacity::markdown(report) {
        replace(folder, "capacity", &text)?;
    }
    save(&folder.join("performance.svg"), &plot::bars(report))
}

/// What memory did under load.
pub(crate) fn write_soak(folder: &Path, soak: &Soak) -> Result<()> {
    replace(folder, "soak", &soak.markdown()?)?;
    save(&folder.join("performance-soak.svg"), &plot::soak(soak))
}

fn replace(folder: &Path, name: &str, text: &str) -> Result<()> {
    let file = folder.join("performance.md");
    let page = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let page =
        between(&page, name, text).with_context(|| format!("{} has no part {name}", file.display()))?;
    save(&file, &page)
}

fn save(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// The page with another text between the two marks of that name.
fn between(page: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->\n"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_its_marks_changes() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\n<!-- y: end -->\n";
        let written = between(page, "x", "new\n");
        assert_eq!(
            written.as_deref(),
            Some("a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n<!-- y: begin -->\n<!-- y: end -->\n")
        );
        assert_eq!(written.as_deref().and_then(|page| between(page, "x", "new")), written);
        assert_eq!(between(page, "z", "new"), None);
    }
}
