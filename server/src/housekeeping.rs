//! What is over goes away by itself, and the audit chains are anchored.

use std::convert::Infallible;

use tracing::warn;

use crate::clock::Clock;
use crate::service::Service;

/// Sweeps and anchors every `every_s` seconds for as long as the node runs. Any number of nodes may do so at once: the
/// stores agree among themselves. After a pause (a laptop that slept) once is enough.
pub async fn run(service: &Service, clock: &dyn Clock, every_s: u32) -> Infallible {
    loop {
        let due = clock.elapsed().plus_s(every_s.into());
        if let Err(cause) = service.housekeep().await {
            warn!(?cause, "Housekeeping did not finish; the next one makes up for it");
        }
        clock.reached(due).await;
    }
}
