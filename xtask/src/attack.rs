//! `cargo xtask attack`: attacks on a real server, each held or broken.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::command::{built, cargo, program, run as run_command};

#[derive(Args)]
pub(crate) struct Options {
    /// Write the report here as JSON: {"attacks": [{"name", "held", "detail"}]}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only attacks whose name has this in it.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Take the server's guards out one at a time, and say which attacks miss each; with --only, guards of that name.
    #[arg(long, conflicts_with = "server")]
    guards: bool,
    /// Attack this deployment instead of a server started here. It must be yours: it takes a link of an account there.
    #[arg(long, value_name = "URL", requires = "enrol")]
    server: Option<String>,
    /// With --server: an enrolment link of an account there that nobody uses, from `countersign-server users add NAME`:
    /// the attacks sign it out everywhere.
    #[arg(long, value_name = "LINK", requires = "server")]
    enrol: Option<String>,
}

/// Builds the server and the suite, and attacks.
///
/// # Errors
/// When a build fails or an attack was not held.
pub(crate) fn run(options: &Options) -> Result<()> {
    run_command(&mut build())?;
    run_command(&mut controlled_server("build", &PACKAGES))?;
    let mut attack = suite();
    if let Some(file) = &options.json {
        // The suite runs at the top of the checkout; the person may stand elsewhere.
        attack.arg("--json").arg(std::path::absolute(file)?);
    }
    for (flag, value) in
        [("--only", &options.only), ("--server", &options.server), ("--enrol", &options.enrol)]
    {
        if let Some(value) = value {
            attack.args([flag, value]);
        }
    }
    if options.guards {
        attack.arg("--guards");
    }
    run_command(&mut attack)
}

const PACKAGES: [&str; 4] = ["--package", "countersign-server", "--package", "e2e"];

fn build() -> std::process::Command {
    let programs = ["--bin", "countersign-server", "--bin", "attack"];
    cargo(["build"].into_iter().chain(PACKAGES).chain(programs))
}

/// `cargo STEP` of the server whose clock is in the hands of its tests, beside the one that is shipped. Its feature is on
/// for it alone; `packages` are those of the step before, so that what both depend on is compiled once.
pub(crate) fn controlled_server<'a>(step: &'a str, packages: &[&'a str]) -> std::process::Command {
    let feature = ["--features", "countersign-server/test-control", "--bin", "countersign-server-controlled"];
    cargo([step].into_iter().chain(packages.iter().copied()).chain(feature))
}

/// The suite as it was built, against servers that do without one guard each.
pub(crate) fn guards() -> std::process::Command {
    program(&built("attack").to_string_lossy(), ["--guards"])
}

/// The suite as it was built, against a server that it starts itself.
pub(crate) fn suite() -> std::process::Command {
    program(&built("attack").to_string_lossy(), [])
}
