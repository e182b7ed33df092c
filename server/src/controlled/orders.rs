//! Orders, one a line: `pass SECONDS` lets time pass, `step SECONDS` sets the clock on or (negative) back without any
//! time passing, `die PLACE` ends the process without a word when it comes there (see [`kill_point`]), `hold PLACE` lets
//! calls wait there, `arrived` is done once one does, `release` lets them go on, `now` does nothing. Each is answered with
//! server time once it is done; whatever else, with `?`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use countersign_server::clock::{Clock as _, TestClock};
use countersign_server::kill_point;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Listens at `path`; what a killed process left there goes away first.
///
/// # Errors
/// What the system said.
pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => UnixListener::bind(path),
    }
}

/// Does what it is told for as long as the process lives.
pub(super) async fn follow(listener: UnixListener, clock: Arc<TestClock>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(obey(stream, Arc::clone(&clock)));
    }
}

async fn obey(stream: UnixStream, clock: Arc<TestClock>) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match carry_out(&line, &clock).await {
            Some(()) => clock.now().unix_s().to_string(),
            None => "?".to_owned(),
        };
        writing.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    Ok(())
}

async fn carry_out(line: &str, clock: &TestClock) -> Option<()> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("pass", seconds) => clock.advance_s(seconds.parse().ok()?),
        ("step", seconds) => clock.step_s(seconds.parse().ok()?),
        ("die", place) if !place.is_empty() => kill_point::arm(place),
        ("hold", place) if !place.is_empty() => kill_point::hold(place),
        ("arrived", "") => kill_point::arrived().await,
        ("release", "") => kill_point::release(),
        ("now", "") => {}
        _ => return None,
    }
    Some(())
}
