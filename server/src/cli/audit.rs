use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use tokio::sync::mpsc;

use super::error::CliError;
use super::opened::Opened;
use super::output::Output;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::audit;

/// Lines between the store and the file; a slow disk holds the reader back.
const LINES_AHEAD: usize = 256;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Write all chains as lines of JSON.
    Export {
        /// Write to this file instead of standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Say whether an exported file is whole and unchanged; needs no store.
    Verify {
        /// The file.
        file: PathBuf,
    },
}

pub(super) async fn export(
    out: Option<&Path>,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    let opened = Opened::open(settings, clock, false).await?;
    let (lines, mut received) = mpsc::channel::<String>(LINES_AHEAD);
    // Owns the receiving end: a reader that could not write has to let go of it, or the store waits for room for ever.
    let writing = async move {
        let mut target: Box<dyn Write + Send> = match out {
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let mut count = 0_u64;
        while let Some(line) = received.recv().await {
            target.write_all(line.trim_end().as_bytes())?;
            target.write_all(b"\n")?;
            count += 1;
        }
        target.flush()?;
        Ok::<u64, io::Error>(count)
    };
    let (exported, written) = tokio::join!(opened.store().export_audit(lines), writing);
    exported?;
    let written = match written {
        // `| head` has seen enough.
        Err(error) if out.is_none() && error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        written => written.map_err(|source| CliError::failed("could not write the log", source))?,
    };
    match out {
        Some(path) => {
            let sentence = format!("{written} entries are in {}.", path.display());
            output.done(&sentence, &serde_json::json!({ "entries": written, "file": path }))
        }
        None => Ok(()),
    }
}

pub(super) fn verify(file: &Path, output: Output) -> Result<(), CliError> {
    let text = fs::read_to_string(file)
        .map_err(|source| CliError::failed(format!("could not read {}", file.display()), source))?;
    let verified = audit::verify(text.lines())
        .map_err(|broken| CliError::Broken(format!("{} does not verify: {broken}", file.display())))?;
    let value = serde_json::json!({
        "ok": true,
        "chains": verified.chains,
        "entries": verified.entries,
        "anchors": verified.anchors,
        "trimmed": verified.trimmed,
    });
    let sentence =
        format!("{} entries in {} chains are whole and unchanged.", verified.entries, verified.chains);
    output.done(&sentence, &value)
}
