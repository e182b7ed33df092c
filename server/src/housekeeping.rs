//! What is over goes away by itself, and the audit chains are anchored.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::service::Service;

/// Sweeps and anchors every `every_s` seconds for as long as the node runs. Any number of nodes may do so at once: the
/// stores agree among themselves.
pub async fn run(service: &Service, every_s: u32) -> Infallible {
    let mut ticks = interval(Duration::from_secs(every_s.into()));
    // After a pause (a laptop that slept) once is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(cause) = service.housekeep().await {
            warn!(?cause, "Housekeeping did not finish; the next one makes up for it");
        }
    }
}
