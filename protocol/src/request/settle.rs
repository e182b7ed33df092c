use super::polls::DeviceProof;
use super::state::State;
use super::transition::{Cause, Decide, Event, PageProof, apply};
use super::{Lives, Redeemer, Request};
use crate::statement::Decision;
use crate::time::Timestamp;

/// What the durable store says of a request, as far as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The decision with the request's ticket.
    pub decision: Option<Recorded>,
    /// The device that scanned is trusted and its account active; true where nobody asked.
    pub is_trusted: bool,
    /// When a session of this request was made, if one lives.
    pub session_at: Option<Timestamp>,
}

/// A decision as the durable store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What.
    pub decision: Decision,
    /// When: deadlines count from here.
    pub at: Timestamp,
    /// The account's owner took an approval back before it was redeemed.
    pub is_withdrawn: bool,
}

/// The state that the durable store and the time ask for, if it is another one than the request's.
///
/// The durable store is the arbiter: a recorded decision or session counts although a crash kept the short-lived record
/// from following it, as if it had been written at that moment; a revoked device or a withdrawn approval ends the request.
pub fn settled(request: &Request, facts: &Facts, now: Timestamp, lives: &Lives) -> Option<State> {
    let by_time = || apply(request, &Event::Look, now, lives).next;
    let revoked = || apply(request, &Event::Cancel(Cause::Revoked), now, lives).next;
    match &request.state {
        State::Waiting { .. } => by_time(),
        State::Over { .. } => None,
        State::Scanned { .. } => match facts.decision {
            Some(recorded) => decided(request, recorded, lives),
            None if !facts.is_trusted => revoked(),
            None => by_time(),
        },
        State::Approved { ends_at, .. } => {
            if !facts.is_trusted || facts.decision.is_some_and(|recorded| recorded.is_withdrawn) {
                return revoked();
            }
            if now < *ends_at {
                return None;
            }
            facts.session_at.and_then(|at| redeemed(request, at, lives)).or_else(by_time)
        }
    }
}

fn decided(request: &Request, recorded: Recorded, lives: &Lives) -> Option<State> {
    let State::Scanned { lock, check, .. } = &request.state else {
        return None;
    };
    let event = Event::Decide(Decide {
        device: lock.device,
        ticket: lock.ticket,
        context_hash: lock.context_hash,
        decision: recorded.decision,
        check: match recorded.decision {
            Decision::Approve => *check,
            Decision::Deny | Decision::Report => None,
        },
        // It was recorded, so it was judged.
        user_verified: true,
    });
    apply(request, &event, recorded.at, lives).next
}

fn redeemed(request: &Request, at: Timestamp, lives: &Lives) -> Option<State> {
    let event = match request.redeemer {
        Redeemer::Page { secret, key } => Event::Redeem(PageProof { secret, key }),
        Redeemer::Device { code, key, .. } => Event::Poll(DeviceProof { code, key }),
    };
    apply(request, &event, at, lives).next
}
