//! `countersign-server` for tests, with its time and its guards in the hands of whoever started it. Built with the feature
//! `test-control` only, and never shipped.
//!
//! Every command starts at the moment of [`NOW`] and stays there. `serve` listens at [`SOCKET`] for orders that move its
//! clock, see [`orders`]. The guard that [`HOLE`] names is taken out, see [`protocol::holes`].

mod orders;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use countersign_server::cli::{self, Cli, CliError, Exit};
use countersign_server::clock::{Clock, TestClock};
use protocol::time::Timestamp;

/// Environment variable: when it starts, in Unix seconds.
const NOW: &str = "TEST_CONTROL_NOW";
/// Environment variable: where it takes orders, the path of a Unix socket. Without it time stands still.
const SOCKET: &str = "TEST_CONTROL_SOCKET";
/// Environment variable: the name of a guard to do without, so that an attack can show that it notices.
const HOLE: &str = "TEST_CONTROL_HOLE";

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(HOLE) {
        protocol::holes::open(name);
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return ended_with(&CliError::failed("could not start", source)),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended_with(&error),
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    let now = std::env::var(NOW).ok().and_then(|text| text.parse().ok());
    let Some(now) = now else {
        return Err(CliError::Usage(format!("{NOW} has to say when it starts, in Unix seconds.")));
    };
    let clock = Arc::new(TestClock::at(Timestamp(now)));
    if let Some(path) = std::env::var_os(SOCKET).map(PathBuf::from) {
        let orders = orders::listen(&path)
            .map_err(|source| CliError::failed(format!("could not listen at {}", path.display()), source))?;
        tokio::spawn(orders::follow(orders, Arc::clone(&clock)));
    }
    cli::run(cli, clock as Arc<dyn Clock>).await
}

#[expect(clippy::print_stderr, reason = "this is where a program says why it ends")]
fn ended_with(error: &CliError) -> ExitCode {
    eprintln!("countersign-server-controlled: {}", error.report());
    Exit::from(error).into()
}
