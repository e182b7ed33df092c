use protocol::hole;
use protocol::request::{Decide, Denied, Done, Event, Outcome, State, Step, apply, with_try_taken};
use protocol::statement::{Decision, Statement, UnverifiedStatement};
use protocol::time::Timestamp;

use super::settle::{NEVER_AT_REST, TURNS_MAX, Written};
use super::{ClientAddress, Failure, Service};
use crate::kill_point::hold_point;
use crate::store::{By, Holder, NewDecision, Recorded, Verdict, Versioned};

/// A statement that verified, with where it came from.
struct Received<'a> {
    statement: &'a str,
    holder: Holder,
    decide: Decide,
    address: ClientAddress,
}

/// What the durable store says about a verdict that the state table allows.
enum Arbitrated {
    /// It counts, from this moment.
    From(Timestamp),
    /// The record is behind the durable store: settle it and decide again.
    Behind,
    /// The device is not trusted any more.
    Revoked,
}

impl Service {
    /// `POST /api/decisions` (step 4): records what the person decided. A statement that does not verify is not told
    /// apart from one about nothing.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Request`] for a wrong number (422), another decision (409), the end (410).
    pub async fn decide(&self, statement: &str, address: ClientAddress) -> Result<(), Failure> {
        self.may_prove(address).await?;
        let Some((verified, holder)) = self.verify(statement).await? else {
            return Err(self.failed(address, Failure::NotFound).await);
        };
        let decide = Decide {
            device: verified.device,
            ticket: verified.ticket,
            context_hash: verified.context_hash,
            decision: verified.decision,
            check: verified.check,
            user_verified: verified.user_verified,
        };
        let received = Received { statement, holder, decide, address };
        for _ in 0..TURNS_MAX {
            let read = self.remembered(self.short_lived.by_ticket(decide.ticket).await?)?;
            let read = self.settle_if_past(read).await?.ok_or(Failure::NotFound)?;
            if let Some(answer) = self.decide_once(read, &received).await? {
                return answer;
            }
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// The statement and who signed it; `None` when it does not verify, or is for another server or account.
    async fn verify(&self, text: &str) -> Result<Option<(Statement, Holder)>, Failure> {
        let Ok(unverified) = UnverifiedStatement::parse(text) else {
            return Ok(None);
        };
        let Some(holder) = self.durable.holder(unverified.device).await? else {
            return Ok(None);
        };
        let Ok(statement) = unverified.verify(&holder.device.key) else {
            return Ok(None);
        };
        let ours = (hole!("statement_audience") || statement.origin == self.origin)
            && (hole!("statement_account") || statement.account == holder.account.id);
        Ok(ours.then_some((statement, holder)))
    }

    /// One turn; `None`: somebody else wrote, so read and decide again.
    async fn decide_once(
        &self,
        mut read: Versioned,
        received: &Received<'_>,
    ) -> Result<Option<Result<(), Failure>>, Failure> {
        let decide = received.decide;
        let event = Event::Decide(decide);
        let now = self.now();
        let mut step = apply(&read.request, &event, now, &self.lives);
        if let Some(verdict) = verdict_of(&step, decide.decision) {
            if verdict == Verdict::Decided(Decision::Approve) {
                match self.take_try(read, now).await? {
                    Some(taken) => read = taken,
                    None => return Ok(None),
                }
            }
            match self.arbitrate(&read, verdict, received, now).await? {
                Arbitrated::From(decided_at) => {
                    step = apply(&read.request, &event, decided_at, &self.lives);
                }
                Arbitrated::Behind => {
                    self.settle(read).await?;
                    return Ok(None);
                }
                Arbitrated::Revoked => {
                    self.revoke_request(read).await?;
                    return Ok(Some(Err(Failure::NotFound)));
                }
            }
        }
        match self.write(&read, &step, now).await? {
            Written::Yes(_) => {}
            Written::Again | Written::UserCodeTaken => return Ok(None),
            Written::Gone => return Ok(Some(Err(Failure::NotFound))),
        }
        Ok(Some(match step.answer {
            Ok(_) => {
                tracing::info!(request.id = %read.request.id, device.id = %decide.device, decision = ?decide.decision, "Login request decided");
                Ok(())
            }
            Err(refused) => Err(refused.into()),
        }))
    }

    /// Lets a right number take its try before anything is recorded; `None`: somebody else wrote first.
    async fn take_try(&self, read: Versioned, now: Timestamp) -> Result<Option<Versioned>, Failure> {
        let Some(next) = with_try_taken(&read.request.state) else {
            return Ok(Some(read));
        };
        let step = Step { next: Some(next), user_code: None, polls: None, answer: Ok(Done::Seen) };
        Ok(match self.write(&read, &step, now).await? {
            Written::Yes(taken) => Some(taken),
            Written::Again | Written::UserCodeTaken | Written::Gone => None,
        })
    }

    /// Records the verdict where it counts: the short-lived record follows.
    async fn arbitrate(
        &self,
        read: &Versioned,
        verdict: Verdict,
        received: &Received<'_>,
        now: Timestamp,
    ) -> Result<Arbitrated, Failure> {
        let State::Scanned { lock, context, .. } = &read.request.state else {
            return Err(Failure::Internal("only a scanned request can be decided"));
        };
        let new = NewDecision {
            ticket: lock.ticket,
            request: read.request.id,
            device: lock.device,
            account: lock.account,
            verdict,
            context: context.clone(),
            statement: received.statement.to_owned(),
            browser: read.request.shown_as().to_owned(),
            system: read.request.claimed.system.clone(),
        };
        let by = By::device(&received.holder.device, received.address.to_string());
        hold_point!("decision");
        Ok(match self.durable.record_decision(&new, &by, now).await? {
            Recorded::Recorded => Arbitrated::From(now),
            Recorded::Same { decided_at } => Arbitrated::From(decided_at),
            Recorded::Other(_) => Arbitrated::Behind,
            Recorded::Refused => Arbitrated::Revoked,
        })
    }
}

/// What the durable store has to record before `step` may be written, if anything.
fn verdict_of(step: &Step, decision: Decision) -> Option<Verdict> {
    if step.answer == Ok(Done::Decided) {
        return Some(Verdict::Decided(decision));
    }
    let is_denied_by_number =
        matches!(step.next, Some(State::Over { outcome: Outcome::Denied(Denied::Check), .. }));
    is_denied_by_number.then_some(Verdict::WrongNumbers)
}
