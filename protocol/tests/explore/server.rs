//! The server's steps, each with the transitions and the settling that the real server runs. What is written here and not taken
//! from the crate is the durable store: its two inserts with their conditions, as docs/protocol.md gives them.

use protocol::check::CheckNumber;
use protocol::request::{
    Cause, Decide, Denied, Done, Event, Facts, Lives, Outcome, Recorded, Refused, Request, State, Step,
    denied_by_number, settled, with_try_taken,
};
use protocol::statement::Decision;
use protocol::time::Timestamp;

use crate::world::{
    Call, DEVICES, Kept, KeptDecision, LIVES, Session, Verdict, What, World, lock, redeem, request, time,
};

pub(crate) type Apply = fn(&Request, &Event, Timestamp, &Lives) -> Step;

/// What is explored: the real rules, or rules with a seeded fault.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) apply: Apply,
    /// The durable store refuses a second session of a request.
    pub(crate) sessions_are_unique: bool,
    /// A record is brought up to date with the durable store before it is used.
    pub(crate) settles: bool,
}

impl Rules {
    /// The record as the server sees it: after what the durable store and the time ask for is written.
    pub(crate) fn read(self, world: &mut World, number: usize) -> Option<State> {
        loop {
            let state = world.records[number].clone()?;
            match settle(world, number, &state) {
                Some(next) if self.settles => world.records[number] = Some(next),
                _ => return Some(state),
            }
        }
    }

    /// A transition that needs no durable store: read and write are one.
    pub(crate) fn transit(
        self,
        world: &mut World,
        number: usize,
        event: &Event,
    ) -> Option<Result<Done, Refused>> {
        let state = self.read(world, number)?;
        let step = (self.apply)(&request(world, number, &state), event, time(world.now), &LIVES);
        if let Some(next) = step.next {
            world.records[number] = Some(next);
        }
        Some(step.answer)
    }

    /// The first part of a decision or a redeem: judged by the short-lived record. What it allows is under way then, and
    /// a right number has taken its try.
    pub(crate) fn begin(self, world: &mut World, number: usize, what: What) {
        let Some(state) = self.read(world, number) else { return };
        let event = event(world, number, &state, what);
        let step = (self.apply)(&request(world, number, &state), &event, time(world.now), &LIVES);
        if matches!(step.answer, Err(Refused::WrongCheck { .. })) {
            world.kept[number].told_wrong += 1;
        }
        let is_last_number =
            matches!(step.next, Some(State::Over { outcome: Outcome::Denied(Denied::Check), .. }));
        if is_last_number || matches!(step.answer, Ok(Done::Decided | Done::Redeemed)) {
            let is_approval = matches!(what, What::Decide { verdict: Verdict::Approve, .. });
            if let Some(taken) = with_try_taken(&state).filter(|_| is_approval) {
                world.records[number] = Some(taken);
            }
            let call = Call { request: number, what, at: world.now, kept_at: None };
            if !world.under_way.contains(&call) {
                world.under_way.push(call);
                world.under_way.sort();
            }
        } else if let Some(next) = step.next {
            world.records[number] = Some(next);
        }
    }

    /// The second part: one transaction of the durable store.
    pub(crate) fn keep(self, world: &mut World, at: usize) {
        let call = world.under_way.remove(at);
        let kept_at = match call.what {
            What::Decide { device, verdict, verified } => {
                keep_decision(world, &call, device, verdict, verified)
            }
            What::Redeem { browser } => self.keep_session(world, &call, browser),
            What::Revoke => Some(call.at),
        };
        if kept_at.is_some() {
            world.under_way.push(Call { kept_at, ..call });
            world.under_way.sort();
        }
    }

    /// The third part: the short-lived record follows.
    pub(crate) fn follow(self, world: &mut World, at: usize) {
        let call = world.under_way.remove(at);
        let Some(state) = world.records[call.request].clone() else { return };
        let kept_at = time(call.kept_at.unwrap_or(call.at));
        let event = event(world, call.request, &state, call.what);
        let step = (self.apply)(&request(world, call.request, &state), &event, kept_at, &LIVES);
        let next = step.next.unwrap_or(state);
        let is_called_off = matches!(next, State::Over { outcome: Outcome::Cancelled(_), .. });
        if matches!(call.what, What::Redeem { .. })
            && is_called_off
            && let Some(session) = &mut world.kept[call.request].session
        {
            session.lives = false;
        }
        world.records[call.request] = Some(next);
    }

