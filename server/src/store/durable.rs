use async_trait::async_trait;
use protocol::id::{AccountId, DeviceId, SessionId, Ticket};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use tokio::sync::mpsc;

use super::accounts::{Account, AccountState, CreateAccount, NewAccount};
use super::audit::{ActivityPage, AuditKind, Body, By};
use super::decisions::{NewDecision, Recorded, StoredDecision};
use super::devices::{
    Device, EnrolPassword, EnrolRecovery, Enrolled, Holder, NewDevice, NewEnrolment, RecoveryCodes,
};
use super::error::StoreError;
use super::front_doors::FrontDoors;
use super::logouts::Logouts;
use super::sessions::{EndReason, NewSession, Redeemed, Refreshed, SessionLives, SessionView};

/// What outlives the process. The arbiter of decisions, redeems, enrolments and sessions.
///
/// Each writing call is one transaction that also appends its audit entry. Every call may fail with [`StoreError`],
/// and then nothing of it is written, or all of it is and a repeat finds it so.
///
/// SQLite has one writer, so there every statement of a transaction sees all that was committed before it. A store whose
/// transactions run side by side (PostgreSQL, READ COMMITTED) has to lock before it looks, or two of them see the same
/// moment. The suite in `conformance` (`durable_races`) runs each of these at once:
///
/// - [`redeem`](Self::redeem): the device row `FOR SHARE` and the account row `FOR SHARE` before the insert, so that a
///   removal waits or wins; older sessions of the page key end under a lock on that key (an advisory lock on its
///   thumbprint: the rows to lock may not be there yet), or two redeems of one browser leave two sessions. The insert
///   itself is decided by the unique `request`. What a client may have is joined under a lock on its row, which is made
///   first where there is none.
/// - [`record_decision`](Self::record_decision): device and account `FOR SHARE` before the insert; the insert is decided
///   by the unique `ticket`.
/// - [`enrol_by_code`](Self::enrol_by_code), [`enrol_by_password`](Self::enrol_by_password): the account row `FOR
///   UPDATE` before the devices are counted, or two enrolments both find the last room; the link's row is decided by
///   `used_by IS NULL`, the one chance of a password by `NOT ever_had_device`.
/// - [`enrol_by_recovery`](Self::enrol_by_recovery): as with a link; [`make_recovery_codes`](Self::make_recovery_codes):
///   the making device `FOR SHARE` and the account row `FOR UPDATE`, or two makings leave twenty codes.
/// - [`create_enrolment`](Self::create_enrolment): the making device `FOR SHARE`, or a link outlives its removal.
/// - [`revoke_device`](Self::revoke_device), [`set_account_state`](Self::set_account_state),
///   [`remove_account`](Self::remove_account): the device or account row is updated first, its sessions and approvals
///   after it, so that whoever holds the share lock has committed by then.
/// - [`end_sessions`](Self::end_sessions): the account row `FOR UPDATE` first, or a redeem that is under way is missed by
///   both of its statements.
/// - [`refresh_session`](Self::refresh_session): the session row `FOR UPDATE` before it is judged.
/// - Audit: the unique (chain, seq) decides; whoever loses reads the new end and tries again inside its transaction.
///   [`anchor`](Self::anchor) needs no more than that.
#[async_trait]
pub trait Durable: FrontDoors + Logouts {
    /// Answers when the store can be read and written: for readiness.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The newest moment that it holds, by whichever process: of an entry, or of the use of a device or session. `None`
    /// in an empty store.
    async fn latest(&self) -> Result<Option<Timestamp>, StoreError>;

    /// A figure about connections to it, by its name for `/metrics`.
    fn connections(&self) -> Option<(&'static str, u64)> {
        None
    }

    // Accounts

    /// Makes an account. Audit: `account_created`.
    async fn create_account(
        &self,
        new: &NewAccount,
        by: &By,
        now: Timestamp,
    ) -> Result<CreateAccount, StoreError>;

    /// The account with this id, whatever its state.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;

    /// The account with this name, whatever its state.
    async fn account_by_name(&self, username: &str) -> Result<Option<Account>, StoreError>;

