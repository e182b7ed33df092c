//! ARCHITECTURE.md promises a test for each point that must hold; this fails when one of them is not there.

use std::fs;
use std::path::Path;

use crate::command::repo;

#[test]
fn every_test_that_the_architecture_names_is_there() {
    let text = fs::read_to_string(repo().join("ARCHITECTURE.md")).unwrap();
    let (_, promises) = text.split_once("## What must hold").unwrap();
    let mut sources = String::new();
    for folder in ["protocol", "server", "authenticator", "scanner", "src-tauri", "tests"] {
        read_sources(&repo().join(folder), &mut sources);
    }
    let named: Vec<&str> = promises
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| {
            name.contains('_') && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        })
        .collect();
    let missing: Vec<&str> =
        named.iter().copied().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(named.len() > 40, "the tables were not found");
    assert!(missing.is_empty(), "these tests are named but not there: {missing:?}");
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