    fn keep_session(self, world: &mut World, call: &Call, browser: u8) -> Option<u8> {
        let state = world.records[call.request].clone()?;
        let device = scanner(call.request, &state)?;
        let kept = &mut world.kept[call.request];
        let decision = kept.decision?;
        let counts = decision.verdict == Verdict::Approve
            && i64::from(call.at) < i64::from(decision.at) + LIVES.approved_s
            && !decision.is_withdrawn
            && world.trusted[usize::from(device)];
        match kept.session {
            Some(before) if self.sessions_are_unique => (before.browser == browser).then_some(call.at),
            _ if counts => {
                kept.session = Some(Session { at: call.at, device, browser, lives: true });
                kept.sessions_made += 1;
                Some(call.at)
            }
            _ => None,
        }
    }
}

/// What the durable store and the time ask for.
fn settle(world: &World, number: usize, state: &State) -> Option<State> {
    let kept = world.kept[number];
    let recorded = match kept.decision {
        Some(it) => match it.verdict.decision() {
            Some(decision) => Some(Recorded { decision, at: time(it.at), is_withdrawn: it.is_withdrawn }),
            None if state.lock().is_some() => return Some(denied_by_number(time(it.at))),
            None => None,
        },
        None => None,
    };
    let facts = Facts {
        decision: recorded,
        is_trusted: scanner(number, state).is_none_or(|device| world.trusted[usize::from(device)]),
        session_at: kept.session.filter(|session| session.lives).map(|session| time(session.at)),
    };
    settled(&request(world, number, state), &facts, time(world.now), &LIVES)
}

fn keep_decision(world: &mut World, call: &Call, sender: u8, verdict: Verdict, verified: bool) -> Option<u8> {
    let state = world.records[call.request].as_ref()?;
    let device = scanner(call.request, state)?;
    if !world.trusted[usize::from(device)] {
        return None;
    }
    let kept: &mut Kept = &mut world.kept[call.request];
    if let Some(before) = kept.decision {
        (before.verdict == verdict).then_some(before.at)
    } else {
        kept.decision = Some(KeptDecision { verdict, at: call.at, is_withdrawn: false, sender, verified });
        Some(call.at)
    }
}

/// Takes trust away for good, in one transaction: approvals that were not redeemed and linked sessions go with it. The
/// short-lived records follow later, if the node lives that long.
pub(crate) fn revoke(world: &mut World, device: u8) {
    world.trusted[usize::from(device)] = false;
    for number in 0..world.records.len() {
        if let Some((scanner, _)) = world.kept[number].scanned
            && scanner == device
        {
            let kept = &mut world.kept[number];
            match (&mut kept.session, &mut kept.decision) {
                (Some(session), _) => session.lives = false,
                (None, Some(decision)) if decision.verdict == Verdict::Approve => {
                    decision.is_withdrawn = true;
                }
                _ => {}
            }
            world.under_way.push(Call {
                request: number,
                what: What::Revoke,
                at: world.now,
                kept_at: Some(world.now),
            });
            world.under_way.sort();
        }
    }
}

/// Which device a state is locked to.
pub(crate) fn scanner(number: usize, state: &State) -> Option<u8> {
    let held = match state {
        State::Scanned { lock, .. } | State::Approved { lock, .. } => *lock,
        State::Over { decided: Some(decided), .. } => decided.lock,
        State::Waiting { .. } | State::Over { decided: None, .. } => return None,
    };
    DEVICES.into_iter().find(|device| lock(number, *device) == held)
}

/// The event of a call. A decision carries the ticket and context of whoever scanned, though another device sends it.
pub(crate) fn event(world: &World, number: usize, state: &State, what: What) -> Event {
    match what {
        What::Redeem { browser } => redeem(world, browser),
        What::Revoke => Event::Cancel(Cause::Revoked),
        What::Decide { device, verdict, verified } => {
            let stolen = lock(number, scanner(number, state).unwrap_or(device));
            Event::Decide(Decide {
                device: lock(number, device).device,
                ticket: stolen.ticket,
                context_hash: stolen.context_hash,
                // Three wrong numbers are sent as an approval with a wrong one.
                decision: verdict.decision().unwrap_or(Decision::Approve),
                check: Some(CheckNumber::from_random(if verdict == Verdict::WrongNumbers { 38 } else { 37 })),
                user_verified: verified,
            })
        }
    }
}
