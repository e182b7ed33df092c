//! The server as a program: reads the command line, runs it, says what went wrong.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use countersign_server::cli::{self, Cli, CliError, Exit};
use countersign_server::clock::SystemClock;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return ended_with(&CliError::failed("could not start", source)),
    };
    match runtime.block_on(cli::run(cli, Arc::new(SystemClock::new()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended_with(&error),
    }
}

#[expect(clippy::print_stderr, reason = "this is where a program says why it ends")]
fn ended_with(error: &CliError) -> ExitCode {
    eprintln!("countersign-server: {}", error.report());
    Exit::from(error).into()
}
