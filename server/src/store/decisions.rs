use protocol::id::{AccountId, DeviceId, RequestId, Ticket};
use protocol::statement::Decision;
use protocol::time::Timestamp;

/// A decision whose statement verified, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDecision {
    /// The scan; at most one decision each.
    pub ticket: Ticket,
    /// The login request.
    pub request: RequestId,
    /// Who decided.
    pub device: DeviceId,
    /// Whose account is signed in.
    pub account: AccountId,
    /// What.
    pub decision: Decision,
    /// The context bytes that the statement signs.
    pub context: Vec<u8>,
    /// The statement, a compact JWS: kept, so that anybody can verify it later.
    pub statement: String,
    /// What the browser claims to be, for the activity.
    pub browser: String,
    /// What system it claims to run on.
    pub system: String,
}

/// How recording a decision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Written, with its audit entry.
    Recorded,
    /// The same decision was there already, taken at this moment; nothing changed.
    Same {
        /// When it was taken: deadlines count from here.
        decided_at: Timestamp,
    },
    /// Another decision was there already.
    Other(Decision),
    /// The device is revoked or the account not active.
    Refused,
}

/// A decision as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// The scan.
    pub ticket: Ticket,
    /// The login request.
    pub request: RequestId,
    /// Who decided.
    pub device: DeviceId,
    /// The account.
    pub account: AccountId,
    /// What.
    pub decision: Decision,
    /// When.
    pub decided_at: Timestamp,
    /// True when the account's owner took an approval back before it was redeemed.
    pub withdrawn: bool,
}
