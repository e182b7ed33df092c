//! Every order of events within bounds: the state table and the settling that the server runs, explored by a model checker.
//!
//! Two browsers (or two devices of RFC 8628 that poll), two authenticators of two accounts, nodes that share a short-lived and a durable store. A call is up to three
//! atomic parts (judge, durable transaction, short-lived record); others run between them, a crash ends it between them. A
//! call can come at any time, any number of times or never, from anybody who could know what it carries: so lost, repeated,
//! delayed and reordered messages need no network in the model.
//!
//! Bounds: two requests, or one with more calls at once; lives of 3, 2 and 2 s, so that each second around a deadline is
//! there; two calls under way; one crash; as many wrong numbers as anybody sends. Whether the policy asks for a verified
//! person is explored both ways.
//!
//! Not modelled: signatures, proofs and tags (verified before a transition); which number is guessed (right or wrong is
//! all that a guess is); the network rule, a page's user codes and the pace of polls (`it::devices`); enrolment and recovery codes, which are one transaction each;
//! disabled accounts (a device revoked for good stands for them); other clocks than one that never steps back; sessions
//! after they are made; and a durable store that breaks its own transactions.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]
#![expect(
    clippy::print_stdout,
    reason = "what was explored, and the way to what does not hold, is the result"
)]

mod properties;
mod server;
mod world;

use protocol::request::{Cause, Done, Event, Lives, Refused, Request, State, Step, apply};
use protocol::time::Timestamp;
use stateright::{Checker as _, HasDiscoveries, Model, Property};

use server::{Rules, revoke};
use world::{DEVICES, END_S, Verdict, What, World, scan, sight};

const REAL: Rules = Rules { apply, sessions_are_unique: true, settles: true };

struct Explored {
    rules: Rules,
    requests: usize,
    calls_at_once: usize,
    crashes: u8,
    /// Only logins: nobody denies, cancels or revokes.
    only_logins: bool,
    /// Wrong numbers are typed.
    mistypes: bool,
    /// The policy asks for a verified person.
    asks: bool,
    /// The requests are of RFC 8628.
    by_device: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Tick,
    Scan {
        request: usize,
        device: u8,
    },
    Decide {
        request: usize,
        device: u8,
        /// What it is if it counts: with a wrong number, the third one.
        verdict: Verdict,
        verified: bool,
    },
    Redeem {
        request: usize,
        browser: u8,
    },
    Cancel {
        request: usize,
    },
    Revoke {
        device: u8,
    },
    Keep(usize),
    Follow(usize),
    /// A node dies in the middle of this call.
    CrashIn(usize),
    /// The short-lived store forgets everything, and with it dies what was under way.
    LoseRecords,
}

impl Model for Explored {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::start(self.requests, self.by_device)]
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        let is_open = |state: &Option<State>| state.as_ref().is_some_and(|state| !state.phase().is_final());
        if world.now <= END_S && (world.records.iter().any(is_open) || !world.under_way.is_empty()) {
            acts.push(Act::Tick);
        }
        for request in 0..self.requests {
            for device in DEVICES {
                acts.push(Act::Scan { request, device });
                let verdicts = [
                    (Verdict::Approve, true),
                    (Verdict::Deny, !self.only_logins),
                    (Verdict::WrongNumbers, self.mistypes),
                ];
                for (verdict, _) in verdicts.into_iter().filter(|(_, happens)| *happens) {
                    acts.push(Act::Decide { request, device, verdict, verified: self.asks });
                    if self.asks && verdict != Verdict::Deny {
                        acts.push(Act::Decide { request, device, verdict, verified: false });
                    }
                }
            }
            acts.extend([0, 1].map(|browser| Act::Redeem { request, browser }));
            if !self.only_logins {
                acts.push(Act::Cancel { request });
            }
        }
        if !self.only_logins {
            // Both devices may do all else, so that the other one's revocation is the same with names changed.
            acts.push(Act::Revoke { device: 0 });
        }
        for (at, call) in world.under_way.iter().enumerate() {
            acts.push(if call.kept_at.is_some() { Act::Follow(at) } else { Act::Keep(at) });
            if world.crashes < self.crashes {
                acts.push(Act::CrashIn(at));
            }
        }
        if world.crashes < self.crashes {
            acts.push(Act::LoseRecords);
        }
    }

    fn next_state(&self, before: &World, act: Act) -> Option<World> {
        let mut world = before.clone();
        match act {
            Act::Tick => world.now += 1,
            Act::Scan { request, device } => {
                if !world.trusted[usize::from(device)] {
                    return None;
                }
                let event = scan(request, device, sight(&world, request), self.asks);
                if self.rules.transit(&mut world, request, &event) == Some(Ok(Done::Scanned)) {
                    world.kept[request].scanned = Some((device, world.now));
                }
            }
            Act::Decide { request, device, verdict, verified } => {
                self.rules.begin(&mut world, request, What::Decide { device, verdict, verified });
            }
            Act::Redeem { request, browser } => {
                self.rules.begin(&mut world, request, What::Redeem { browser });
            }
            Act::Cancel { request } => {
                self.rules.transit(&mut world, request, &Event::Cancel(Cause::Page));
            }
            Act::Revoke { device } if world.trusted[usize::from(device)] => revoke(&mut world, device),
            Act::Revoke { .. } => return None,
            Act::Keep(at) => self.rules.keep(&mut world, at),
            Act::Follow(at) => self.rules.follow(&mut world, at),
            Act::CrashIn(at) => {
                world.under_way.remove(at);
                world.crashes += 1;
            }
            Act::LoseRecords => {
                world.records.fill(None);
                world.under_way.clear();
                world.crashes += 1;
            }
        }
        let is_within =
            world.under_way.iter().filter(|call| call.what != What::Revoke).count() <= self.calls_at_once;
        (is_within && world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = properties::promised();
        properties.extend(properties::reached(self));
        properties
    }
}

