use serde::{Deserialize, Serialize};

use crate::check::CheckNumber;
use crate::id::{AccountId, DeviceId, Ticket};
use crate::statement::Decision;
use crate::time::Timestamp;

/// Where a request stands, with exactly the data that exists there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Shown, not scanned.
    Waiting {
        /// Start + [`Lives::waiting_s`](super::Lives::waiting_s).
        ends_at: Timestamp,
    },
    /// Locked to one device and account.
    Scanned {
        /// Scan + [`Lives::scanned_s`](super::Lives::scanned_s).
        ends_at: Timestamp,
        /// Who scanned.
        lock: Lock,
        /// The number that the page shows.
        check: Option<CheckNumber>,
        /// Numbers that may still be tried.
        tries_left: u8,
        /// The context bytes as sent to the authenticator.
        #[serde(with = "crate::encoding::text")]
        context: Vec<u8>,
        /// They ask for a verified person: an approval without `user_verified` is refused.
        verification: bool,
    },
    /// Approved, not redeemed.
    Approved {
        /// Decision + [`Lives::approved_s`](super::Lives::approved_s).
        ends_at: Timestamp,
        /// Who approved.
        lock: Lock,
    },
    /// Final.
    Over {
        /// How it ended.
        outcome: Outcome,
        /// When; the record is forgotten [`Lives::final_s`](super::Lives::final_s) later.
        at: Timestamp,
        /// The decision, where there was one: its repeats are harmless.
        decided: Option<Decided>,
    },
}

/// What a scan ties a request to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lock {
    /// The device that scanned.
    pub device: DeviceId,
    /// Its account: the only one that can be signed in.
    pub account: AccountId,
    /// Names the scan.
    pub ticket: Ticket,
    /// SHA-256 of the context bytes.
    #[serde(with = "crate::encoding::text")]
    pub context_hash: [u8; 32],
}

/// A decision that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decided {
    /// Who decided.
    pub lock: Lock,
    /// What.
    pub decision: Decision,
    /// Until when a repeated redeem gives the same session: decision + 60 s.
    pub redeem_repeats_until: Timestamp,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "reason", rename_all = "snake_case")]
pub enum Outcome {
    /// Signed in.
    Redeemed,
    /// Refused.
    Denied(Denied),
    /// A deadline passed.
    Expired(Expired),
    /// Called off.
    Cancelled(Cancelled),
}

/// Why a request was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// The person said no.
    User,
    /// The person said "This wasn't me".
    Reported,
    /// Three wrong numbers.
    Check,
    /// The network rule, judged at the scan.
    Network,
}

/// Where a request stood when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expired {
    /// Nobody scanned.
    Waiting,
    /// Nobody decided.
    Scanned,
    /// The page did not redeem.
    Approved,
}

/// Who called it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// The page.
    Page,
    /// The account's owner, by "end all", or by removing the device or account.
    Revoked,
}

/// The word of a state on the wire and in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Phase {
    /// [`State::Waiting`]
    Waiting,
    /// [`State::Scanned`]
    Scanned,
    /// [`State::Approved`]
    Approved,
    /// [`Outcome::Redeemed`]
    Redeemed,
    /// [`Outcome::Denied`]
    Denied,
    /// [`Outcome::Expired`]
    Expired,
    /// [`Outcome::Cancelled`]
    Cancelled,
}

impl State {
    /// The word for it.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Waiting { .. } => Phase::Waiting,
            Self::Scanned { .. } => Phase::Scanned,
            Self::Approved { .. } => Phase::Approved,
            Self::Over { outcome, .. } => outcome.phase(),
        }
    }

    /// When it ends by itself; `None` for a final one.
    pub const fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { ends_at } | Self::Scanned { ends_at, .. } | Self::Approved { ends_at, .. } => {
                Some(*ends_at)
            }
            Self::Over { .. } => None,
        }
    }

    /// Who scanned, as long as the request is open.
    pub const fn lock(&self) -> Option<&Lock> {
        match self {
            Self::Scanned { lock, .. } | Self::Approved { lock, .. } => Some(lock),
            Self::Waiting { .. } | Self::Over { .. } => None,
        }
    }
}

impl Outcome {
    /// The word for it.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Redeemed => Phase::Redeemed,
            Self::Denied(_) => Phase::Denied,
            Self::Expired(_) => Phase::Expired,
            Self::Cancelled(_) => Phase::Cancelled,
        }
    }

    /// The `reason` on the wire.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Redeemed => None,
            Self::Denied(Denied::User) => Some("user"),
            Self::Denied(Denied::Reported) => Some("reported"),
            Self::Denied(Denied::Check) => Some("check"),
            Self::Denied(Denied::Network) => Some("network"),
            Self::Expired(Expired::Waiting) => Some("waiting"),
            Self::Expired(Expired::Scanned) => Some("scanned"),
            Self::Expired(Expired::Approved) => Some("approved"),
            Self::Cancelled(Cancelled::Page) => Some("page"),
            Self::Cancelled(Cancelled::Revoked) => Some("revoked"),
        }
    }
}

impl Phase {
    /// True for the states that nothing leaves.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Redeemed | Self::Denied | Self::Expired | Self::Cancelled)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Scanned => "scanned",
            Self::Approved => "approved",
            Self::Redeemed => "redeemed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}
