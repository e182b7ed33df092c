//! Files that programs of this workspace write: `cargo xtask types` writes them, `cargo xtask test` fails when that
//! would change one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{built, cargo_build_programs, output, repo, run};

/// Where the UI's types lie, generated from the authenticator.
const UI_TYPES: &str = "ui/src/generated";
const OPENAPI: &str = "docs/openapi.json";
const EXAMPLE_CONFIG: &str = "docs/countersign-server.example.toml";

/// Writes all of them.
///
/// # Errors
/// When the workspace does not build or a writer fails.
pub(crate) fn write() -> Result<()> {
    crate::setup::for_building()?;
    crate::ui::build()?;
    run(cargo_build_programs().arg("--examples"))?;
    write_with_built()?;
    println!("Written: {UI_TYPES}/, {OPENAPI}, {EXAMPLE_CONFIG}");
    Ok(())
}

/// Writes all of them anew with what is built and fails when a file in the checkout was another one.
///
/// # Errors
/// Names the files that changed.
pub(crate) fn check() -> Result<()> {
    let before = contents()?;
    write_with_built()?;
    let after = contents()?;
    let known: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let changed: Vec<String> = known
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| path.display().to_string())
        .collect();
    if !changed.is_empty() {
        bail!("generated files were not up to date; they are now, commit them: {}", changed.join(", "));
    }
    println!("    {} generated files are up to date", after.len());
    Ok(())
}

fn write_with_built() -> Result<()> {
    let types = crate::command::target().join("debug/examples/export-types");
    run(Command::new(types).current_dir(repo())).context("cannot write the UI's types")?;
    let openapi = output(Command::new(built("countersign-server")).arg("openapi").current_dir(repo()))?;
    // A line each, so that a change shows as what it is.
    let openapi = sorted(serde_json::from_str(&openapi).context("the description is no JSON")?);
    fs::write(repo().join(OPENAPI), ending_in_newline(&serde_json::to_string_pretty(&openapi)?))?;
    let example =
        output(Command::new(built("countersign-server")).args(["config", "example"]).current_dir(repo()))?;
    fs::write(repo().join(EXAMPLE_CONFIG), ending_in_newline(&example))?;
    Ok(())
}

/// Members by name: whether a map keeps their order depends on which crates are compiled along.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn ending_in_newline(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

fn contents() -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for path in [OPENAPI, EXAMPLE_CONFIG] {
        if let Ok(content) = fs::read(repo().join(path)) {
            files.insert(PathBuf::from(path), content);
        }
    }
    for entry in fs::read_dir(repo().join(UI_TYPES)).with_context(|| format!("{UI_TYPES}/ is missing"))? {
        let path = entry?.path();
        if path.is_file() {
            files.insert(Path::new(UI_TYPES).join(path.file_name().unwrap_or_default()), fs::read(&path)?);
        }
    }
    Ok(files)
}
