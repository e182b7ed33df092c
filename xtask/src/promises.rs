//! The threat model promises a test for each of its lines, ARCHITECTURE.md one for each story, docs/standards.md one for
//! each claim; this fails when one is not there.

use std::collections::BTreeSet;
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
            if !sources.iter().any(|(_, source)| holds(source, name)) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(named > 120, "the tables were not found");
    assert!(missing.is_empty(), "these tests are named but not there: {missing:?}");
}

#[test]
fn every_claim_of_a_standard_names_tests_that_are_there() {
    let mut sources = Vec::new();
    for folder in ["protocol", "server", "authenticator", "src-tauri", "tests"] {
        read_sources(&repo().join(folder), &mut sources);
    }
    let text = fs::read_to_string(repo().join("docs/standards.md")).unwrap();
    let is_claim = |line: &&str| line.starts_with("| ") && !line.starts_with("| § |");
    let claims: Vec<&str> = text.lines().filter(is_claim).collect();
    assert!(claims.len() > 100, "the tables were not found");
    for claim in claims {
        let last = claim.trim_matches('|').rsplit(" | ").next().unwrap();
        assert!(last.split('`').skip(1).step_by(2).any(is_place), "no test is named: {claim}");
    }
    let named: BTreeSet<&str> = text.split('`').skip(1).step_by(2).filter(|word| is_place(word)).collect();
    let missing: Vec<_> = named.into_iter().filter(|place| !is_there(place, &sources)).collect();
    assert!(missing.is_empty(), "these places are named but not there: {missing:?}");
}

/// A test with its module, or a path of the checkout.
fn is_place(word: &str) -> bool {
    word.contains("::") || word.contains('/')
}

fn is_there(place: &str, sources: &[(PathBuf, String)]) -> bool {
    let Some((module, test)) = place.split_once("::") else { return repo().join(place).exists() };
    let is_module = |path: &Path| {
        let name =
            if path.ends_with("mod.rs") { path.parent().and_then(Path::file_name) } else { path.file_stem() };
        name.is_some_and(|name| name == module)
    };
    sources.iter().any(|(path, source)| is_module(path) && source.contains(&format!("fn {test}(")))
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

fn read_sources(folder: &Path, sources: &mut Vec<(PathBuf, String)>) {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    for path in entries.collect::<Vec<PathBuf>>() {
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            sources.push((path, source));
        }
    }
}

#[test]
fn every_guard_that_can_be_taken_out_is_in_the_table_of_its_attacks() {
    let mut sources = Vec::new();
    for folder in ["protocol/src", "server/src"] {
        read_sources(&repo().join(folder), &mut sources);
    }
    let text = |path: &str| fs::read_to_string(repo().join(path)).unwrap();
    let tables = ["guards.rs", "guards/doors.rs"].map(|file| text(&format!("tests/src/bin/attack/{file}")));
    let (table, document) = (tables.concat(), text("docs/threat-model.md"));
    let holes: BTreeSet<&str> = sources
        .iter()
        .flat_map(|(_, source)| words_after(source, "hole!(").chain(words_after(source, "without!(")))
        .filter(|name| *name != "NAME")
        .collect();
    let listed: BTreeSet<&str> = words_after(&table, "guard(").collect();
    assert!(holes.len() >= 30, "the guards were not found");
    assert_eq!(holes, listed, "guards in the sources and in the table of their attacks differ");
    for name in listed {
        assert!(document.contains(&format!("| `{name}` |")), "docs/threat-model.md has no line for {name}");
    }
}

/// The strings that come first after `opening`, on the same line or the next.
fn words_after<'a>(source: &'a str, opening: &'static str) -> impl Iterator<Item = &'a str> {
    let quoted = |rest: &'a str| rest.trim_start().strip_prefix('"')?.split('"').next();
    source.split(opening).skip(1).filter_map(quoted)
}
