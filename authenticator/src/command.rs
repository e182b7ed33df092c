//! Every act of the person, as the webview sends it.
//!
//! Pictures do not travel here (JSON is no place for megabytes): src-tauri hands them over with `Handle::picture`,
//! links from the command line or the system with `Handle::link`, and the window's comings and goings with
//! `Handle::window`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::pin::PinText;
use crate::view::{AccountRef, Place, PromptId, Settings};

/// One act of the person. Tagged by `command`.
///
/// An act that does not fit the view it arrives in changes nothing: two clicks race, and the second one is late.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The webview (re)loaded and wants the whole view state with fresh countdowns.
    WindowReady,
    /// Try the failed step again: keychain, accounts file, camera, screen, list or sending.
    Retry,
    /// Go to a place of the app. Leaves whatever is open; an undecided prompt is dropped (the server lets it expire).
    Go {
        /// Where to.
        to: Place,
    },
    /// One step back or "Cancel": out of the prompt, the foreign text, the form.
    Back,

    /// Add an account by an enrolment link (pasted or typed).
    AddByLink {
        /// The link as given; anything else answers `link_unreadable`.
        link: String,
    },
    /// Add an account by the server's address, name and password.
    AddByPassword {
        /// `login.example.com`, `https://login.example.com` or, on loopback, `http://127.0.0.1:8080`.
        address: String,
        /// Name of the account on that server.
        username: String,
        /// Goes to that server only, kept nowhere.
        password: String,
    },
    /// Add an account by the server's address, name and a recovery code: the only computer is lost.
    AddByRecovery {
        /// As for `add_by_password`.
        address: String,
        /// Name of the account on that server.
        username: String,
        /// As typed: case, blanks and dashes do not matter.
        recovery_code: String,
    },
    /// The answer to "Contact HOST?".
    ContactServer {
        /// True: go on. False: nothing is contacted.
        yes: bool,
    },
    /// The answer to "Keep this account?".
    KeepAccount {
        /// False: the device that was just made is deleted on the server and nothing is kept.
        yes: bool,
    },

    /// Open the camera. It closes by itself when the scan view is left or the window hides.
    StartCamera,
    /// Close the camera and stay in the scan view.
    StopCamera,
    /// Show the open camera's picture as a mirror does, or not; remembered for this camera.
    MirrorPicture {
        /// Left and right exchanged.
        mirrored: bool,
    },
    /// Take one picture of the screen and look for a code.
    ScanScreen,
    /// A link or code as text (pasted into the scan view).
    ScanText {
        /// At most 4,096 characters are looked at.
        text: String,
    },
    /// The file dialog, drop or paste gave no picture (for example a file that cannot be opened).
    PictureFailed {
        /// Technical text for "Copy details".
        details: String,
    },
    /// Eight letters typed from the page's "Type a code instead".
    SubmitUserCode {
        /// Which account shall sign in.
        account: AccountRef,
        /// As typed: case, spaces and dashes do not matter.
        code: String,
    },
    /// The answer to "Which account?" (several accounts on the server of the code).
    ChooseAccount {
        /// One of the offered ones.
        account: AccountRef,
    },

    /// Approve, deny or report the login in the prompt.
    Decide {
        /// The prompt the person looked at; a decision about any other is ignored.
        prompt: PromptId,
        /// What was decided.
        decision: DecisionInput,
    },

    /// Look at another account in sessions, devices or activity.
    SelectAccount {
        /// The account to show.
        account: AccountRef,
    },
    /// Fetch the shown list again.
    Reload,
    /// End one browser session.
    EndSession {
        /// Account the session belongs to.
        account: AccountRef,
        /// `SessionView.id`.
        session: String,
    },
    /// End all browser sessions of an account, and every login under way.
    EndAllSessions {
        /// The account.
        account: AccountRef,
    },
    /// Give a trusted device another name.
    RenameDevice {
        /// Account the device belongs to.
        account: AccountRef,
        /// `DeviceView.id`.
        device: String,
        /// The name, 1 to 64 characters after trimming.
        name: String,
    },
    /// Remove another trusted device.
    RemoveDevice {
        /// Account the device belongs to.
        account: AccountRef,
        /// `DeviceView.id`; the own device is removed by `sign_out`.
        device: String,
    },
    /// Make an enrolment link for another computer and show its QR code.
    AddComputer {
        /// The account to enrol there.
        account: AccountRef,
        /// The PIN, where one is set.
        pin: Option<PinText>,
    },
    /// Look at the account's recovery codes: how many are left.
    ShowRecoveryCodes {
        /// The account.
        account: AccountRef,
    },
    /// Make ten recovery codes for the account on show; those before them are void.
    MakeRecoveryCodes {
        /// The account.
        account: AccountRef,
        /// The PIN, where one is set.
        pin: Option<PinText>,
    },
    /// Write the recovery codes on show into a text file.
    SaveRecoveryCodes,
    /// "I have kept them": the codes on show are forgotten here.
    RecoveryCodesKept,
    /// Remove the account from this computer: its device on the server, its key and token here. Works offline too; then
    /// the server keeps the device until somebody removes it there, and a notice says so.
    SignOut {
        /// The account.
        account: AccountRef,
    },
    /// Remove every account, key, token and setting of this app, also offline.
    EraseEverything,
    /// The person has read the warning that the server's log does not extend what was seen before.
    AcceptActivity {
        /// The account.
        account: AccountRef,
    },

    /// Set the PIN, or another one. It is asked for before every approval from then on.
    SetPin {
        /// The present one, where one is set.
        current: Option<PinText>,
        /// Six to thirty-two digits.
        new: PinText,
    },
    /// Take the PIN away.
    RemovePin {
        /// The present one.
        current: PinText,
    },
    /// "This wasn't me" about the sign-in that a notice tells of: its session ends.
    DisownSignIn {
        /// `Notice.id`.
        notice: u32,
    },
    /// Replace the settings.
    ChangeSettings {
        /// All of them.
        settings: Settings,
    },
    /// Close the notice with this id.
    DismissNotice {
        /// `Notice.id`.
        id: u32,
    },
}

