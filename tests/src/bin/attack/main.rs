//! `cargo xtask attack`: attacks from outside, over HTTP and WebSocket, on a real server that runs as its operator runs
//! it. Each attack has a name and ends as held or broken; one broken ends the run with 1.
//!
//! 1. [`server::Server`] starts the program with a port and a data folder of its own,
//! 2. [`ground::Ground`] gives each attack an address, accounts, devices and pages of its own,
//! 3. [`client`] speaks the protocol as its text says, and lets an attack bend every part of it,
//! 4. [`attacks`] has the attacks by theme,
//! 5. [`report`] says what held,
//! 6. [`guards`] takes the server's guards out one at a time: each has to be missed by the attacks that it is there for.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the suite prints what held")]

mod attacks;
mod client;
mod ground;
mod guards;
mod report;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::StreamExt as _;

use attacks::{Attack, Needs};
use ground::{ASKED_TO_WAIT_S, Ground};
use report::Verdict;
use server::Server;

/// No attack takes longer, not even on a slow machine.
const LIMIT: Duration = Duration::from_mins(20);

#[derive(Parser)]
#[command(about = "Attacks a Countersign server and says what held")]
struct Options {
    /// Write the report here as JSON: {"attacks": [{"name", "held", "detail"}]}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only attacks whose name has this in it.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// How many attacks run at once.
    #[arg(long, default_value_t = 8, value_name = "NUMBER")]
    at_once: usize,
    /// Attack this deployment instead of a server started here. It must be yours: it takes a link of an account there.
    #[arg(long, value_name = "URL", requires = "enrol")]
    server: Option<String>,
    /// With --server: an enrolment link of an account there that nobody uses, from `countersign-server users add NAME`:
    /// the attacks sign it out everywhere.
    #[arg(long, value_name = "LINK", requires = "server")]
    enrol: Option<String>,
    /// Take the server's guards out one at a time, and say which attacks miss each; with --only, guards of that name.
    #[arg(long, conflicts_with = "server")]
    guards: bool,
    /// Print the names and end.
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<bool> {
    // One provider in the process; another one may be there already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    if options.guards {
        return guards::run(options.only.as_deref(), options.at_once, options.json.as_deref()).await;
    }
    let chosen: Vec<Attack> = attacks::all()
        .into_iter()
        .filter(|attack| options.only.as_ref().is_none_or(|text| attack.name().contains(text)))
        .collect();
    ensure!(!chosen.is_empty(), "no attack has that in its name");
    if options.list {
        for attack in &chosen {
            println!("{}", attack.name());
        }
        return Ok(true);
    }
    let verdicts = match (&options.server, &options.enrol) {
        (Some(url), Some(link)) => elsewhere(&chosen, url, link).await?,
        _ => here(chosen, options.at_once).await?,
    };
    if let Some(file) = &options.json {
        report::write(file, &verdicts)?;
    }
    let broken: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.held).collect();
    println!("\n{} held, {} broken", verdicts.len() - broken.len(), broken.len());
    for verdict in &broken {
        println!("{}", verdict.line());
    }
    Ok(broken.is_empty())
}

/// On servers started here, several attacks at once.
async fn here(chosen: Vec<Attack>, at_once: usize) -> Result<Vec<Verdict>> {
    let server = Arc::new(Server::start(&[]).await?);
    let standing = Arc::new(Server::start_standing(&[]).await?);
    let running = futures_util::stream::iter(chosen).map(|attack| {
        let ground = match attack.needs {
            Needs::OneAccount | Needs::OwnServer => Ground::own(&server),
            Needs::StandingTime => Ground::own(&standing),
        };
        async move {
            let verdict = judge(&attack, ground.context("no ground to stand on")?).await;
            println!("{}", verdict.line());
            anyhow::Ok(verdict)
        }
    });
    let mut verdicts = Vec::new();
    let mut running = running.buffer_unordered(at_once.max(1));
    while let Some(verdict) = running.next().await {
        verdicts.push(verdict?);
    }
    verdicts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(verdicts)
}

/// On somebody's deployment, one after the other: its limits count all attacks as one.
async fn elsewhere(chosen: &[Attack], url: &str, link: &str) -> Result<Vec<Verdict>> {
    let ground = Ground::foreign(url, link).await.context("the deployment did not take the link")?;
    let mut verdicts = Vec::new();
    for attack in chosen {
        if attack.needs != Needs::OneAccount {
            println!("left    {}: it needs a server that is started for it", attack.name());
            continue;
        }
        ASKED_TO_WAIT_S.store(0, Ordering::Relaxed);
        let mut verdict = judge(attack, ground.clone()).await;
        let wait_s = ASKED_TO_WAIT_S.swap(0, Ordering::Relaxed);
        if !verdict.held && wait_s > 0 {
            println!("wait    {}: the deployment's limits ask for {wait_s} s", attack.name());
            tokio::time::sleep(Duration::from_secs(wait_s)).await;
            verdict = judge(attack, ground.clone()).await;
        }
        println!("{}", verdict.line());
        verdicts.push(verdict);
        ground.tidy().await?;
    }
    ground.leave().await?;
    Ok(verdicts)
}

pub(crate) async fn judge(attack: &Attack, ground: Ground) -> Verdict {
    let outcome = match tokio::time::timeout(LIMIT, (attack.run)(ground)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow::anyhow!("it did not end within {} s", LIMIT.as_secs())),
    };
    let (held, detail) = match outcome {
        Ok(detail) => (true, detail),
        Err(error) => (false, format!("{error:#}")),
    };
    Verdict { name: attack.name(), held, detail }
}
