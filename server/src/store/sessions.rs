use protocol::id::{AccountId, DeviceId, RequestId, SessionId, Ticket};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;

use super::accounts::Account;
use super::front_doors::Consent;
use crate::config::SessionKind;

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public id; authorises nothing.
    pub id: SessionId,
    /// The login request that it came from.
    pub request: RequestId,
    /// Whose.
    pub account: AccountId,
    /// The device that approved it.
    pub device: DeviceId,
    /// Ends with that device, or not.
    pub kind: SessionKind,
    /// Redeem.
    pub created_at: Timestamp,
    /// Last call, to the minute.
    pub last_seen_at: Timestamp,
    /// When the newest token was issued.
    pub token_issued_at: Timestamp,
    /// Network address at the redeem.
    pub address: String,
    /// As claimed; cleaned.
    pub browser: String,
    /// As claimed; cleaned.
    pub system: String,
    /// Whether the authenticator verified its person for the approval.
    pub verified: bool,
}

/// A live session with whom it signs in and by which device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// Its account, active.
    pub account: Account,
    /// The name of the device that approved it.
    pub device_name: String,
    /// From when on the token that was shown is refused; for a look-up by id the newest one's end.
    pub token_ends_at: Timestamp,
}

/// A redeem that the short-lived record allows: the durable store has the last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Fresh.
    pub id: SessionId,
    /// The scan whose approval is redeemed.
    pub ticket: Ticket,
    /// The login request; at most one session each, ever.
    pub request: RequestId,
    /// Hash of the token that follows from the page secret.
    pub token: SecretHash,
    /// The page key that proved itself; `None` for a device grant, which takes no other session's place.
    pub page_key: Option<Thumbprint>,
    /// What the approval lets a client have, remembered with the session.
    pub consent: Option<Consent>,
    /// Ends with the device, or not.
    pub kind: SessionKind,
    /// Network address of the redeem.
    pub address: String,
    /// As claimed; cleaned.
    pub browser: String,
    /// As claimed; cleaned.
    pub system: String,
    /// Whether the approval was asked for with a verified person, and so had one.
    pub verified: bool,
}

/// How a redeem went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// One session more.
    Created {
        /// It.
        session: SessionView,
        /// Older sessions of the same page key that ended with it, and whose they were.
        ended: Vec<(SessionId, AccountId)>,
    },
    /// The same page redeemed before, and that session lives.
    Existing(SessionView),
    /// No session.
    Refused(RedeemRefused),
}

/// Why a redeem gives no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeemRefused {
    /// There is no approval of this scan, or none any more.
    NotApproved,
    /// The approval is too old, was taken back, its device revoked, its account not active, or its session over.
    Ended,
    /// Redeemed by another page, key or secret.
    Other,
}

/// How a refresh went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one a call, moved once")]
pub enum Refreshed {
    /// There is a new token.
    Refreshed(SessionView),
    /// The session lives, but this key is not bound to it; nothing changed.
    WrongKey,
    /// No live session has this id.
    NotFound,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The page signed out.
    SignedOut,
    /// The page said "Not me".
    Reported,
    /// An authenticator or the operator ended it.
    Ended,
    /// An authenticator or the operator ended all.
    EndedAll,
    /// The device that approved it was removed.
    DeviceRemoved,
    /// The account was disabled.
    AccountDisabled,
    /// The same page signed in again.
    Replaced,
    /// Idle or old.
    Expired,
}

/// How long sessions and their tokens live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLives {
    /// A token from its issue.
    pub token_s: i64,
    /// The token before it from a refresh, never beyond its own end.
    pub previous_token_s: i64,
    /// A session without a call.
    pub idle_s: i64,
    /// A session in any case.
    pub max_s: i64,
}

impl Default for SessionLives {
    fn default() -> Self {
        Self { token_s: 600, previous_token_s: 60, idle_s: 14 * 86_400, max_s: 90 * 86_400 }
    }
}

impl EndReason {
    /// The word in the database and in audit bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reported => "reported",
            Self::Ended => "ended",
            Self::EndedAll => "ended_all",
            Self::DeviceRemoved => "device_removed",
            Self::AccountDisabled => "account_disabled",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
        }
    }
}
