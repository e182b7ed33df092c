//! `cargo xtask faults`: nodes and stores die, hang and lose each other while people sign in.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::command::{built, cargo, program, run as run_command};

/// Logins for each fault where every check of the project runs one after the other.
const FEW: &str = "60";

#[derive(Args)]
pub(crate) struct Options {
    /// Write the report here as JSON: {"faults": [{"name", "tried", "done", "refused", "lost", "twice", ...}]}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Logins that are tried for each fault.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    logins: u64,
    /// Only faults whose name has this in it.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Builds the server and the program that hurts it, and lets it.
///
/// # Errors
/// When a build fails, a login was lost or counted twice, or a fault did not happen.
pub(crate) fn run(options: &Options) -> Result<()> {
    let packages = ["--package", "countersign-server", "--package", "e2e"];
    let programs = ["--bin", "countersign-server", "--bin", "faults"];
    run_command(&mut cargo(["build"].into_iter().chain(packages).chain(programs)))?;
    let mut faults = as_built();
    faults.args(["--logins", &options.logins.to_string()]);
    if let Some(file) = &options.json {
        // The program runs at the top of the checkout; the person may stand elsewhere.
        faults.arg("--json").arg(std::path::absolute(file)?);
    }
    if let Some(name) = &options.only {
        faults.args(["--only", name]);
    }
    run_command(&mut faults)
}

/// A short run of it as it was built.
pub(crate) fn short() -> Command {
    let mut faults = as_built();
    faults.args(["--logins", FEW]);
    faults
}

fn as_built() -> Command {
    program(&built("faults").to_string_lossy(), [])
}
