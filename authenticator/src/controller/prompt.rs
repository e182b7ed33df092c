//! The prompt, the decision, and the wait for the page.

use std::time::Duration;

use protocol::check::CheckNumber;
use protocol::context::Via as WireVia;
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement};
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::time::Timestamp;
use protocol::wire::{ProblemName, SessionsBody};
use ring::rand::SystemRandom;

use super::message::Message;
use super::pin::Guarded;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::command::DecisionInput;
use crate::error_code::{ErrorCode, Problem};
use crate::secrets::{Failure, Reach};
use crate::server_client::{CallError, DecisionAnswer, Scanned, ServerClient};
use crate::view::{
    AccountRef, ClaimedView, Deciding, EndReason, Outcome, Prompt, PromptId, SeenView, Via, Warning,
};
use crate::warnings::warnings;

/// How long an approved page has to come for its session, in seconds (docs/protocol.md, state table).
const APPROVED_LIFE: Duration = Duration::from_mins(1);
/// Time between two looks for its session: a page that watches comes at once, and may be signed out again soon.
const LOOK_PERIOD_FIRST: Duration = Duration::from_millis(150);
/// Time between two looks after [`LOOKING_CLOSELY`].
const LOOK_PERIOD: Duration = Duration::from_millis(700);
/// How long the first period holds.
const LOOKING_CLOSELY: Duration = Duration::from_secs(3);
/// Waits before a decision that could not be sent is sent again.
const RESEND_AFTER: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// One login that waits for the person.
pub(super) struct PromptStage {
    id: PromptId,
    account: AccountRef,
    origin: Origin,
    scanned: Scanned,
    warnings: Vec<Warning>,
    /// When a decision counts no more.
    pub(super) ends: Duration,
    tries_left: Option<u8>,
    /// The decision on its way.
    pub(super) deciding: Option<Deciding>,
    /// An approval was sent that the server may have taken without its answer coming back.
    approval_unanswered: bool,
    problem: Option<Problem>,
}

impl Controller {
    /// Shows the prompt for a scan that the server accepted.
    pub(super) fn ask_person(&mut self, id: AccountRef, scanned: Scanned) {
        let Some(origin) = self.account(&id).map(|account| account.origin.clone()) else {
            return self.show_home();
        };
        self.prompts += 1;
        let left = Duration::from_secs(scanned.left_s.into());
        let ends = self.reach.clock.elapsed() + left;
        self.show(Stage::Authorize(Box::new(PromptStage {
            id: PromptId(self.prompts),
            account: id,
            origin,
            warnings: warnings(&scanned.context),
            scanned,
            ends,
            tries_left: None,
            deciding: None,
            approval_unanswered: false,
            problem: None,
        })));
        self.wake_in(left);
    }

    /// Signs and sends a decision. A second click while one is on its way, or one for another prompt, does nothing.
    pub(super) fn decide(&mut self, id: PromptId, input: DecisionInput) {
        match input {
            DecisionInput::Approve { check, pin } if self.approval_takes_pin() => {
                if self.shown_prompt(id).is_some_and(|prompt| prompt.read_check(check.as_deref()).is_some()) {
                    self.with_pin(pin, Guarded::Approve { prompt: id, check });
                }
            }
            DecisionInput::Approve { check, .. } => self.approve(id, check.as_deref()),
            DecisionInput::Deny => self.say(id, Decision::Deny, None),
            DecisionInput::Report => self.say(id, Decision::Report, None),
        }
    }

    /// Approves; whatever guards an approval was judged before.
    pub(super) fn approve(&mut self, id: PromptId, check: Option<&str>) {
        let Some(check) = self.shown_prompt(id).and_then(|prompt| prompt.read_check(check)) else { return };
        self.say(id, Decision::Approve, check);
    }

    /// The prompt with this id while it can be decided.
    fn shown_prompt(&mut self, id: PromptId) -> Option<&mut PromptStage> {
        match &mut self.stage {
            Stage::Authorize(prompt) if prompt.id == id && prompt.deciding.is_none() => Some(prompt),
            _ => None,
        }
    }

    fn say(&mut self, id: PromptId, decision: Decision, check: Option<CheckNumber>) {
        let turn = self.turn;
        let Some(prompt) = self.shown_prompt(id) else { return };
        prompt.problem = None;
        prompt.deciding = Some(match decision {
            Decision::Approve => Deciding::Approve,
            Decision::Deny => Deciding::Deny,
            Decision::Report => Deciding::Report,
        });
        let (ticket, context_hash) = (prompt.scanned.ticket, prompt.scanned.context_hash);
        let user_verified = decision == Decision::Approve && prompt.verification_required();
        let account_id = prompt.account.clone();
        let Some(account) = self.account(&account_id).cloned() else { return self.show_home() };
        let statement = Statement {
            device: account.device,
            origin: account.origin.clone(),
            account: account.account,
            ticket,
            context_hash,
            decision,
            check,
            user_verified,
        };
        let reach = self.reach.clone();
        self.spawn(async move {
            let result = sign_and_send(&reach, &account, &statement).await;
            Message::Decided { turn, decision, result }
        });
    }

