//! Adding an account: the offer, "Contact HOST?", the server's word, "Keep this account?".

mod attempts;
mod call;
mod offer;

pub(super) use attempts::{AttemptId, Attempts};
pub(super) use call::Enrolled;
pub(super) use offer::Offer;

use protocol::id::DeviceId;
use protocol::link::{EnrolLink, Payload};
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::wire::{EnrolDevice, ProblemName, RecoveryStatusBody};

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::error_code::{ErrorCode, Problem};
use crate::secrets::{Failure, Reach, remove_from_server};
use crate::view::{AccountRef, NoticeMessage};

/// Name of a computer that has none: servers refuse an empty one.
const UNNAMED: &str = "Computer";

impl Controller {
    pub(super) fn add_by_link(&mut self, link: &str) {
        if !matches!(self.stage, Stage::AddAccount { .. } | Stage::FirstStart) {
            return;
        }
        match Payload::parse(link) {
            Payload::Enrol(link) => self.offer(link),
            Payload::Login(_) | Payload::Other(_) => {
                self.show(Stage::AddAccount { problem: Some(Problem::plain(ErrorCode::LinkUnreadable)) });
            }
        }
    }

    /// Asks before anything is contacted.
    pub(super) fn offer(&mut self, link: EnrolLink) {
        self.show(Stage::ConfirmContact { offer: Offer::by_link(link) });
    }

    /// The person typed the host, so nobody has to ask whether to contact it.
    pub(super) fn add_by_password(&mut self, address: &str, username: &str, password: String) {
        if matches!(self.stage, Stage::AddAccount { .. }) {
            self.enrol(Offer::by_password(address, username, password));
        }
    }

    /// The only computer is lost: a recovery code stands in for it.
    pub(super) fn add_by_recovery(&mut self, address: &str, username: &str, code: String) {
        if matches!(self.stage, Stage::AddAccount { .. }) {
            self.enrol(Offer::by_recovery(address, username, code));
        }
    }

    pub(super) fn contact_server(&mut self, yes: bool) {
        let Stage::ConfirmContact { offer } = &self.stage else { return };
        if yes {
            let offer = offer.clone();
            self.enrol(Ok(offer));
        } else {
            self.show_home();
        }
    }

    /// [`Controller::settle_enrolments`] does the rest.
    fn enrol(&mut self, offer: Result<Offer, ErrorCode>) {
        self.show(match offer {
            Ok(offer) => Stage::Enrolling { offer },
            Err(error) => Stage::AddAccount { problem: Some(Problem::plain(error)) },
        });
    }

    /// Brings what is under way in line with what the person wants by now: undoes what nobody waits for, hands over what
    /// was waited for, begins what has not begun.
    pub(super) fn settle_enrolments(&mut self) {
        loop {
            let wanted = match &self.stage {
                // Asked about once more: it may be wanted in a moment.
                Stage::ConfirmContact { offer } | Stage::Enrolling { offer } => Some(offer),
                _ => None,
            };
            let Some(unwanted) = self.attempts.take_unwanted(wanted) else { break };
            self.refuse(unwanted);
        }
        let Stage::Enrolling { offer } = &self.stage else { return };
        if let Some(enrolled) = self.attempts.take(offer) {
            self.show(Stage::ConfirmAccount { enrolled, working: false, problem: None });
        } else if !self.attempts.has_key_of(offer) {
            let offer = offer.clone();
            self.ask_to_enrol(offer);
        }
    }

    fn ask_to_enrol(&mut self, offer: Offer) {
        let name = clean(&self.config.device_name, NAME_LENGTH_MAX);
        let device = EnrolDevice {
            name: if name.is_empty() { UNNAMED.to_owned() } else { name },
            kind: self.config.device_kind,
        };
        let attempt = self.attempts.begin(offer.clone());
        let reach = self.reach.clone();
        self.spawn(async move {
            Message::Enrolled { attempt, result: call::enrol(&reach, offer, device).await.map(Box::new) }
        });
    }

    pub(super) fn enrolled(&mut self, attempt: AttemptId, result: Result<Box<Enrolled>, Failure>) {
        let failure = match result {
            Ok(enrolled) => return self.attempts.answered(attempt, enrolled),
            Err(failure) => failure,
        };
        let Some(of) = self.attempts.end(attempt) else { return };
        if !matches!(&self.stage, Stage::Enrolling { offer } if *offer == of) {
            return;
        }
        let problem = failure.problem(|name| match name {
            ProblemName::EnrolmentRefused if of.recovering() => Some(ErrorCode::RecoveryRefused),
            ProblemName::NotFound => Some(ErrorCode::LinkUsed),
            ProblemName::EnrolmentRefused => Some(ErrorCode::EnrolmentRefused),
            _ => None,
        });
        self.show(match problem.error {
            ErrorCode::AppTooOld { .. } | ErrorCode::ServerTooOld { .. } => Stage::UpdateNeeded { problem },
            _ => Stage::AddAccount { problem: Some(problem) },
        });
    }

