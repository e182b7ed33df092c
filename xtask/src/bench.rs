//! `cargo xtask bench server`: figures of the server beside a bare floor, in one run.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::command::{cargo, program, run as run_command, target};

#[derive(Args)]
pub(crate) struct Options {
    /// What to measure.
    part: Part,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How long each measure runs, in whole seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How many login pages wait while memory is measured.
    #[arg(long, default_value_t = 5_000)]
    waiting: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Whole logins per second, approve to signed in, memory with waiting pages.
    Server,
}

/// Builds in release and measures.
///
/// # Errors
/// When a build fails or a measured call gave another answer than expected.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Part::Server = options.part;
    run_command(&mut cargo([
        "build",
        "--release",
        "--package",
        "countersign-server",
        "--package",
        "e2e",
        "--bin",
        "countersign-server",
        "--bin",
        "bench-server",
    ]))?;
    let release = target().join("release");
    let mut bench = program(&release.join("bench-server").to_string_lossy(), []);
    bench.arg("--server").arg(release.join("countersign-server")).args([
        "--seconds",
        &options.seconds.to_string(),
        "--waiting",
        &options.waiting.to_string(),
    ]);
    if options.json {
        bench.arg("--json");
    }
    run_command(&mut bench)
}
