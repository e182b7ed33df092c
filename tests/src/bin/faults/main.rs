//! `cargo xtask faults`: real processes and real stores die, hang, forget and lose each other, again and again, while
//! people sign in. Each login has to end signed in once, or with a reason.
//!
//! 1. [`cast`] has the nodes, their stores and the lines between them,
//! 2. [`fault`] has the faults by name, each something that an operator or a machine does,
//! 3. [`person`] is a browser and its authenticator, [`login`] one login of theirs, [`repeated`] a call as page and app
//!    make it: again after no answer,
//! 4. [`run`] lets everybody sign in while one fault happens,
//! 5. [`verdict`] says what became of each login, by the durable store's own words,
//! 6. [`report`] prints it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints what it found")]

mod cast;
#[allow(dead_code, unused_imports, reason = "the attacks use all of it")]
#[path = "../attack/client/mod.rs"]
mod client;
mod fault;
mod line;
mod login;
mod node;
mod person;
mod repeated;
mod report;
mod run;
mod verdict;

/// What the client notes for the attack suite.
mod ground {
    use std::sync::atomic::AtomicU64;

    pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);
}

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use cast::Cast;
use fault::{FAULTS, Stores};
use person::Person;
use report::Report;

#[derive(Parser)]
#[command(about = "Signs in while nodes and stores die, hang and lose each other")]
struct Options {
    /// Write the report here as JSON: {"faults": [{"name", "tried", "done", "refused", "lost", "twice", ...}]}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Logins that are tried for each fault.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    logins: u64,
    /// Only faults whose name has this in it.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Browsers that sign in at once, each with an authenticator and an account of its own.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=200))]
    at_once: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    // Whoever ends it ends the nodes, too: they go with what is dropped here.
    let outcome = tokio::select! {
        outcome = act(&options) => outcome,
        told = told_to_end() => told.and_then(|()| bail!("it was told to end")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_end() -> Result<()> {
    let mut told = signal(SignalKind::terminate())?;
    told.recv().await;
    Ok(())
}

/// Runs all that were asked for; whether each was as it has to be.
async fn act(options: &Options) -> Result<bool> {
    // One provider in the process.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut report = Report::new(options.logins);
    println!("limits raised: {}\n", node::raised());
    println!("{}", report::head());
    for stores in [Stores::Shared, Stores::File] {
        let wanted = options.only.as_deref().unwrap_or_default();
        let faults: Vec<_> = FAULTS.iter().filter(|fault| fault.name.contains(wanted)).collect();
        let faults: Vec<_> = faults.into_iter().filter(|fault| fault.stores == stores).collect();
        if faults.is_empty() {
            continue;
        }
        let mut cast = Cast::start(stores).await?;
        let mut people = Vec::new();
        for number in 0..options.at_once {
            people.push(Person::enrol(&cast, number).await?);
        }
        for fault in faults {
            let (row, ready) = run::under(fault, &mut cast, people, options.logins).await?;
            println!("{}", row.line());
            report.push(row);
            people = ready;
        }
    }
    if report.is_empty() {
        let names: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        bail!("no fault has that name; there are {}", names.join(", "));
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&report.json())?)?;
    }
    println!("\n{}", report.reasons());
    println!("{}", report.closing());
    Ok(report.failures() == 0)
}