    pub(super) fn keep_account(&mut self, yes: bool) {
        let Stage::ConfirmAccount { enrolled, working, problem } = &mut self.stage else { return };
        if *working {
            return;
        }
        if !yes {
            let Stage::ConfirmAccount { enrolled, .. } =
                std::mem::replace(&mut self.stage, Stage::FirstStart)
            else {
                return;
            };
            self.show_home();
            return self.refuse(enrolled);
        }
        *working = true;
        *problem = None;
        let id = AccountRef(protocol::encoding::base64url(&self.reach.random.bytes()));
        let (turn, reach) = (self.turn, self.reach.clone());
        let (pkcs8, token) = (enrolled.pkcs8.clone(), enrolled.auth.token.clone());
        let account = enrolled.to_account(id.clone());
        self.spawn(async move {
            let result = reach.keep(&id, &pkcs8, &token).await;
            let codes = if result.is_ok() { recovery_status(&reach, &account).await } else { None };
            Message::Kept { turn, id, result, codes }
        });
    }

    /// `codes`: what the server said of the account's recovery codes, if it knows any.
    pub(super) async fn kept(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<(), Failure>,
        codes: Option<RecoveryStatusBody>,
    ) {
        if turn != self.turn {
            return;
        }
        let Stage::ConfirmAccount { enrolled, .. } = &self.stage else { return };
        let host = enrolled.client.origin().host_and_port().to_owned();
        let before = self.saved.clone();
        let (pkcs8, recovered) = (enrolled.pkcs8.clone(), enrolled.offer.recovering());
        let device = enrolled.device;
        let replaced = result.map(|()| {
            let account = enrolled.to_account(id.clone());
            let same = |other: &Account| other.origin == account.origin && other.account == account.account;
            let replaced: Vec<_> = self.saved.accounts.iter().filter(|other| same(other)).cloned().collect();
            self.saved.accounts.retain(|other| !same(other));
            self.saved.accounts.push(account);
            replaced
        });
        let failed = match replaced {
            Err(failure) => Some(failure.problem(|_| None)),
            Ok(replaced) => match self.save().await {
                Ok(()) => {
                    self.retire(replaced, device);
                    self.enrolment_is_over(&pkcs8).await;
                    None
                }
                Err(problem) => {
                    self.saved = before;
                    // Keeping it again takes another name.
                    let _ = self.reach.forget(&id).await;
                    Some(problem)
                }
            },
        };
        if let Some(failed) = failed {
            if let Stage::ConfirmAccount { working, problem, .. } = &mut self.stage {
                *working = false;
                *problem = Some(failed);
            }
            return;
        }
        tracing::info!(account.host = host, "An account was added");
        if recovered {
            self.recovered(id, codes);
        } else {
            self.tell(NoticeMessage::AccountAdded { host });
            self.show_home();
            if codes.is_some_and(|status| status.made_at.is_none()) {
                self.show_recovery_codes(id, true);
            }
        }
        self.look_at_activity();
    }

    /// The key has its account: only a crash before this leaves the enrolment to be repeated.
    async fn enrolment_is_over(&self, pkcs8: &[u8]) {
        if let Err(error) = self.reach.forget_enrolment(pkcs8).await {
            tracing::warn!(%error, "The key of a finished enrolment stays in the keychain until the next one");
        }
    }

    /// "Add again" replaces what was there: the older device of this computer goes, here and on the server. After a crash it
    /// can be the `kept` one, which stays.
    fn retire(&mut self, replaced: Vec<Account>, kept: DeviceId) {
        for old in replaced {
            self.key_missing.remove(&old.id);
            let reach = self.reach.clone();
            tokio::spawn(async move {
                if old.device != kept
                    && let Ok(access) = reach.open(&old).await
                {
                    let _ = remove_from_server(&access.client, old.device, &access.auth).await;
                }
                let _ = reach.forget(&old.id).await;
            });
        }
    }

    /// Deletes a device that is not wanted, and its key. A server that could not be told has the device still: the key
    /// stays, so that the same link leads to it again.
    fn refuse(&mut self, enrolled: Box<Enrolled>) {
        let attempt = self.attempts.begin(enrolled.offer.clone());
        let reach = self.reach.clone();
        self.spawn(async move {
            let told = remove_from_server(&enrolled.client, enrolled.device, &enrolled.auth).await.is_ok();
            if told && let Err(error) = reach.forget_enrolment(&enrolled.pkcs8).await {
                tracing::warn!(%error, "The key of a refused enrolment stays in the keychain until the next one");
            }
            let host = enrolled.client.origin().host_and_port().to_owned();
            Message::Refused { attempt, host, told }
        });
    }

    pub(super) fn refused(&mut self, attempt: AttemptId, host: String, told: bool) {
        self.attempts.end(attempt);
        if !told {
            self.tell(NoticeMessage::AccountRemovedHereOnly { host });
        }
    }
}

/// What the server says of the account's recovery codes; one that says nothing knows none, or is asked another time.
async fn recovery_status(reach: &Reach, account: &Account) -> Option<RecoveryStatusBody> {
    let access = reach.open(account).await.ok()?;
    access.client.recovery_codes(&access.auth).await.ok()
}