    pub(super) async fn decided(
        &mut self,
        turn: Turn,
        decision: Decision,
        result: Result<DecisionAnswer, Failure>,
    ) {
        if turn != self.turn {
            return;
        }
        let now = self.reach.clock.elapsed();
        let Stage::Authorize(prompt) = &mut self.stage else { return };
        prompt.deciding = None;
        let account = prompt.account.clone();
        let ended = |reason| Outcome::Ended { reason };
        let outcome = match result {
            Ok(DecisionAnswer::Accepted) => match decision {
                Decision::Approve => return self.wait_for_page(),
                Decision::Deny => Outcome::Denied,
                Decision::Report => Outcome::Reported,
            },
            Ok(DecisionAnswer::WrongCheck { tries_left: 0 }) => ended(EndReason::WrongNumbers),
            Ok(DecisionAnswer::WrongCheck { tries_left }) => {
                prompt.tries_left = Some(tries_left);
                prompt.problem = Some(Problem::plain(ErrorCode::WrongCheck { tries_left }));
                return self.end_if_late();
            }
            Ok(DecisionAnswer::DecidedBefore) => ended(EndReason::DecidedBefore),
            // The third wrong number is answered like any ended request (410).
            Ok(DecisionAnswer::Ended) if decision == Decision::Approve && prompt.tries_left == Some(1) => {
                ended(EndReason::WrongNumbers)
            }
            Ok(DecisionAnswer::Ended) if prompt.approval_unanswered => return self.wait_for_page(),
            Ok(DecisionAnswer::Ended) if now >= prompt.ends => ended(EndReason::TimeOver),
            Ok(DecisionAnswer::Ended) => ended(EndReason::ByServer),
            Ok(DecisionAnswer::Failed(error)) => {
                prompt.approval_unanswered |= decision == Decision::Approve && !error.surely_not_sent();
                prompt.problem = Some(error.problem(|_| None));
                return self.end_if_late();
            }
            Err(failure) => {
                prompt.problem = Some(failure.problem(|_| None));
                self.mind::<()>(&account, &Err(failure)).await;
                return self.end_if_late();
            }
        };
        self.finish(outcome);
    }

    /// The time of the prompt, or of the enrolment code on show, is over.
    pub(super) fn deadline(&mut self, turn: Turn) {
        if turn != self.turn {
            return;
        }
        match &mut self.stage {
            Stage::Authorize(_) => self.end_if_late(),
            Stage::WaitingForPage { .. } => self.look_for_page(),
            Stage::AddComputer { code, problem, added: None, .. } => {
                *code = None;
                *problem = Some(Problem::plain(ErrorCode::CodeExpired));
            }
            _ => {}
        }
    }

    /// A decision on its way still counts if it was in time, so its answer is waited for; one whose answer was lost may
    /// count too, which its page's session tells.
    fn end_if_late(&mut self) {
        let now = self.reach.clock.elapsed();
        if let Stage::Authorize(prompt) = &self.stage
            && now >= prompt.ends
            && prompt.deciding.is_none()
        {
            if prompt.approval_unanswered {
                self.wait_for_page();
            } else {
                self.finish(Outcome::Ended { reason: EndReason::TimeOver });
            }
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        let (origin, account, for_device) = match &self.stage {
            Stage::Authorize(prompt) => {
                (prompt.origin.clone(), prompt.account.clone(), prompt.is_for_device())
            }
            Stage::WaitingForPage { origin, account, for_device, .. } => {
                (origin.clone(), account.clone(), *for_device)
            }
            _ => return,
        };
        self.show(Stage::Outcome { origin, account, for_device, outcome });
    }

    fn wait_for_page(&mut self) {
        let Stage::Authorize(prompt) = &self.stage else { return };
        let stage = Stage::WaitingForPage {
            origin: prompt.origin.clone(),
            account: prompt.account.clone(),
            request: prompt.scanned.context.request,
            for_device: prompt.is_for_device(),
            ends: self.reach.clock.elapsed() + APPROVED_LIFE,
            problem: None,
        };
        self.show(stage);
        self.look_for_page();
    }

    fn look_for_page(&self) {
        let Stage::WaitingForPage { account, .. } = &self.stage else { return };
        let Some(account) = self.account(account).cloned() else { return };
        let (turn, reach) = (self.turn, self.reach.clone());
        self.spawn(async move {
            let result = async {
                let access = reach.open(&account).await?;
                Ok(access.client.sessions(&access.auth).await?)
            }
            .await;
            Message::PageCame { turn, result }
        });
    }

    pub(super) async fn page_came(&mut self, turn: Turn, result: Result<SessionsBody, Failure>) {
        if turn != self.turn {
            return;
        }
        let now = self.reach.clock.elapsed();
        let Stage::WaitingForPage { account, request, ends, problem, .. } = &mut self.stage else { return };
        let account = account.clone();
        let is_early = now + APPROVED_LIFE < *ends + LOOKING_CLOSELY;
        let is_over = now >= *ends;
        match result {
            Ok(body) => {
                *problem = None;
                let found = body.sessions.iter().find(|session| session.request == *request);
                match (found, self.account(&account)) {
                    (Some(session), Some(own)) => {
                        let session = super::lists::session_view(session, own);
                        return self.finish(Outcome::SignedIn { session });
                    }
                    _ if is_over => return self.finish(Outcome::PageNeverCame),
                    _ => {}
                }
            }
            Err(failure) => {
                *problem = Some(failure.problem(|_| None));
                let signed_out = failure.signed_out();
                self.mind::<()>(&account, &Err(failure)).await;
                if signed_out {
                    return self.finish(Outcome::PageNeverCame);
                }
                if is_over {
                    return self.finish(Outcome::Ended { reason: EndReason::NoAnswer });
                }
            }
        }
        self.wake_in(if is_early { LOOK_PERIOD_FIRST } else { LOOK_PERIOD });
    }
}

impl PromptStage {
    /// The server's owner asks for a verified person.
    pub(super) fn verification_required(&self) -> bool {
        self.scanned.context.requires_verification()
    }

