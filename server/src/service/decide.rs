use protocol::request::{Decide, Denied, Done, Event, Outcome, State, apply};
use protocol::statement::{Statement, UnverifiedStatement};
use protocol::time::Timestamp;

use super::settle::{TURNS_MAX, Written};
use super::{ClientAddress, Failure, Service};
use crate::store::{By, Holder, NewDecision, Recorded, Versioned};

/// What the durable store says about a decision that the state table allows.
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
        };
        for _ in 0..TURNS_MAX {
            let read = self.remembered(self.short_lived.by_ticket(decide.ticket).await?)?;
            let read = self.settle_if_past(read).await?.ok_or(Failure::NotFound)?;
            if let Some(answer) = self.decide_once(&read, &decide, statement, &holder, address).await? {
                return answer;
            }
        }
        Err(Failure::Internal("a decision never came to rest"))
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
        let ours = statement.origin == self.origin && statement.account == holder.account.id;
        Ok(ours.then_some((statement, holder)))
    }

    /// One turn; `None`: somebody else wrote, so read and decide again.
    async fn decide_once(
        &self,
        read: &Versioned,
        decide: &Decide,
        statement: &str,
        holder: &Holder,
        address: ClientAddress,
    ) -> Result<Option<Result<(), Failure>>, Failure> {
        let now = self.now();
        let mut step = apply(&read.request, &Event::Decide(*decide), now, &self.lives);
        if step.answer == Ok(Done::Decided) {
            match self.arbitrate(read, decide, statement, holder, address, now).await? {
                Arbitrated::From(decided_at) => {
                    step = apply(&read.request, &Event::Decide(*decide), decided_at, &self.lives);
                }
                Arbitrated::Behind => {
                    self.settle(read.clone()).await?;
                    return Ok(None);
                }
                Arbitrated::Revoked => {
                    self.revoke_request(read.clone()).await?;
                    return Ok(Some(Err(Failure::NotFound)));
                }
            }
        }
        let request = match self.write(read, &step, now).await? {
            Written::Yes(request) => request,
            Written::Again | Written::UserCodeTaken => return Ok(None),
            Written::Gone => return Ok(Some(Err(Failure::NotFound))),
        };
        if step.next.is_some() && is_denied_by_number(&request.state) {
            self.note_refused(&request, holder, "check", address, now).await?;
        }
        Ok(Some(match step.answer {
            Ok(_) => {
                tracing::info!(request.id = %request.id, device.id = %decide.device, decision = ?decide.decision, "Login request decided");
                Ok(())
            }
            Err(refused) => Err(refused.into()),
        }))
    }

    /// Records the decision where it counts: the short-lived record follows.
    async fn arbitrate(
        &self,
        read: &Versioned,
        decide: &Decide,
        statement: &str,
        holder: &Holder,
        address: ClientAddress,
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
            decision: decide.decision,
            context: context.clone(),
            statement: statement.to_owned(),
            browser: read.request.claimed.browser.clone(),
            system: read.request.claimed.system.clone(),
        };
        let by = By::device(&holder.device, address.to_string());
        Ok(match self.durable.record_decision(&new, &by, now).await? {
            Recorded::Recorded => Arbitrated::From(now),
            Recorded::Same { decided_at } => Arbitrated::From(decided_at),
            Recorded::Other(_) => Arbitrated::Behind,
            Recorded::Refused => Arbitrated::Revoked,
        })
    }
}

const fn is_denied_by_number(state: &State) -> bool {
    matches!(state, State::Over { outcome: Outcome::Denied(Denied::Check), .. })
}
