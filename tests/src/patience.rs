//! Waiting for a condition, with a limit.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Result, bail};

/// How long a condition may take; several times of what a slow machine needs, since only a failure waits for it.
const LIMIT: Duration = Duration::from_mins(2);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The usual limit, times the whole number in `COUNTERSIGN_E2E_PATIENCE` for slow (emulated) machines.
pub fn limit() -> Duration {
    let factor = std::env::var("COUNTERSIGN_E2E_PATIENCE").ok().and_then(|text| text.parse().ok());
    LIMIT * factor.unwrap_or(1)
}

/// Looks until `look` gives a value.
///
/// # Errors
/// When the limit is over first (the message has the last failure), or never when `look` succeeds.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(what, limit(), look).await
}

/// Looks until `look` gives a value, at most as long as `limit`.
///
/// # Errors
/// When the limit is over first; the message has the last failure.
pub async fn until_within<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let mut last = String::new();
    let looking = async {
        loop {
            match look().await {
                Ok(Some(value)) => return value,
                Ok(None) => last.clear(),
                Err(error) => last = format!(" (last: {error:#})"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(limit, looking).await {
        Ok(value) => Ok(value),
        Err(_) => bail!("waited {} s for {what}{last}", limit.as_secs()),
    }
}

/// Looks until `look` gives exactly `wanted`.
///
/// # Errors
/// When the limit is over first; the message has what was there instead.
pub async fn until_is<T: PartialEq + Debug>(
    what: &str,
    wanted: T,
    mut look: impl AsyncFnMut() -> Result<T>,
) -> Result<()> {
    until(&format!("{what} to be {wanted:?}"), async || {
        let found = look().await?;
        if found == wanted { Ok(Some(())) } else { bail!("it is {found:?}") }
    })
    .await
}
