//! `cargo xtask deps`: crates depend on each other only along the arrows of ARCHITECTURE.md.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{cargo, output};

/// Who may import whom inside the workspace; development and build dependencies count as well.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("scanner", &[]),
    ("authenticator", &["protocol", "scanner"]),
    // Its stores are tested on real servers.
    ("countersign-server", &["protocol", "services"]),
    ("countersign", &["authenticator", "scanner"]),
    // Its bench client signs proofs and statements; the scenarios know nothing of the ceremony.
    ("e2e", &["protocol", "services"]),
    ("services", &[]),
    // What anybody could write who knows the standards alone.
    ("example-cli", &[]),
    ("xtask", &[]),
];

/// What the pure crate may not reach for: I/O, clocks, randomness, async. Its tests may.
const KEPT_FROM_PROTOCOL: &[&str] = &[
    "tokio",
    "reqwest",
    "axum",
    "hyper",
    "sqlx",
    "rusqlite",
    "redis",
    "getrandom",
    "rand",
    "futures-util",
    "tauri",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `null` is a normal dependency.
    kind: Option<String>,
}

/// Checks the workspace.
///
/// # Errors
/// One line for each arrow that ARCHITECTURE.md does not have.
pub(crate) fn run() -> Result<()> {
    let json = output(&mut cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&json).context("cannot read `cargo metadata`")?;
    let faults = faults(&metadata);
    if !faults.is_empty() {
        bail!("the house has arrows that ARCHITECTURE.md does not:\n  {}", faults.join("\n  "));
    }
    println!("    {} crates, every arrow is one of ARCHITECTURE.md", metadata.packages.len());
    Ok(())
}

fn faults(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            faults.push(format!("{} is not in the list of crates", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if ours.contains(name) && name != package.name && !allowed.contains(&name) {
                faults.push(format!("{} -> {name}", package.name));
            }
            if package.name == "protocol" && dependency.kind.is_none() && KEPT_FROM_PROTOCOL.contains(&name) {
                faults.push(format!("protocol -> {name}: it does no I/O and reads no clock"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |&(name, kind): &(&str, Option<&str>)| Dependency {
            name: name.into(),
            kind: kind.map(Into::into),
        };
        Package { name: name.into(), dependencies: dependencies.iter().map(dependency).collect() }
    }

    #[test]
    fn a_new_arrow_is_a_fault() {
        let metadata = Metadata {
            packages: vec![
                package("protocol", &[("serde", None)]),
                package("countersign-server", &[("protocol", None), ("authenticator", Some("dev"))]),
                package("authenticator", &[("protocol", None)]),
            ],
        };
        assert_eq!(faults(&metadata), ["countersign-server -> authenticator"]);
    }

    #[test]
    fn an_unknown_crate_is_a_fault() {
        let metadata = Metadata { packages: vec![package("helpers", &[])] };
        assert_eq!(faults(&metadata), ["helpers is not in the list of crates"]);
    }

    #[test]
    fn the_pure_crate_may_use_the_outside_in_its_tests_only() {
        let packages = vec![package("protocol", &[("tokio", Some("dev")), ("getrandom", None)])];
        assert_eq!(faults(&Metadata { packages }).len(), 1);
    }
}
