//! How long a call took, for attacks that listen to time.

use std::time::{Duration, Instant};

/// Runs `call` and measures it.
#[expect(clippy::disallowed_methods, reason = "an attacker has a clock")]
pub(crate) async fn measured<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let outcome = call.await;
    (outcome, start.elapsed())
}
