//! Log lines for people or for machines, on standard error. A line carries ids, never a secret, a code or a person.

use std::io::IsTerminal;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, LogSettings};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The setting `log.filter` is none.
    #[error("could not read log.filter")]
    Filter(#[from] ParseError),
    /// Something in this process logs already.
    #[error("could not start logging")]
    Started(#[from] TryInitError),
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`LoggingError`]: a filter that is none, or a second start.
pub fn start(settings: &LogSettings) -> Result<(), LoggingError> {
    let filter: Targets = settings.filter.parse()?;
    let lines = match settings.format {
        LogFormat::Human => {
            let colours = std::io::stderr().is_terminal();
            fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false).boxed()
        }
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    Ok(())
}
