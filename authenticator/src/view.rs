//! The whole view state that is pushed to the webview. It holds no token, no key, no link with a secret of its own
//! (the exceptions, each asked for by the person and shown once: the enrolment QR, and recovery codes).
//!
//! Times: a moment is whole Unix seconds of the server that said it; a duration counts from the push
//! (`left_s` = seconds left when this state was made), so the webview counts down by its own monotonic clock. After a
//! reload the webview sends `window_ready` and gets fresh numbers.

mod lists;
mod prompt;
mod scan;

pub use lists::{ActivityEntry, CodesShown, DeviceView, EnrolmentCode, Listing, SessionView, SignIn};
pub use prompt::{
    ClaimedView, Deciding, EndReason, Outcome, Prompt, PromptId, SeenView, Severity, Via, Warning,
    WarningCode,
};
pub use scan::{CameraChoice, CameraState, ForeignKind, ForeignNote, Hint, Outline, Point, ScanWork};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error_code::Problem;

/// Everything the window shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ViewState {
    /// Grows with every push; a state with a smaller one is old.
    pub revision: u32,
    /// What fills the window.
    pub screen: Screen,
    /// A short message over the screen, until dismissed or replaced.
    pub notice: Option<Notice>,
    /// All enrolled accounts, in the order they were added.
    pub accounts: Vec<AccountView>,
    /// The person's settings.
    pub settings: Settings,
    /// What there is to know of the PIN; never the PIN.
    pub pin: PinView,
}

/// What there is to know of the PIN that is asked for before an approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PinView {
    /// There is one: it is asked for before every approval.
    pub set: bool,
    /// Seconds until the next try is taken, when this state was made; 0 in general.
    pub wait_s: u32,
    /// Far too many wrong ones: none is taken any more.
    pub blocked: bool,
    /// One is being judged.
    pub checking: bool,
    /// Why the last one was not taken.
    pub problem: Option<Problem>,
    /// Grows with each one that was judged, taken or not.
    pub judged: u32,
    /// Grows with each one that was taken.
    pub passed: u32,
}

