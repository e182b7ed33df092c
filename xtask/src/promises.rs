//! The threat model promises a test for each of its lines, ARCHITECTURE.md one for each story; this fails when one is
//! not there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::repo;

#[test]
fn every_test_that_the_documents_name_is_there() {
    let mut sources = Vec::new();
    for folder in ["protocol", "server", "authenticator", "scanner", "src-tauri", "tests"] {
        read_sources(&repo().join(folder), &mut sources);
    }
    let (mut named, mut missing) = (0, Vec::new());
    for document in ["docs/threat-model.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(repo().join(document)).unwrap();
        for name in names_in(&text) {
            named += 1;
            if !sources.iter().any(|source| holds(source, name)) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(named > 120, "the tables were not found");
    assert!(missing.is_empty(), "these tests are named but not there: {missing:?}");
}

/// What stands in backticks in the last column of a table and looks like the name of a test or, with a dot, an attack.
/// A story is named in the first column, by its module, which is also its test.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| {
        name.contains('_') && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'))
    };
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let columns = rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split(" | ");
        let first = cells.next()?.trim();
        Some(if first.starts_with('`') { first } else { cells.last()? })
    });
    columns.flat_map(|column| column.split('`').skip(1).step_by(2)).filter(is_name)
}

fn holds(source: &str, name: &str) -> bool {
    match name.split_once('.') {
        Some((theme, attack)) => {
            source.contains(&format!("attacks![\"{theme}\"")) && source.contains(&format!("fn {attack}("))
        }
        None => source.contains(&format!("fn {name}(")),
    }
}

fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    for path in entries.collect::<Vec<PathBuf>>() {
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(fs::read_to_string(&path).unwrap());
        }
    }
}