    /// A device of RFC 8628 asks, not a page.
    fn is_for_device(&self) -> bool {
        self.scanned.context.is_of_device()
    }

    /// The number as typed, where one is wanted; `None` for one that cannot be, which is told.
    #[expect(
        clippy::option_option,
        reason = "no number is wanted, or none can be read: two different things"
    )]
    fn read_check(&mut self, typed: Option<&str>) -> Option<Option<CheckNumber>> {
        if !self.scanned.check_wanted {
            return Some(None);
        }
        let check = typed.and_then(CheckNumber::parse);
        if check.is_none() {
            self.problem = Some(Problem::plain(ErrorCode::CheckMalformed));
        }
        check.map(Some)
    }

    /// What the window draws; everything from outside is cleaned again here.
    pub(super) fn view(&self, left_s: u32) -> Prompt {
        let context = &self.scanned.context;
        let seen = &context.seen;
        let cleaned = |text: &str| clean(text, NAME_LENGTH_MAX);
        let seconds = |s: i64| u32::try_from(s.max(0)).unwrap_or(u32::MAX);
        Prompt {
            id: self.id,
            origin: self.origin.to_string(),
            host: self.origin.host_and_port().to_owned(),
            client: context.client.as_ref().map(|client| cleaned(&client.name)),
            for_device: self.is_for_device(),
            scopes: context.scopes.iter().map(|scope| cleaned(scope)).collect(),
            account: self.account.clone(),
            warnings: self.warnings.clone(),
            seen: SeenView {
                address: cleaned(&seen.address),
                started_at: super::lists::shown_moment(seen.at),
                started_s_ago: seconds(self.scanned.now.since_s(seen.at)),
                same_network: seen.same_network,
                known_browser: seen.known_browser,
                frame_age_s: seen.frame_age_s.map(seconds),
            },
            claimed: ClaimedView {
                browser: cleaned(&context.claimed.browser),
                system: cleaned(&context.claimed.system),
                language: cleaned(&context.claimed.language),
            },
            via: match context.via {
                WireVia::Camera => Via::Camera,
                WireVia::Screen => Via::Screen,
                WireVia::Image => Via::Image,
                WireVia::Link => Via::Link,
                WireVia::Typed => Via::Typed,
            },
            check_wanted: self.scanned.check_wanted,
            verification_required: self.verification_required(),
            tries_left: self.tries_left,
            left_s,
            deciding: self.deciding,
            problem: self.problem.clone(),
        }
    }
}

/// Signs once and sends until there is an answer: the same statement twice changes nothing.
#[expect(clippy::disallowed_methods, reason = "ring signs with its own generator and takes no other")]
async fn sign_and_send(
    reach: &Reach,
    account: &Account,
    statement: &Statement,
) -> Result<DecisionAnswer, Failure> {
    let access = reach.open(account).await?;
    let now = Timestamp(reach.clock.unix_s());
    let jws = statement.sign(now, &access.auth.key, &SystemRandom::new()).map_err(CallError::Sign)?;
    Ok(send(&access.client, &jws).await)
}

/// Resends while the server surely got nothing or cannot work; after a lost reply once only, since each arrival of a wrong
/// number takes a try.
async fn send(client: &ServerClient, jws: &str) -> DecisionAnswer {
    let mut waits = RESEND_AFTER.iter();
    let mut reply_was_lost = false;
    loop {
        let answer = client.decide(jws).await;
        let DecisionAnswer::Failed(error) = &answer else { return answer };
        let unavailable = error.name() == Some(ProblemName::StoreUnavailable);
        if error.reply_lost() && !reply_was_lost {
            reply_was_lost = true;
        } else if matches!(error, CallError::Connect { .. }) || unavailable {
            let Some(wait) = waits.next() else { return answer };
            tokio::time::sleep(*wait).await;
        } else {
            return answer;
        }
    }
}
