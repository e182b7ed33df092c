//! "This wasn't me" about a sign-in that another device approved: its session ends first, then the person is told how to
//! go on.

use protocol::id::SessionId;
use protocol::wire::ProblemName;

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::secrets::Failure;
use crate::view::{AccountRef, NoticeMessage, SignIn};

impl Controller {
    /// Ends the session that the notice on show is about.
    pub(super) fn disown_sign_in(&mut self, notice: u32) {
        let Some(shown) = self.notice.as_ref().filter(|shown| shown.id == notice) else { return };
        let NoticeMessage::NewSignIn { sign_in } = &shown.message else { return };
        let sign_in = sign_in.clone();
        if !sign_in.can_be_ended() || self.account(&sign_in.account).is_none() || !self.leave() {
            return;
        }
        self.dismiss_notice(notice);
        self.show(Stage::Disowned { sign_in, ended: false, problem: None });
        self.end_disowned();
    }

    /// Asks the server; again after a failure.
    pub(super) fn end_disowned(&mut self) {
        let Stage::Disowned { sign_in, ended: false, problem } = &mut self.stage else { return };
        *problem = None;
        let (turn, account) = (self.turn, sign_in.account.clone());
        let Some(session) = SessionId::parse(&sign_in.session) else { return };
        self.ask(
            &account,
            async move |access| access.client.end_session(session, &access.auth).await,
            move |account, result| Message::Disowned { turn, account, result },
        );
    }

    pub(super) async fn disowned(&mut self, turn: Turn, id: AccountRef, result: Result<(), Failure>) {
        self.mind(&id, &result).await;
        let Stage::Disowned { ended, problem, .. } = &mut self.stage else { return };
        if turn != self.turn {
            return;
        }
        match result {
            Ok(()) => *ended = true,
            // It is over already.
            Err(Failure::Call(error)) if error.name() == Some(ProblemName::NotFound) => *ended = true,
            Err(failure) => *problem = Some(failure.problem(|_| None)),
        }
    }
}

impl SignIn {
    /// Whether an act can name its session.
    pub(super) fn can_be_ended(&self) -> bool {
        SessionId::parse(&self.session).is_some()
    }
}
