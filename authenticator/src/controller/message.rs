//! What the controller's tasks answer.

use protocol::context::Via;
use protocol::statement::Decision;
use protocol::wire::{DevicesBody, EnrolmentBody, RecoveryCodesBody, RecoveryStatusBody, SessionsBody};
use scanner::Read;
use scanner::camera::CameraInfo;

use super::Turn;
use super::camera::CameraNews;
use super::enrol::{AttemptId, Enrolled};
use super::pin::Guarded;
use super::start::Started;
use crate::activity::{Head, Look};
use crate::error_code::Problem;
use crate::pin::PinError;
use crate::secrets::Failure;
use crate::server_client::{DecisionAnswer, Scanned};
use crate::view::AccountRef;

/// An answer. Those with a turn are dropped when the turn is over; the others are about things that happened.
pub(super) enum Message {
    /// Keychain probed, accounts file read.
    Started { turn: Turn, result: Result<Started, Problem> },
    /// The server enrolled this computer, or not.
    Enrolled { attempt: AttemptId, result: Result<Box<Enrolled>, Failure> },
    /// The new account's secrets are in the keychain under `id`; `codes`: its recovery codes, where the server knows them.
    Kept { turn: Turn, id: AccountRef, result: Result<(), Failure>, codes: Option<RecoveryStatusBody> },
    /// The new account was not wanted; `told`: its device is gone from the server.
    Refused { attempt: AttemptId, host: String, told: bool },
    /// News of a camera session.
    Camera { session: u64, news: CameraNews },
    /// The cameras there are.
    Cameras { found: Vec<CameraInfo> },
    /// A picture or the screen was read.
    Read { turn: Turn, via: Via, result: Result<Vec<Read>, Problem> },
    /// The server answered a scan.
    Scanned { turn: Turn, account: AccountRef, result: Result<Box<Scanned>, Failure> },
    /// The server answered a decision.
    Decided { turn: Turn, decision: Decision, result: Result<DecisionAnswer, Failure> },
    /// The sessions, while waiting for the page.
    PageCame { turn: Turn, result: Result<SessionsBody, Failure> },
    /// A PIN was judged; `guarded` is what it was asked for.
    PinChecked { guarded: Guarded, result: Result<(), PinError> },
    /// Another PIN may be tried.
    PinWaitOver,
    /// The stage's time is over.
    Deadline { turn: Turn },
    /// The sessions.
    Sessions { turn: Turn, account: AccountRef, result: Result<SessionsBody, Failure> },
    /// The devices.
    Devices { turn: Turn, account: AccountRef, result: Result<DevicesBody, Failure> },
    /// A link for another computer, and the devices from before.
    Enrolment { turn: Turn, account: AccountRef, result: Result<(DevicesBody, EnrolmentBody), Failure> },
    /// The devices, while a code for another computer is shown.
    ComputerCame { turn: Turn, account: AccountRef, result: Result<DevicesBody, Failure> },
    /// How many recovery codes are left.
    RecoveryStatus { turn: Turn, account: AccountRef, result: Result<RecoveryStatusBody, Failure> },
    /// The recovery codes that were made.
    RecoveryCodes { turn: Turn, account: AccountRef, result: Result<RecoveryCodesBody, Failure> },
    /// The session of a disowned sign-in was ended, or not.
    Disowned { turn: Turn, account: AccountRef, result: Result<(), Failure> },
    /// A change at the server.
    Done { account: AccountRef, act: Act, result: Result<(), Failure> },
    /// The regular look at the activity, from where it was seen to end.
    Looked { account: AccountRef, since: Option<Head>, result: Result<Look, Failure> },
    /// The activity for its list.
    ActivityFetched { turn: Turn, account: AccountRef, since: Option<Head>, result: Result<Look, Failure> },
    /// An account's secrets are gone from here; `told`: its device from the server too.
    SignedOut { account: AccountRef, told: bool, result: Result<(), Failure> },
    /// Everything is gone from here; `offline`: servers that could not be told.
    Erased { offline: Vec<String>, result: Result<(), Problem> },
}

/// A change at a server that is not bound to a turn: it happened, whatever is shown by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// A session was ended.
    EndSession { id: String },
    /// All sessions were ended.
    EndAllSessions,
    /// A device got another name.
    RenameDevice { id: String },
    /// A device was removed.
    RemoveDevice { id: String },
}
