//! Acts that take the PIN first: an approval, and what would let somebody else approve later.

use super::Controller;
use super::message::Message;
use super::stage::Stage;
use crate::error_code::Problem;
use crate::pin::{PinError, PinText};
use crate::view::{AccountRef, NoticeMessage, PinView, PromptId};

/// What a PIN is asked for.
pub(super) enum Guarded {
    /// An approval with what was typed; the prompt it was meant for.
    Approve { prompt: PromptId, check: Option<String> },
    /// A code that makes another computer an authenticator.
    AddComputer { account: AccountRef },
    /// Codes that stand in for this computer.
    MakeRecoveryCodes { account: AccountRef },
    /// Nothing more: the PIN itself was set or changed.
    SetPin,
    /// Nothing more: the PIN itself was taken away.
    RemovePin,
}

/// What is shown of the PIN beside the guard's own state.
#[derive(Default)]
pub(super) struct PinTalk {
    /// One is being judged.
    checking: bool,
    /// Why the last one was not taken.
    problem: Option<Problem>,
    /// How many were judged.
    judged: u32,
    /// How many were taken.
    passed: u32,
}

impl Controller {
    /// What the window shows of the PIN.
    pub(super) fn pin_view(&self) -> PinView {
        let state = self.pin.state();
        PinView {
            set: state.set,
            wait_s: self.pin.wait_s(),
            blocked: state.blocked,
            checking: self.pin_talk.checking,
            problem: self.pin_talk.problem.clone(),
            judged: self.pin_talk.judged,
            passed: self.pin_talk.passed,
        }
    }

    /// Does `guarded` once the PIN is right. Where there is none yet, this one becomes it.
    pub(super) fn with_pin(&mut self, pin: Option<PinText>, guarded: Guarded) {
        let Some(pin) = pin else { return self.pin_is_asked() };
        let guard = self.pin.clone();
        self.take_pin(guarded, async move {
            if guard.state().set { guard.verify(pin).await } else { guard.set(None, pin).await }
        });
    }

    /// Does `guarded` at once where no PIN is set.
    pub(super) fn with_pin_if_set(&mut self, pin: Option<PinText>, guarded: Guarded) {
        if self.pin.state().set { self.with_pin(pin, guarded) } else { self.go_on(guarded) }
    }

    pub(super) fn set_pin(&mut self, current: Option<PinText>, new: PinText) {
        let guard = self.pin.clone();
        self.take_pin(Guarded::SetPin, async move { guard.set(current, new).await });
    }

    pub(super) fn remove_pin(&mut self, current: PinText) {
        let guard = self.pin.clone();
        self.take_pin(Guarded::RemovePin, async move { guard.remove(current).await });
    }

    pub(super) fn pin_checked(&mut self, guarded: Guarded, result: Result<(), PinError>) {
        self.pin_talk.checking = false;
        self.pin_talk.judged += 1;
        match result {
            Ok(()) => {
                self.pin_talk.passed += 1;
                self.go_on(guarded);
            }
            Err(error) => {
                tracing::info!(%error, "A PIN was not taken");
                self.pin_talk.problem = Some(error.problem());
                self.wake_for_pin();
            }
        }
    }

    fn take_pin(
        &mut self,
        guarded: Guarded,
        work: impl Future<Output = Result<(), PinError>> + Send + 'static,
    ) {
        if self.pin_talk.checking {
            return;
        }
        self.pin_talk.checking = true;
        self.pin_talk.problem = None;
        self.spawn(async move { Message::PinChecked { guarded, result: work.await } });
    }

    fn pin_is_asked(&mut self) {
        self.pin_talk.judged += 1;
        self.pin_talk.problem = Some(PinError::Asked.problem());
    }

    /// Comes back when the wait is over, so that the window shows that the next one is taken.
    fn wake_for_pin(&self) {
        let wait_s = self.pin.wait_s();
        if wait_s > 0 {
            self.spawn(async move {
                tokio::time::sleep(std::time::Duration::from_secs(wait_s.into())).await;
                Message::PinWaitOver
            });
        }
    }

    pub(super) fn pin_wait_over(&mut self) {
        if self.pin.wait_s() == 0 && !self.pin_talk.checking {
            self.pin_talk.problem = None;
        }
    }

    fn go_on(&mut self, guarded: Guarded) {
        match guarded {
            Guarded::Approve { prompt, check } => self.approve(prompt, check.as_deref()),
            Guarded::AddComputer { account } => self.add_computer(&account),
            Guarded::MakeRecoveryCodes { account } => self.make_recovery_codes(&account),
            Guarded::SetPin => self.tell(NoticeMessage::PinSet),
            Guarded::RemovePin => self.tell(NoticeMessage::PinRemoved),
        }
    }

    /// With the last account goes what the PIN guarded: whoever forgot it starts anew that way.
    pub(super) async fn forget_pin_if_unused(&mut self) {
        if self.saved.accounts.is_empty()
            && self.pin.state().set
            && let Err(error) = self.pin.forget().await
        {
            tracing::warn!(%error, "The PIN stays in the keychain until it is taken away");
        }
    }

    /// Whether the shown prompt needs a PIN before it is approved.
    pub(super) fn approval_takes_pin(&self) -> bool {
        let asked = match &self.stage {
            Stage::Authorize(prompt) => prompt.verification_required(),
            _ => false,
        };
        asked || self.pin.state().set
    }
}
