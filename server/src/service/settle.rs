//! Reading a login request: what a crash or another process left behind is finished first.

use protocol::id::AccountId;
use protocol::request::{
    Cause, Done, Event, Facts, Lock, Outcome, Recorded, Redeemer, Refused, Request, State, Step, apply,
    denied_by_number, settled,
};
use protocol::time::Timestamp;

use super::{Failure, Service};
use crate::counts;
use crate::kill_point::kill_point;
use crate::store::{Replaced, StoredDecision, Verdict, Versioned, forgotten_at};

/// How often a write is repeated when others write the same record: far more than callers can arrive between.
pub(crate) const TURNS_MAX: u32 = 1_000;
/// What is logged when they were not enough.
pub(crate) const NEVER_AT_REST: &str = "a login request never came to rest";

/// What a written step did.
pub(crate) enum Written {
    /// It is the record now; the one that was read where nothing had to be written.
    Yes(Versioned),
    /// Somebody else wrote first: read and decide again.
    Again,
    /// The record is gone.
    Gone,
    /// Another live request has this user code.
    UserCodeTaken,
}

impl Service {
    /// What was read, unless it is long over: a store may hold it until it is swept.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub(crate) fn remembered(&self, read: Option<Versioned>) -> Result<Versioned, Failure> {
        read.filter(|read| self.now() < forgotten_at(&read.request, &self.lives)).ok_or(Failure::NotFound)
    }

    /// Brings what was read to where the durable store says it is, and writes that.
    ///
    /// The durable store is the arbiter (docs/protocol.md): a recorded decision or session counts although the
    /// short-lived record does not show it, and a revoked device or withdrawn approval ends it.
    pub(crate) async fn settle(&self, mut read: Versioned) -> Result<Option<Versioned>, Failure> {
        for _ in 0..TURNS_MAX {
            let now = self.now();
            let Some(next) = self.unsettled(&read.request, now).await? else {
                return Ok(Some(read));
            };
            let request = Request { state: next, ..(*read.request).clone() };
            match self.short_lived.replace(&request, read.version, now).await? {
                Replaced::Replaced(version) => {
                    counts::login(&request.state);
                    read = Versioned { request: request.into(), version };
                    continue;
                }
                Replaced::Changed | Replaced::UserCodeTaken => {}
                Replaced::Gone => return Ok(None),
            }
            let Some(again) = self.short_lived.by_id(read.request.id).await? else {
                return Ok(None);
            };
            read = again;
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// As [`Service::settle`], but asks the durable store only when a deadline has passed: for calls whose own write to
    /// the durable store finds out the rest.
    pub(super) async fn settle_if_past(&self, read: Versioned) -> Result<Option<Versioned>, Failure> {
        let past = read.request.state.ends_at().is_some_and(|ends_at| self.now() >= ends_at);
        if past { self.settle(read).await } else { Ok(Some(read)) }
    }

    /// Writes what `step` decided about `read`, if it decided anything.
    pub(crate) async fn write(
        &self,
        read: &Versioned,
        step: &Step,
        now: Timestamp,
    ) -> Result<Written, Failure> {
        if step.next.is_none() && step.user_code.is_none() && step.polls.is_none() {
            return Ok(Written::Yes(read.clone()));
        }
        let mut request = (*read.request).clone();
        if let Some(state) = &step.next {
            request.state = state.clone();
        }
        if step.user_code.is_some() {
            request.user_code = step.user_code;
        }
        if let (Some(new), Redeemer::Device { polls, .. }) = (step.polls, &mut request.redeemer) {
            *polls = new;
        }
        kill_point!("before record", &format!("{:?}", request.state.phase()));
        Ok(match self.short_lived.replace(&request, read.version, now).await? {
            Replaced::Replaced(version) => {
                kill_point!("after record", &format!("{:?}", request.state.phase()));
                if request.state.phase() != read.request.state.phase() {
                    counts::login(&request.state);
                }
                Written::Yes(Versioned { request: request.into(), version })
            }
            Replaced::Changed => Written::Again,
            Replaced::Gone => Written::Gone,
            Replaced::UserCodeTaken => Written::UserCodeTaken,
        })
    }

    /// Cancels the account's scanned and approved requests that `concerns` says so of.
    pub(super) async fn revoke_requests(
        &self,
        account: AccountId,
        concerns: impl Fn(&Lock) -> bool,
    ) -> Result<(), Failure> {
        for found in self.short_lived.scanned_by(account).await? {
            if found.request.state.lock().is_some_and(&concerns) {
                self.revoke_request(found).await?;
            }
        }
        Ok(())
    }

    /// Cancels one request in the owner's name, unless it is over.
    pub(super) async fn revoke_request(&self, read: Versioned) -> Result<(), Failure> {
        self.follow(read, &Event::Cancel(Cause::Revoked), self.now()).await.map(drop)
    }

    /// Lets the short-lived record follow what has happened at `now`, whoever writes it meanwhile: where it came to rest,
    /// and the answer. `None`: the record is gone.
    pub(super) async fn follow(
        &self,
        mut read: Versioned,
        event: &Event,
        now: Timestamp,
    ) -> Result<Option<(Versioned, Result<Done, Refused>)>, Failure> {
        for _ in 0..TURNS_MAX {
            let step = apply(&read.request, event, now, &self.lives);
            match self.write(&read, &step, now).await? {
                Written::Yes(written) => return Ok(Some((written, step.answer))),
                Written::Gone => return Ok(None),
                Written::Again | Written::UserCodeTaken => {}
            }
            let Some(again) = self.short_lived.by_id(read.request.id).await? else {
                return Ok(None);
            };
            read = again;
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// The state that the durable store and the time ask for, if it is another one. Asks for no more than that needs.
    async fn unsettled(&self, request: &Request, now: Timestamp) -> Result<Option<State>, Failure> {
        let mut facts = Facts { decision: None, is_trusted: true, session_at: None };
        if let Some(lock) = request.state.lock() {
            let is_approved = matches!(request.state, State::Approved { .. });
            facts.decision = match self.durable.decision(lock.ticket).await? {
                Some(StoredDecision {
                    verdict: Verdict::Decided(decision), decided_at, withdrawn, ..
                }) => Some(Recorded { decision, at: decided_at, is_withdrawn: withdrawn }),
                Some(StoredDecision { verdict: Verdict::WrongNumbers, decided_at, .. }) => {
                    return Ok(Some(denied_by_number(decided_at)));
                }
                None => None,
            };
            if is_approved || facts.decision.is_none() {
                facts.is_trusted = self.durable.holder(lock.device).await?.is_some();
            }
            if is_approved && request.state.ends_at().is_some_and(|ends_at| now >= ends_at) {
                let sessions = self.durable.sessions(lock.account, &self.session_lives, now).await?;
                let made = sessions.iter().find(|view| view.session.request == request.id);
                facts.session_at = made.map(|view| view.session.created_at);
            }
        }
        Ok(settled(request, &facts, now, &self.lives))
    }
}

/// Whether a request ended because somebody called it off.
pub(super) const fn is_cancelled(state: &State) -> bool {
    matches!(state, State::Over { outcome: Outcome::Cancelled(_), .. })
}
