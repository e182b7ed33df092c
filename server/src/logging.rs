//! Log lines for people or for machines, on standard error. A line carries ids, never a secret, a code or a person.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
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
    let filter = discreet(settings.filter.parse()?);
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

/// Crates whose finest lines hold headers, frames or statements, and with them cookies and codes.
const TALKATIVE: [&str; 7] =
    ["h2", "hyper", "hyper_util", "rustls", "sqlx", "tungstenite", "tokio_tungstenite"];

/// A general `debug` or `trace` is about this server; what others would say then is kept out unless it is asked for by
/// name.
fn discreet(filter: Targets) -> Targets {
    let general = filter.default_level().unwrap_or(LevelFilter::OFF);
    let named: Vec<String> = filter.iter().map(|(target, _)| target.to_owned()).collect();
    TALKATIVE
        .into_iter()
        .filter(|talkative| !named.iter().any(|name| name.split("::").next() == Some(talkative)))
        .fold(filter, |filter, talkative| filter.with_target(talkative, general.min(LevelFilter::INFO)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn other_crates_keep_their_frames_to_themselves() {
        let filter = discreet("trace".parse().unwrap());
        assert!(filter.would_enable("countersign_server::service", &Level::TRACE));
        assert!(filter.would_enable("h2::codec", &Level::INFO));
        assert!(!filter.would_enable("h2::codec", &Level::DEBUG));
        assert!(!discreet("warn".parse().unwrap()).would_enable("sqlx::query", &Level::INFO));
    }

    #[test]
    fn they_speak_when_asked_by_name() {
        let filter = discreet("info,h2::codec=trace".parse().unwrap());
        assert!(filter.would_enable("h2::codec", &Level::TRACE));
    }
}
