//! Figures of the server beside a bare floor, in one run: `cargo xtask bench server`.
//!
//! The same client signs every proof and statement inside the clock, so what is compared is whole logins. The floor is
//! an axum service without users, limits or audit that checks the same four ES256 signatures a login and, for the
//! SQLite row, writes the same two rows. Both run as processes of their own; CPU and memory are read from /proc.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod call;
mod floor;
mod login;
mod logins;
mod party;
mod report;
mod subject;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use report::{Figures, Report};
use subject::{Kind, Store, Subject};

#[derive(Parser)]
#[command(about = "Measures the server beside a bare floor")]
struct Options {
    /// The server's binary.
    #[arg(long, required_unless_present = "floor")]
    server: Option<PathBuf>,
    /// How long each rate is measured, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How many pages wait while memory is measured.
    #[arg(long, default_value_t = 5_000)]
    waiting: u32,
    /// How many logins run at once.
    #[arg(long, default_value_t = 64)]
    at_once: u32,
    /// How many approvals are timed, one after the other.
    #[arg(long, default_value_t = 1_000)]
    approvals: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Be the floor: serve until standard input closes.
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
    if options.floor {
        return floor::serve(options.floor_data.as_deref()).await;
    }
    let server = options.server.clone().unwrap_or_default();
    let mut report = Report::new(options);
    for kind in [Kind::Floor, Kind::Countersign] {
        report.set(kind, measure(kind, &server, options).await?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        println!("{}", report.table());
    }
    Ok(())
}

async fn measure(kind: Kind, server: &std::path::Path, options: &Options) -> Result<Figures> {
    let mut figures = Figures::default();

    // An empty one: making accounts is no part of a start.
    let subject = Subject::start(kind, Store::Memory, server, 0)?;
    figures.ready_ms = subject.ready_ms;
    figures.rss_idle_mb = subject.rss_mb()?;
    drop(subject);

    let subject = Subject::start(kind, Store::Memory, server, options.at_once + 1)?;
    let rate = logins::run(&subject, options.at_once, options.seconds).await?;
    figures.memory_logins_per_s = rate.per_s;
    figures.cpu_ms_memory = rate.cpu_ms;
    let times = logins::approvals(&subject, options.at_once, options.approvals).await?;
    (figures.approve_p50_ms, figures.approve_p99_ms) = (times.p50_ms, times.p99_ms);
    drop(subject);

    let subject = Subject::start(kind, Store::Memory, server, 1)?;
    let before_mb = subject.rss_mb()?;
    let waiting = waiting::open(&subject, options.waiting).await?;
    figures.starts_per_s = waiting.per_s;
    figures.rss_waiting_mb = subject.rss_mb()?;
    figures.kb_per_waiting = (figures.rss_waiting_mb - before_mb) * 1024.0 / f64::from(options.waiting);
    let times = logins::approvals(&subject, 0, options.approvals.min(300)).await?;
    (figures.approve_waiting_p50_ms, figures.approve_waiting_p99_ms) = (times.p50_ms, times.p99_ms);
    drop(waiting);
    drop(subject);

    let subject = Subject::start(kind, Store::Sqlite, server, options.at_once)?;
    let rate = logins::run(&subject, options.at_once, options.seconds).await?;
    figures.sqlite_logins_per_s = rate.per_s;
    figures.cpu_ms_sqlite = rate.cpu_ms;
    Ok(figures)
}