/// What the person decided. Tagged by `decision`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum DecisionInput {
    /// Sign that page in.
    Approve {
        /// The two digits on that screen, when the prompt asks for them.
        check: Option<String>,
        /// The PIN, where one is set or the server asks for one; where none is set yet, it becomes the PIN.
        pin: Option<PinText>,
    },
    /// Do not sign that page in.
    Deny,
    /// "This wasn't me": deny, and put it into the account's activity as reported.
    Report,
}

impl std::fmt::Debug for DecisionInput {
    /// Without the number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Approve { .. } => "Approve",
            Self::Deny => "Deny",
            Self::Report => "Report",
        })
    }
}

impl std::fmt::Debug for Command {
    /// The name of the command alone: links, codes, passwords and numbers do not belong in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Command {
    /// The command's name as on the wire, for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WindowReady => "window_ready",
            Self::Retry => "retry",
            Self::Go { .. } => "go",
            Self::Back => "back",
            Self::AddByLink { .. } => "add_by_link",
            Self::AddByPassword { .. } => "add_by_password",
            Self::AddByRecovery { .. } => "add_by_recovery",
            Self::ContactServer { .. } => "contact_server",
            Self::KeepAccount { .. } => "keep_account",
            Self::StartCamera => "start_camera",
            Self::StopCamera => "stop_camera",
            Self::MirrorPicture { .. } => "mirror_picture",
            Self::ScanScreen => "scan_screen",
            Self::ScanText { .. } => "scan_text",
            Self::PictureFailed { .. } => "picture_failed",
            Self::SubmitUserCode { .. } => "submit_user_code",
            Self::ChooseAccount { .. } => "choose_account",
            Self::Decide { .. } => "decide",
            Self::SelectAccount { .. } => "select_account",
            Self::Reload => "reload",
            Self::EndSession { .. } => "end_session",
            Self::EndAllSessions { .. } => "end_all_sessions",
            Self::RenameDevice { .. } => "rename_device",
            Self::RemoveDevice { .. } => "remove_device",
            Self::AddComputer { .. } => "add_computer",
            Self::ShowRecoveryCodes { .. } => "show_recovery_codes",
            Self::MakeRecoveryCodes { .. } => "make_recovery_codes",
            Self::SaveRecoveryCodes => "save_recovery_codes",
            Self::RecoveryCodesKept => "recovery_codes_kept",
            Self::SignOut { .. } => "sign_out",
            Self::EraseEverything => "erase_everything",
            Self::AcceptActivity { .. } => "accept_activity",
            Self::DisownSignIn { .. } => "disown_sign_in",
            Self::SetPin { .. } => "set_pin",
            Self::RemovePin { .. } => "remove_pin",
            Self::ChangeSettings { .. } => "change_settings",
            Self::DismissNotice { .. } => "dismiss_notice",
        }
    }
}