/// What fills the window. Tagged by `view`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum Screen {
    /// Keychain and accounts are being read.
    Loading,
    /// The keychain or the accounts file cannot be used; nothing works until it can. `retry` tries again.
    StartTrouble {
        /// `keychain_*` or `accounts_*`.
        problem: Problem,
        /// A new try is under way.
        retrying: bool,
    },
    /// No account yet: says what this is and leads to adding one.
    FirstStart,
    /// The form: by link, or by address, name and password. What was typed lives in the webview.
    AddAccount {
        /// The last try failed so.
        problem: Option<Problem>,
    },
    /// "Contact HOST?", before anything goes over the network. Answer: `contact_server`.
    ConfirmContact {
        /// Host and port, ASCII (punycode), as it will be contacted.
        host: String,
        /// The whole origin.
        origin: String,
        /// The link names the server's key (self-signed): exactly that key will be trusted.
        pinned: bool,
    },
    /// Talking to the server to enrol this computer.
    Enrolling {
        /// Host and port.
        host: String,
    },
    /// "Keep this account?". Answer: `keep_account`.
    ConfirmAccount {
        /// Origin of the server.
        origin: String,
        /// What the server calls itself.
        server_name: String,
        /// Name of the account.
        username: String,
        /// Name of the person.
        display_name: String,
        /// The answer is being carried out.
        working: bool,
        /// The answer could not be carried out; it can be given again.
        problem: Option<Problem>,
    },
    /// Several accounts live on the server of the scanned code: which one? Answer: `choose_account`.
    ChooseAccount {
        /// Origin in the code.
        origin: String,
        /// The accounts of that origin.
        candidates: Vec<AccountRef>,
    },
    /// The scan view.
    Scan {
        /// The camera and its picture.
        camera: CameraState,
        /// Cameras to choose from; empty until the camera was opened once.
        cameras: Vec<CameraChoice>,
        /// Other work on the way to a prompt.
        work: ScanWork,
        /// The last try failed so (screen, picture, code or server; the camera's own trouble is in `camera`).
        problem: Option<Problem>,
    },
    /// Typing the eight letters. Answer: `submit_user_code`.
    TypeCode {
        /// The account that will sign in, when there is one to presume; else the person picks first.
        account: Option<AccountRef>,
        /// The code is being sent.
        working: bool,
        /// The last try failed so.
        problem: Option<Problem>,
    },
    /// Something that is not a login code of an enrolled server: shown as text, never acted upon.
    ForeignText {
        /// What it looks like.
        kind: ForeignKind,
        /// The text, at most 4,096 characters, with control and bidirectional characters made visible as `\u{..}`.
        text: String,
        /// The text was longer.
        truncated: bool,
        /// What to tell about it.
        note: ForeignNote,
    },
    /// The prompt that decides everything. Answer: `decide`.
    Authorize {
        /// All of it.
        prompt: Prompt,
    },
    /// "Approved, waiting for the page": until its session appears in the list, or the time is over.
    WaitingForPage {
        /// Origin of the server.
        origin: String,
        /// The account that signs in.
        account: AccountRef,
        /// A device or program without a browser is waited for, not a page.
        for_device: bool,
        /// Seconds the page has left.
        left_s: u32,
        /// The list could not be fetched; it is tried again by itself.
        problem: Option<Problem>,
    },
    /// How a login ended.
    Outcome {
        /// Origin of the server.
        origin: String,
        /// The account.
        account: AccountRef,
        /// A device or program without a browser asked, not a page.
        for_device: bool,
        /// How.
        outcome: Outcome,
    },
    /// Where the account is signed in.
    Sessions {
        /// The account shown.
        account: AccountRef,
        /// Newest first.
        sessions: Listing<SessionView>,
        /// Ids of sessions that are being ended.
        ending: Vec<String>,
    },
    /// The account's trusted devices.
    Devices {
        /// The account shown.
        account: AccountRef,
        /// Oldest first.
        devices: Listing<DeviceView>,
        /// Ids of devices that are being renamed or removed.
        changing: Vec<String>,
    },
    /// "Add another computer": the enrolment QR.
    AddComputer {
        /// The account to enrol there.
        account: AccountRef,
        /// The code; none while it is fetched or after it failed.
        code: Option<EnrolmentCode>,
        /// Why there is none.
        problem: Option<Problem>,
        /// Name of the computer that was added meanwhile; there is no code then, it is used up.
        added: Option<String>,
    },
    /// What happened to the account, newest first.
    Activity {
        /// The account shown.
        account: AccountRef,
        /// Newest first.
        entries: Listing<ActivityEntry>,
    },
    /// All accounts, their state, and what can be done with them.
    Accounts {
        /// Accounts that are being signed out.
        working: Vec<AccountRef>,
    },
    /// The settings (their values are in `ViewState.settings`).
    Settings {
        /// Everything is being erased.
        erasing: bool,
        /// Version of this app.
        version: String,
    },
    /// The account's recovery codes: offered (`first`), counted, or, once made, shown this once.
    RecoveryCodes {
        /// Whose.
        account: AccountRef,
        /// Offered after enrolling: nobody asked for them.
        first: bool,
        /// How many are left; none while that is not known, and where they are offered.
        left: Option<u32>,
        /// The codes that were just made; else empty.
        codes: CodesShown,
        /// They are being made.
        working: bool,
        /// The file that they were written to.
        saved: Option<String>,
        /// The last try failed so.
        problem: Option<Problem>,
    },
    /// "This wasn't me" about a sign-in: its session is ended, and what to do next. `retry` tries again.
    Disowned {
        /// Which.
        sign_in: SignIn,
        /// Its session is over; before that it is being ended.
        ended: bool,
        /// It could not be ended.
        problem: Option<Problem>,
    },
    /// An old server or an old app: `app_too_old` or `server_too_old`.
    UpdateNeeded {
        /// Which, and of which host.
        problem: Problem,
    },
}

