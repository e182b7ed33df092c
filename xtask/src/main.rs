//! The project's own commands, `cargo xtask NAME`. They install what a fresh machine lacks, so that a clone and
//! one command are enough.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks on its terminal"
)]

mod attack;
mod bench;
mod bundle;
mod command;
mod deps;
mod faults;
mod fuzz;
mod generated;
mod pictures;
#[cfg(test)]
mod promises;
mod room;
mod run;
mod schemathesis;
mod setup;
mod site;
mod stages;
mod stopwatch;
mod tally;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Countersign's own commands",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, and sign in on this machine: server, login page and app.
    Run(run::Options),
    /// Every check and test, with the minutes that each stage took.
    Test(stages::Options),
    /// Attack a server that is started for it, or your own deployment.
    Attack(attack::Options),
    /// Let nodes and stores die, hang and lose each other while people sign in.
    Faults(faults::Options),
    /// Measure a part: `server`, `scanner`.
    Bench(bench::Options),
    /// Feed the parsers and decoders what a fuzzer thinks of, each target for some minutes.
    Fuzz(fuzz::Options),
    /// Try what the server's OpenAPI document promises on a server that runs.
    Schemathesis(schemathesis::Options),
    /// Build the packages of the app for this system: deb and rpm.
    Bundle,
    /// Write the generated files anew: UI types, OpenAPI, example configuration.
    Types,
    /// Take the pictures of the documentation: every view and page state, light and dark.
    Pictures(pictures::Options),
    /// Check that crates depend on each other only along the arrows of ARCHITECTURE.md.
    Deps,
    /// Install what building and testing needs, and nothing else.
    Setup,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Task::Run(options) => run::run(&options),
        Task::Test(options) => match stages::run(&options) {
            Ok(true) => Ok(()),
            // The closing line has said it.
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
        Task::Attack(options) => attack::run(&options),
        Task::Faults(options) => faults::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Schemathesis(options) => schemathesis::run(&options),
        Task::Bundle => bundle::run(),
        Task::Types => generated::write(),
        Task::Pictures(options) => pictures::run(&options),
        Task::Deps => deps::run(),
        Task::Setup => setup::everything(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
