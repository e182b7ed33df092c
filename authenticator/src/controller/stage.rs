//! What the controller is busy with, and how the window sees it.

use std::time::Duration;

use protocol::id::{DeviceId, RequestId};
use protocol::origin::Origin;

use super::Controller;
use super::enrol::{Enrolled, Offer};
use super::prompt::PromptStage;
use crate::error_code::Problem;
use crate::foreign::Foreign;
use crate::server_client::ScannedCode;
use crate::view::{
    AccountRef, ActivityEntry, CodesShown, DeviceView, EnrolmentCode, Listing, Outcome, Place, ScanWork,
    Screen, SessionView, SignIn,
};

/// One stage owns what it shows.
pub(super) enum Stage {
    /// Keychain and accounts file are being read.
    Loading,
    /// They cannot be used.
    StartTrouble { problem: Problem, retrying: bool },
    /// No account.
    FirstStart,
    /// The form.
    AddAccount { problem: Option<Problem> },
    /// "Contact HOST?"
    ConfirmContact { offer: Offer },
    /// Enrolling.
    Enrolling { offer: Offer },
    /// "Keep this account?"
    ConfirmAccount { enrolled: Box<Enrolled>, working: bool, problem: Option<Problem> },
    /// Which account?
    ChooseAccount { origin: Origin, code: ScannedCode, candidates: Vec<AccountRef> },
    /// Scanning.
    Scan { work: ScanWork, problem: Option<Problem> },
    /// Typing.
    TypeCode { account: Option<AccountRef>, working: bool, problem: Option<Problem> },
    /// Something else.
    Foreign(Foreign),
    /// The prompt.
    Authorize(Box<PromptStage>),
    /// Approved.
    WaitingForPage {
        origin: Origin,
        account: AccountRef,
        request: RequestId,
        for_device: bool,
        ends: Duration,
        problem: Option<Problem>,
    },
    /// Over.
    Outcome { origin: Origin, account: AccountRef, for_device: bool, outcome: Outcome },
    /// Sessions.
    Sessions { account: AccountRef, list: Listing<SessionView>, ending: Vec<String> },
    /// Devices.
    Devices { account: AccountRef, list: Listing<DeviceView>, changing: Vec<String> },
    /// Another computer; the code's own `left_s` counts from the making, `ends` is what holds. `known`: the devices from
    /// before the code, `added`: name of the one that came since.
    AddComputer {
        account: AccountRef,
        code: Option<EnrolmentCode>,
        ends: Duration,
        problem: Option<Problem>,
        known: Vec<DeviceId>,
        added: Option<String>,
    },
    /// Activity.
    Activity { account: AccountRef, list: Listing<ActivityEntry> },
    /// Accounts.
    Accounts { working: Vec<AccountRef> },
    /// Settings; "Back" leads to where they were opened.
    Settings { from: Option<Place>, erasing: bool },
    /// Recovery codes, as the screen has them.
    RecoveryCodes {
        account: AccountRef,
        first: bool,
        left: Option<u32>,
        codes: CodesShown,
        working: bool,
        saved: Option<String>,
        problem: Option<Problem>,
    },
    /// "This wasn't me" about a sign-in.
    Disowned { sign_in: SignIn, ended: bool, problem: Option<Problem> },
    /// Update.
    UpdateNeeded { problem: Problem },
}

impl Stage {
    /// The scan view at rest.
    pub(super) fn scan() -> Self {
        Self::Scan { work: ScanWork::Idle, problem: None }
    }

    /// The place that "Back" may return to; none is the first view.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Scan { .. } => Some(Place::Scan),
            Self::Sessions { .. } => Some(Place::Sessions),
            Self::Activity { .. } => Some(Place::Activity),
            Self::Accounts { .. } => Some(Place::Accounts),
            _ => None,
        }
    }

    /// A question is open that a link from outside must not push away.
    pub(super) fn is_question(&self) -> bool {
        matches!(
            self,
            Self::ConfirmContact { .. }
                | Self::Enrolling { .. }
                | Self::ConfirmAccount { .. }
                | Self::ChooseAccount { .. }
                | Self::Authorize(_)
                | Self::RecoveryCodes { .. }
                | Self::Settings { erasing: true, .. }
                | Self::Scan { work: ScanWork::AskingServer, .. }
        )
    }
}