    /// All accounts, by name.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    /// Sets or takes away the password. `false`: no such account. Audit: `password_changed`.
    async fn set_password(
        &self,
        account: AccountId,
        password_hash: Option<&str>,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Sets what clients are told of an account that ask for it. `false`: no such account. Audit: `account_changed`.
    async fn set_profile(
        &self,
        account: AccountId,
        email: Option<&str>,
        groups: &[String],
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Disables or enables. Disabling ends all sessions (given back) and takes unredeemed approvals and unused
    /// enrolment links away. `None`: no such account. Audit: `account_disabled`, `account_enabled`.
    async fn set_account_state(
        &self,
        account: AccountId,
        state: AccountState,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Removes the account with everything but its audit chain. `None`: no such account. Audit: `account_removed`.
    async fn remove_account(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    // Enrolment and devices

    /// Makes an enrolment link. `false`: the account is not active or the making device not trusted. Audit:
    /// `enrolment_created`.
    async fn create_enrolment(&self, new: &NewEnrolment, by: &By, now: Timestamp)
    -> Result<bool, StoreError>;

    /// Enrols with a link, once. The same key may repeat within [`REPEAT_S`] of the first time: the
    /// same device, and only the newest token works. Audit: `device_enrolled` (not for a repeat).
    async fn enrol_by_code(
        &self,
        code: &SecretHash,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError>;

    /// Enrols with a password that the caller verified. Repeats as with a link. Audit: `device_enrolled`.
    async fn enrol_by_password(
        &self,
        password: &EnrolPassword,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError>;

    /// Replaces the account's recovery codes, used or not. `false`: the making device is not trusted or not the account's.
    /// Audit: `recovery_codes_made`.
    async fn make_recovery_codes(
        &self,
        account: AccountId,
        made_by: DeviceId,
        codes: &[SecretHash],
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// How many recovery codes the account has left.
    async fn recovery_codes(&self, account: AccountId) -> Result<RecoveryCodes, StoreError>;

    /// Enrols with a recovery code of the account with this name, once. Repeats as with a link. Audit: `device_enrolled`.
    async fn enrol_by_recovery(
        &self,
        recovery: &EnrolRecovery,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError>;

    /// The trusted device with this token and its active account.
    async fn holder_by_token(&self, token: &SecretHash) -> Result<Option<Holder>, StoreError>;

    /// The trusted device with this id and its active account: who a statement says that it is from.
    async fn holder(&self, device: DeviceId) -> Result<Option<Holder>, StoreError>;

    /// The account's trusted devices, oldest first.
    async fn devices(&self, account: AccountId) -> Result<Vec<Device>, StoreError>;

    /// Renames a trusted device of the account. `false`: no such device. Audit: `device_renamed`.
    async fn rename_device(
        &self,
        account: AccountId,
        device: DeviceId,
        name: &str,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes trust for good: its token, its unredeemed approvals, its unused links, its linked sessions (given
    /// back) and, unless it removes itself, the unused recovery codes that it made end. `None`: no such trusted device. Audit: `device_removed`.
    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Notes that the device called. Writes at most once a minute, judged by what `device` says.
    async fn touch_device(&self, device: &Device, now: Timestamp) -> Result<(), StoreError>;

    // Decisions and redeems

    /// Records the verdict on a scan: one transaction whose insert asks for a trusted device and an active account.
    /// Audit: `sign_in_approved`, `sign_in_denied`, `sign_in_reported`, `sign_in_refused`.
    async fn record_decision(
        &self,
        new: &NewDecision,
        by: &By,
        now: Timestamp,
    ) -> Result<Recorded, StoreError>;

    /// The verdict on this scan, for repeats and for records that a crash left behind.
    async fn decision(&self, ticket: Ticket) -> Result<Option<StoredDecision>, StoreError>;

    /// Makes the session: one transaction whose first statement inserts it where the decision is `approve`, less
    /// than `approved_s` old and not taken back, the account active and the device trusted. A repeat by the same page
    /// within `approved_s` gives the same session while it lives. What it lets a client have is joined to what that client
    /// may have already. Grants of an older session of the page key go over when it is the same account's. Audit:
    /// `signed_in`, and `session_replaced` for each older session of the page key.
    async fn redeem(
        &self,
        new: &NewSession,
        approved_s: i64,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError>;

    // Sessions: each look-up asks for an active account and, for a linked session, a trusted device

    /// The live session with this id, whether or not anybody has a good token of it.
    async fn session(
        &self,
        id: SessionId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError>;

    /// The live session of which this is a good token.
    async fn session_by_token(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError>;

    /// Gives a live session a new token, if `key` is bound to it.
    async fn refresh_session(
        &self,
        id: SessionId,
        key: &Thumbprint,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError>;

    /// Notes that the session was used. Writes at most once a minute, judged by what `session` says.
    async fn touch_session(&self, session: &SessionView, now: Timestamp) -> Result<(), StoreError>;

    /// The account's live sessions, newest first.
    async fn sessions(
        &self,
        account: AccountId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Vec<SessionView>, StoreError>;

    /// Ends one session of the account. `false`: it has no such open session. Audit by reason: `signed_out`,
    /// `session_reported`, `session_ended`.
    async fn end_session(
        &self,
        account: AccountId,
        session: SessionId,
        reason: EndReason,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends all sessions of the account (given back) and takes its unredeemed approvals back. Audit: `sessions_ended`.
    async fn end_sessions(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// True when this page key has held a session of the account.
    async fn is_known_browser(&self, account: AccountId, key: &Thumbprint) -> Result<bool, StoreError>;

    // Audit

    /// Appends something that left no other row: a scan that the network rule refused.
    async fn note(
        &self,
        account: AccountId,
        kind: AuditKind,
        body: Body,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Entries of the account after place `after`, oldest first, `limit` at most.
    async fn activity(&self, account: AccountId, after: i64, limit: u32) -> Result<ActivityPage, StoreError>;

    /// Appends the root over all chains that changed to the chain `anchor`, unless some node did so within the last
    /// minute or nothing changed. `true`: appended.
    async fn anchor(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// Sends all chains as JSON lines (see [`audit::export`](super::audit::export)), one consistent view; ends early
    /// when nobody receives.
    async fn export_audit(&self, lines: mpsc::Sender<String>) -> Result<(), StoreError>;

    // Housekeeping

    /// Ends and forgets what is over. Safe on any number of nodes at once.
    async fn sweep(&self, keep: &Keep, now: Timestamp) -> Result<Swept, StoreError>;
}

/// How long things are kept, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Lives of sessions: what is past them ends.
    pub sessions: SessionLives,
    /// Ended sessions, from their end.
    pub ended_sessions_s: i64,
    /// Audit entries and decisions, from their moment.
    pub activity_s: i64,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that were past their life and are ended now.
    pub expired_sessions: u64,
    /// Rows that are gone: ended sessions, enrolments, decisions, audit entries, devices long removed.
    pub rows: u64,
}

/// How long the same key may repeat its enrolment, in seconds.
pub const REPEAT_S: i64 = 600;
