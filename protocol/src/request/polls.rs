//! How a device of RFC 8628 asks for its tokens.

use serde::{Deserialize, Serialize};

use crate::key::Thumbprint;
use crate::secret::SecretHash;
use crate::time::Timestamp;

/// Seconds between two polls at first (RFC 8628 §3.2: the default of `interval`).
pub const POLL_INTERVAL_S: u32 = 5;
/// What a poll that comes too early adds, for good (RFC 8628 §3.5, `slow_down`).
const SLOWER_BY_S: u32 = 5;

/// How a device has asked so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polls {
    /// Smallest wait between two polls, in seconds.
    pub interval_s: u32,
    /// The newest poll, on time or not; `None` before the first.
    pub last_at: Option<Timestamp>,
}

/// What a device shows when it asks.
#[derive(Clone, Copy, Debug)]
pub struct DeviceProof {
    /// Hash of its device code's secret.
    pub code: SecretHash,
    /// Thumbprint of the key that its proof is made with, if it sent one.
    pub key: Option<Thumbprint>,
}

/// A poll against the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    OnTime,
    TooEarly,
}

impl Polls {
    /// Before the first poll, which may come at once.
    pub const NONE: Self = Self { interval_s: POLL_INTERVAL_S, last_at: None };

    /// The polls with one more at `now`. Each that comes too early lengthens the wait for all that follow.
    pub(super) fn with_one_at(self, now: Timestamp) -> (Self, Pace) {
        let is_early = self.last_at.is_some_and(|last| now.since_s(last) < i64::from(self.interval_s));
        let (interval_s, pace) = if is_early {
            (self.interval_s.saturating_add(SLOWER_BY_S), Pace::TooEarly)
        } else {
            (self.interval_s, Pace::OnTime)
        };
        (Self { interval_s, last_at: Some(now) }, pace)
    }
}