impl Controller {
    /// Whole seconds until `ends`, rounded up: "0" means over.
    pub(super) fn left_s(&self, ends: Duration) -> u32 {
        let left = ends.saturating_sub(self.reach.clock.elapsed());
        u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
    }

    /// What the window draws.
    pub(super) fn screen(&self) -> Screen {
        match &self.stage {
            Stage::Loading => Screen::Loading,
            Stage::StartTrouble { problem, retrying } => {
                Screen::StartTrouble { problem: problem.clone(), retrying: *retrying }
            }
            Stage::FirstStart => Screen::FirstStart,
            Stage::AddAccount { problem } => Screen::AddAccount { problem: problem.clone() },
            Stage::ConfirmContact { offer } => Screen::ConfirmContact {
                host: offer.origin.host_and_port().to_owned(),
                origin: offer.origin.to_string(),
                pinned: offer.pin.is_some(),
            },
            Stage::Enrolling { offer } => Screen::Enrolling { host: offer.origin.host_and_port().to_owned() },
            Stage::ConfirmAccount { enrolled, working, problem } => Screen::ConfirmAccount {
                origin: enrolled.client.origin().to_string(),
                server_name: enrolled.server_name.clone(),
                username: enrolled.username.clone(),
                display_name: enrolled.display_name.clone(),
                working: *working,
                problem: problem.clone(),
            },
            Stage::ChooseAccount { origin, candidates, .. } => {
                Screen::ChooseAccount { origin: origin.to_string(), candidates: candidates.clone() }
            }
            Stage::Scan { work, problem } => Screen::Scan {
                camera: self.camera.state.clone(),
                cameras: self.camera.choices(self.saved.settings.camera.as_deref()),
                work: *work,
                problem: problem.clone(),
            },
            Stage::TypeCode { account, working, problem } => {
                Screen::TypeCode { account: account.clone(), working: *working, problem: problem.clone() }
            }
            Stage::Foreign(foreign) => Screen::ForeignText {
                kind: foreign.kind,
                text: foreign.text.clone(),
                truncated: foreign.truncated,
                note: foreign.note.clone(),
            },
            Stage::Authorize(prompt) => Screen::Authorize { prompt: prompt.view(self.left_s(prompt.ends)) },
            Stage::WaitingForPage { origin, account, for_device, ends, problem, .. } => {
                Screen::WaitingForPage {
                    origin: origin.to_string(),
                    account: account.clone(),
                    for_device: *for_device,
                    left_s: self.left_s(*ends),
                    problem: problem.clone(),
                }
            }
            Stage::Outcome { origin, account, for_device, outcome } => Screen::Outcome {
                origin: origin.to_string(),
                account: account.clone(),
                for_device: *for_device,
                outcome: outcome.clone(),
            },
            Stage::Sessions { account, list, ending } => {
                Screen::Sessions { account: account.clone(), sessions: list.clone(), ending: ending.clone() }
            }
            Stage::Devices { account, list, changing } => Screen::Devices {
                account: account.clone(),
                devices: list.clone(),
                changing: changing.clone(),
            },
            Stage::AddComputer { account, code, ends, problem, added, .. } => Screen::AddComputer {
                account: account.clone(),
                code: code.clone().map(|code| EnrolmentCode { left_s: self.left_s(*ends), ..code }),
                problem: problem.clone(),
                added: added.clone(),
            },
            Stage::Activity { account, list } => {
                Screen::Activity { account: account.clone(), entries: list.clone() }
            }
            Stage::Accounts { working } => Screen::Accounts { working: working.clone() },
            Stage::Settings { erasing, .. } => {
                Screen::Settings { erasing: *erasing, version: self.config.version.clone() }
            }
            Stage::RecoveryCodes { account, first, left, codes, working, saved, problem } => {
                Screen::RecoveryCodes {
                    account: account.clone(),
                    first: *first,
                    left: *left,
                    codes: codes.clone(),
                    working: *working,
                    saved: saved.clone(),
                    problem: problem.clone(),
                }
            }
            Stage::Disowned { sign_in, ended, problem } => {
                Screen::Disowned { sign_in: sign_in.clone(), ended: *ended, problem: problem.clone() }
            }
            Stage::UpdateNeeded { problem } => Screen::UpdateNeeded { problem: problem.clone() },
        }
    }
}