/// Where a person can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The scan view. Without an account it serves to read an enrolment code.
    Scan,
    /// The code field.
    TypeCode,
    /// Signed-in browsers.
    Sessions,
    /// Trusted devices.
    Devices,
    /// Activity.
    Activity,
    /// Accounts.
    Accounts,
    /// The form that adds an account.
    AddAccount,
    /// Settings.
    Settings,
}

/// Names one enrolled account on this computer. Random, local, means nothing to any server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[ts(type = "string")]
pub struct AccountRef(pub String);

/// One enrolled account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AccountView {
    /// Its local name.
    pub id: AccountRef,
    /// What the server calls itself.
    pub server_name: String,
    /// Origin of the server, ASCII.
    pub origin: String,
    /// Host and port of the origin.
    pub host: String,
    /// Name of the account on that server.
    pub username: String,
    /// Name of the person.
    pub display_name: String,
    /// The server is trusted by its key, named in the enrolment link.
    pub pinned: bool,
    /// Can it be used?
    pub state: AccountState,
    /// The server's log does not extend what this app saw before: somebody rewrote it. Until `accept_activity`.
    pub activity_alarm: bool,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Enrolled; the last call, if any, was accepted.
    Ready,
    /// The server knows this device no longer. "Add again" or remove.
    SignedOut,
    /// Its key is not in the keychain. "Add again" or remove.
    KeyMissing,
}

/// A short message over the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    /// For `dismiss_notice`; grows.
    pub id: u32,
    /// What it says.
    pub message: NoticeMessage,
}

/// What a notice says. Tagged by `notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum NoticeMessage {
    /// An account was added.
    AccountAdded {
        /// Its server.
        host: String,
    },
    /// An account was removed here and on the server.
    AccountRemoved {
        /// Its server.
        host: String,
    },
    /// An account was removed here; the server could not be told and keeps the device until it is removed there.
    AccountRemovedHereOnly {
        /// Its server.
        host: String,
    },
    /// Everything was erased. `offline` hosts could not be told and keep the device.
    Erased {
        /// Hosts that could not be told.
        offline: Vec<String>,
    },
    /// A session was ended.
    SessionEnded,
    /// All sessions were ended.
    AllSessionsEnded,
    /// A device was removed.
    DeviceRemoved,
    /// A device was renamed.
    DeviceRenamed,
    /// The recovery codes are with the person, and nowhere else.
    RecoveryCodesKept,
    /// This computer took the place of a lost one, which is still trusted.
    Recovered {
        /// Recovery codes that are left, where the server said so.
        left: Option<u32>,
    },
    /// The PIN was set, or is another one.
    PinSet,
    /// The PIN was taken away.
    PinRemoved,
    /// A browser signed in that another device approved. "This wasn't me": `disown_sign_in`.
    NewSignIn {
        /// Which.
        sign_in: SignIn,
    },
    /// A link came (clicked, or as argument) while a question was open. Answer that, then open the link again.
    LinkNotOpened,
    /// An act failed.
    Failed {
        /// How.
        problem: Problem,
    },
}

/// The person's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// `CameraChoice.id` of the camera to open; none takes the first there is.
    pub camera: Option<String>,
    /// By `CameraChoice.id`: show its picture as a mirror does, or not, where that is not what its name suggests.
    pub mirrored: BTreeMap<String, bool>,
    /// Start with the system, hidden in the tray.
    pub start_at_login: bool,
    /// Closing the window leaves the app in the tray.
    pub close_to_tray: bool,
    /// Tell about sign-ins and activity by system notifications.
    pub notifications: bool,
    /// Language of the window.
    pub language: Language,
    /// Colours of the window.
    pub theme: Theme,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            camera: None,
            mirrored: BTreeMap::new(),
            start_at_login: false,
            close_to_tray: false,
            notifications: true,
            language: Language::System,
            theme: Theme::System,
        }
    }
}

/// Language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the system says, English when it says something else.
    System,
    /// English.
    En,
    /// German.
    De,
}

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}
