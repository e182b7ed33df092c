use protocol::id::{AccountId, DeviceId, RequestId, Ticket};
use protocol::statement::Decision;
use protocol::time::Timestamp;

/// What is recorded about a scan, at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What the person decided.
    Decided(Decision),
    /// The third number was wrong: whatever comes later, this scan signs nobody in.
    WrongNumbers,
}

/// A verdict by a statement that verified, to be recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// The scan; at most one verdict each.
    pub ticket: Ticket,
    /// The login request.
    pub request: RequestId,
    /// Who signed the statement.
    pub device: DeviceId,
    /// Whose account is signed in.
    pub account: AccountId,
    /// What.
    pub verdict: Verdict,
    /// The context bytes that the statement signs.
    pub context: Vec<u8>,
    /// The statement, a compact JWS: kept, so that anybody can verify it later.
    pub statement: String,
    /// What the browser claims to be, for the activity.
    pub browser: String,
    /// What system it claims to run on.
    pub system: String,
}

/// Silent about the statement.
impl std::fmt::Debug for NewDecision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewDecision({}, {:?})", self.request, self.verdict)
    }
}

/// How recording a verdict went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Written, with its audit entry.
    Recorded,
    /// The same verdict was there already, taken at this moment; nothing changed.
    Same {
        /// When it was taken: deadlines count from here.
        decided_at: Timestamp,
    },
    /// Another verdict was there already.
    Other(Verdict),
    /// The device is revoked or the account not active.
    Refused,
}

/// A verdict as kept.
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
    pub verdict: Verdict,
    /// When.
    pub decided_at: Timestamp,
    /// True when the account's owner took an approval back before it was redeemed.
    pub withdrawn: bool,
}
