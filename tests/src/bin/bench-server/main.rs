//! Figures of the server beside a bare floor and a peer, in one run: `cargo xtask bench server`.
//!
//! The same client signs every proof and statement inside the clock, so what is compared is whole logins. The floor is
//! an axum service without users, limits or audit that checks the same four ES256 signatures a login and, for the
//! SQLite row, writes the same two rows at the same durability. All run as processes of their own; CPU and memory are
//! read from /proc.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod approvals;
mod call;
mod capacity;
mod crew;
mod figures;
mod floor;
mod floor_file;
mod login;
mod machine;
mod measure;
mod page;
mod party;
mod peer;
mod plot;
mod polls;
mod report;
mod soak;
mod statistics;
mod stores;
mod subject;
mod waiting;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use serde_json::Value;

use measure::Bench;
use report::Report;
use soak::Soak;
use stores::Stores;
use subject::Programs;

#[derive(Parser)]
#[command(about = "Measures the server beside a bare floor")]
struct Options {
    /// The server's binary.
    #[arg(long, required_unless_present = "floor")]
    server: Option<PathBuf>,
    /// The peer's folder, its packages installed.
    #[arg(long, value_name = "DIR")]
    oidc_provider: Option<PathBuf>,
    /// PostgreSQL for more rows: a URL, its database empty; or the word "start".
    #[arg(long, value_name = "URL|start")]
    database: Option<String>,
    /// Redis or Valkey for more rows: a URL, or the word "start".
    #[arg(long, value_name = "URL|start", requires = "database")]
    redis: Option<String>,
    /// How many nodes of ours share them.
    #[arg(long, default_value_t = 1)]
    nodes: u32,
    /// How long each rate is measured, in seconds, three times.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How many pages wait while memory is measured; then twice as many.
    #[arg(long, default_value_t = 5_000)]
    waiting: u32,
    /// How many logins run at once.
    #[arg(long, default_value_t = 64)]
    at_once: u32,
    /// How many approvals are timed, one after the other.
    #[arg(long, default_value_t = 1_000)]
    approvals: u32,
    /// Instead of the table: steady load for so many minutes, and what memory does.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u32>,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the measured parts of performance.md in this folder anew, and its plots.
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
    /// What the page says how it was made.
    #[arg(long, default_value = "bench-server")]
    command: String,
    /// Be the floor: serve until it is killed.
    #[arg(long, hide = true)]
    floor: bool,
    /// With `--floor`: write each login to an SQLite file in this folder.
    #[arg(long, hide = true)]
    floor_data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let open_files = machine::raise_open_files()?;
    if options.floor {
        return floor::serve(options.floor_data.as_deref()).await;
    }
    ensure!(options.nodes > 0, "--nodes wants 1 or more");
    ensure!(
        options.nodes == 1 || options.redis.is_some(),
        "several nodes share Redis; give --database and --redis"
    );
    let server = options.server.clone().context("--server is missing")?;
    let programs = Programs { server, peer: options.oidc_provider.clone() };
    if let Some(minutes) = options.soak {
        let soak = Soak::run(options, &programs, minutes).await?;
        println!("{}", soak.verdict()?);
        write_json(options, &soak.json())?;
        return options.docs.as_deref().map_or(Ok(()), |folder| page::write_soak(folder, &soak));
    }
    let stores = Stores::open(options.database.as_deref(), options.redis.as_deref())?;
    let mut bench = Bench { options, programs, stores, report: Report::new(options, open_files) };
    bench.run().await?;
    println!("{}", bench.report.table());
    write_json(options, &bench.report.json())?;
    options.docs.as_deref().map_or(Ok(()), |folder: &Path| page::write(folder, &bench.report))
}

fn write_json(options: &Options, json: &Value) -> Result<()> {
    let Some(file) = &options.json else { return Ok(()) };
    std::fs::write(file, serde_json::to_string_pretty(json)? + "\n")
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Options;

    #[test]
    fn the_command_line_is_whole() {
        Options::command().debug_assert();
    }
}