/// Explores all of it, or up to the first thing that does not hold; what does not.
fn explore(model: Explored) -> Vec<&'static str> {
    let told = format!(
        "{} requests, {} calls at once, {} crashes, verified persons {}",
        model.requests,
        model.calls_at_once,
        model.crashes,
        if model.asks { "asked for" } else { "not asked for" }
    );
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let wrong: Vec<_> = checker
        .discoveries()
        .into_iter()
        .filter(|(name, _)| checker.model().property(name).expectation == stateright::Expectation::Always)
        .map(|(name, path)| {
            println!("{name}: {:?}", path.into_actions());
            name
        })
        .collect();
    let unseen = checker.model().properties().into_iter().filter(|property| {
        property.expectation == stateright::Expectation::Sometimes
            && checker.discovery(property.name).is_none()
    });
    let unseen: Vec<_> = unseen.map(|property| property.name).collect();
    println!(
        "{told}: {} states, {} of them unique, {} deep, {} properties",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        checker.model().properties().len()
    );
    if wrong.is_empty() {
        assert_eq!(unseen, Vec::<&str>::new(), "never reached");
    }
    wrong
}

const NONE: [&str; 0] = [];

/// All that can happen to one request, one call at a time.
const ONE: Explored = Explored {
    rules: REAL,
    requests: 1,
    calls_at_once: 1,
    crashes: 0,
    only_logins: false,
    mistypes: true,
    asks: false,
    by_device: false,
};

/// As [`ONE`], of RFC 8628: nobody is asked for a number.
const DEVICE: Explored = Explored { by_device: true, mistypes: false, ..ONE };

#[test]
fn one_request_with_two_calls_at_once_and_a_crash_keeps_its_promises() {
    assert_eq!(explore(Explored { calls_at_once: 2, crashes: 1, mistypes: false, ..ONE }), NONE);
}

#[test]
fn wrong_numbers_with_two_calls_at_once_keep_their_promises() {
    assert_eq!(explore(Explored { calls_at_once: 2, ..ONE }), NONE);
}

#[test]
fn one_request_that_asks_for_a_verified_person_keeps_its_promises() {
    assert_eq!(explore(Explored { crashes: 1, asks: true, ..ONE }), NONE);
}

#[test]
fn two_requests_keep_their_promises() {
    assert_eq!(explore(Explored { requests: 2, only_logins: true, mistypes: false, ..ONE }), NONE);
}

#[test]
fn a_device_grant_with_two_calls_at_once_and_a_crash_keeps_its_promises() {
    assert_eq!(explore(Explored { calls_at_once: 2, crashes: 1, ..DEVICE }), NONE);
}

#[test]
fn a_device_grant_that_asks_for_a_verified_person_keeps_its_promises() {
    assert_eq!(explore(Explored { crashes: 1, asks: true, ..DEVICE }), NONE);
}

#[test]
fn two_device_grants_keep_their_promises() {
    assert_eq!(explore(Explored { requests: 2, only_logins: true, ..DEVICE }), NONE);
}

#[test]
fn a_table_that_counts_no_wrong_number_is_found() {
    fn counts_none(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        let step = apply(request, event, now, lives);
        match step.answer {
            Err(Refused::WrongCheck { .. }) => Step { next: None, ..step },
            _ => step,
        }
    }
    let rules = Rules { apply: counts_none, ..REAL };
    let wrong = explore(Explored { rules, ..ONE });
    assert!(wrong.contains(&"two numbers at most are told to be wrong"), "{wrong:?}");
}

#[test]
fn a_table_that_asks_nobody_to_be_verified_is_found() {
    fn asks_nobody(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        match event {
            Event::Decide(decide) => {
                let decide = protocol::request::Decide { user_verified: true, ..*decide };
                apply(request, &Event::Decide(decide), now, lives)
            }
            _ => apply(request, event, now, lives),
        }
    }
    let rules = Rules { apply: asks_nobody, ..REAL };
    let wrong = explore(Explored { rules, asks: true, ..ONE });
    assert!(wrong.contains(&"where a verified person is asked for, nobody else approves"), "{wrong:?}");
}

#[test]
fn a_store_that_takes_a_second_session_is_found() {
    let rules = Rules { sessions_are_unique: false, ..REAL };
    let wrong = explore(Explored { rules, calls_at_once: 2, ..ONE });
    assert!(wrong.contains(&"at most one session a request"), "{wrong:?}");
}

#[test]
fn a_table_that_approves_after_expiry_is_found() {
    fn approves_late(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        match (&request.state, event) {
            (State::Scanned { ends_at, .. }, Event::Decide(_)) if now >= *ends_at => {
                Step { answer: Ok(Done::Decided), ..apply(request, event, ends_at.plus_s(-1), lives) }
            }
            _ => apply(request, event, now, lives),
        }
    }
    let rules = Rules { apply: approves_late, settles: false, ..REAL };
    let wrong = explore(Explored { rules, ..ONE });
    assert!(wrong.contains(&"no decision after its deadline"), "{wrong:?}");
}

#[test]
fn a_table_that_hears_a_foreign_device_is_found() {
    fn hears_anybody(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        match (&request.state, event) {
            (State::Scanned { lock, .. }, Event::Decide(decide)) => {
                let decide = protocol::request::Decide { device: lock.device, ..*decide };
                apply(request, &Event::Decide(decide), now, lives)
            }
            _ => apply(request, event, now, lives),
        }
    }
    let rules = Rules { apply: hears_anybody, ..REAL };
    let wrong = explore(Explored { rules, ..ONE });
    assert!(wrong.contains(&"only the device that scanned decides"), "{wrong:?}");
}

#[test]
fn a_server_that_does_not_settle_after_a_crash_is_found() {
    let rules = Rules { settles: false, ..REAL };
    let wrong = explore(Explored { rules, crashes: 1, ..ONE });
    assert!(wrong.contains(&"an approval that stands can be redeemed, whatever crashed"), "{wrong:?}");
}

#[test]
fn a_table_that_lets_another_page_redeem_is_found() {
    fn redeems_for_anybody(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        let step = apply(request, event, now, lives);
        match (&request.state, event, step.answer) {
            (State::Approved { .. }, Event::Redeem(_), Err(Refused::NotFound)) => {
                let protocol::request::Redeemer::Page { secret, key } = request.redeemer else { return step };
                apply(request, &Event::Redeem(protocol::request::PageProof { secret, key }), now, lives)
            }
            _ => step,
        }
    }
    let rules = Rules { apply: redeems_for_anybody, ..REAL };
    let wrong = explore(Explored { rules, ..ONE });
    assert!(wrong.contains(&"a session only in the browser that asked"), "{wrong:?}");
}

#[test]
fn a_table_that_gives_tokens_for_another_device_code_is_found() {
    fn redeems_for_anybody(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        let step = apply(request, event, now, lives);
        match (&request.state, event, step.answer) {
            (State::Approved { .. }, Event::Poll(_), Err(Refused::NotFound)) => {
                let protocol::request::Redeemer::Device { code, key, .. } = request.redeemer else {
                    return step;
                };
                apply(request, &Event::Poll(protocol::request::DeviceProof { code, key }), now, lives)
            }
            _ => step,
        }
    }
    let rules = Rules { apply: redeems_for_anybody, ..REAL };
    let wrong = explore(Explored { rules, ..DEVICE });
    assert!(wrong.contains(&"a session only in the browser that asked"), "{wrong:?}");
}

#[test]
fn the_durable_store_stops_a_table_that_gives_tokens_for_the_typed_code_alone() {
    fn redeems_once_typed(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        let step = apply(request, event, now, lives);
        match (&request.state, event) {
            (State::Scanned { ends_at, lock, .. }, Event::Poll(_)) => {
                let approved = State::Approved { ends_at: *ends_at, lock: *lock };
                apply(&Request { state: approved, ..request.clone() }, event, now, lives)
            }
            _ => step,
        }
    }
    let rules = Rules { apply: redeems_once_typed, ..REAL };
    assert_eq!(explore(Explored { rules, ..DEVICE }), NONE);
}
