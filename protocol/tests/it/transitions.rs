//! Random events beside the model: the real machine gives the same answer and stands in the same state, always.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use protocol::check::CheckNumber;
use protocol::context::Claimed;
use protocol::frame::FrameKey;
use protocol::id::{AccountId, DeviceId, Handle, RequestId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::*;
use protocol::secret::{Secret, SecretHash};
use protocol::statement::Decision;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;

use crate::model::{Act, Model, Number};

type Apply = fn(&Request, &Event, Timestamp, &Lives) -> Step;

const START: i64 = 1_000_000;
const SERVER: [u8; 32] = [5; 32];

#[test]
fn the_machine_does_what_the_model_does() {
    run(apply, 4_000).unwrap();
}

/// Additions, step up: with the person verified a request that asks for it goes as any other.
#[test]
fn a_verified_approval_of_a_request_that_asks_for_it_goes_as_any_other() {
    run_in(&World { verification: true, verified: true, ..World::new() }, apply, 2_000).unwrap();
}

/// Additions, step up: nothing but the flag approves, and its lack takes no try and tells nothing about the number.
#[test]
fn no_approval_without_a_verified_person() {
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(acts(), 1..25), |acts| {
        let mut world = World { verification: true, ..World::new() };
        for act in acts {
            let before = world.request.state.clone();
            let got = world.act(apply, act);
            let phase = world.request.state.phase();
            prop_assert!(!matches!(phase, Phase::Approved | Phase::Redeemed), "{act:?}: {phase:?}");
            if got == Err(Refused::NotVerified) {
                prop_assert_eq!(&world.request.state, &before);
            }
            prop_assert!(!matches!(got, Err(Refused::WrongCheck { .. })), "{:?}", act);
        }
        Ok(())
    });
    outcome.unwrap();
    let mut world = World { verification: true, ..World::new() };
    world.act(apply, Act::ScanFrame { device: 0, counter: 0, allowed: true }).unwrap();
    assert_eq!(world.act(apply, APPROVE), Err(Refused::NotVerified));
    world.verified = true;
    assert_eq!(world.act(apply, APPROVE), Ok(Done::Decided));
}

/// Additions, step up: saying no needs nobody's PIN.
#[test]
fn a_denial_needs_no_verified_person() {
    for decision in [Decision::Deny, Decision::Report] {
        let mut world = World { verification: true, ..World::new() };
        world.act(apply, Act::ScanFrame { device: 0, counter: 0, allowed: true }).unwrap();
        let act = Act::Decide { device: 0, right_ticket: true, decision, number: Number::Missing };
        assert_eq!(world.act(apply, act), Ok(Done::Decided));
    }
}

#[test]
fn a_machine_that_redeems_twice_is_found() {
    fn redeems_twice(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        let step = apply(request, event, now, lives);
        match (&request.state, event, &step.answer) {
            (State::Over { outcome: Outcome::Redeemed, .. }, Event::Redeem(_), Ok(_)) => {
                Step { answer: Ok(Done::Redeemed), ..step }
            }
            _ => step,
        }
    }
    assert!(run(redeems_twice, 20_000).is_err());
}

#[test]
fn a_machine_that_approves_after_expiry_is_found() {
    fn approves_late(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        match (&request.state, event) {
            (State::Scanned { ends_at, .. }, Event::Decide(_)) if now >= *ends_at => {
                apply(request, event, ends_at.plus_s(-1), lives)
            }
            _ => apply(request, event, now, lives),
        }
    }
    assert!(run(approves_late, 20_000).is_err());
}

#[test]
fn a_machine_that_hears_a_foreign_device_is_found() {
    fn hears_anybody(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
        match (&request.state, event) {
            (State::Scanned { lock, .. }, Event::Decide(decide)) => {
                apply(request, &Event::Decide(Decide { device: lock.device, ..*decide }), now, lives)
            }
            _ => apply(request, event, now, lives),
        }
    }
    assert!(run(hears_anybody, 20_000).is_err());
}

/// Protocol, state table: each deadline one second before, at it, and one after.
#[test]
fn every_deadline_is_enforced_to_the_second() {
    let lives = Lives::default();
    for (late_s, open) in [(-1, true), (0, false), (1, false)] {
        let mut world = World::new();
        world.now = START + lives.waiting_s + late_s;
        let counter = u8::try_from((world.now - START) / lives.frame_step_s).unwrap();
        let scan = Act::ScanFrame { device: 0, counter, allowed: true };
        assert_eq!(world.act(apply, scan).is_ok(), open, "scan {late_s}");

        let mut world = World::scanned();
        world.now = START + lives.scanned_s + late_s;
        assert_eq!(world.act(apply, APPROVE).is_ok(), open, "decide {late_s}");

        let mut world = World::scanned();
        world.act(apply, APPROVE).unwrap();
        world.now = START + lives.approved_s + late_s;
        assert_eq!(world.act(apply, REDEEM).is_ok(), open, "redeem {late_s}");

        let mut world = World::scanned();
        world.act(apply, APPROVE).unwrap();
        world.act(apply, REDEEM).unwrap();
        world.now = START + lives.approved_s + late_s;
        assert_eq!(world.act(apply, REDEEM).is_ok(), open, "redeem again {late_s}");
    }
}

/// No more numbers are compared than there are tries, a right one among them.
#[test]
fn each_try_is_taken_once() {
    let mut state = World::scanned().request.state;
    for left in [2, 1, 0] {
        state = with_try_taken(&state).unwrap();
        assert!(matches!(state, State::Scanned { tries_left, .. } if tries_left == left), "{state:?}");
    }
    assert_eq!(with_try_taken(&state), None);
    assert_eq!(with_try_taken(&denied_by_number(Timestamp(START))), None);
}

/// A clock that steps back revives nothing: the final state was written by whoever saw the deadline passed.
#[test]
fn what_expired_stays_expired_when_the_clock_steps_back() {
    let mut world = World::scanned();
    world.now += 10_000;
    world.act(apply, Act::Look).unwrap();
    world.now = START + 1;
    assert_eq!(world.act(apply, APPROVE), Err(Refused::Ended));
    assert_eq!(world.request.state.phase(), Phase::Expired);
}

const APPROVE: Act =
    Act::Decide { device: 0, right_ticket: true, decision: Decision::Approve, number: Number::Right };
const REDEEM: Act = Act::Redeem { right_secret: true, right_key: true };

#[derive(Clone)]
struct World {
    request: Request,
    now: i64,
    lives: Lives,
    /// The server's policy asks for a verified person.
    verification: bool,
    /// What statements say.
    verified: bool,
}

impl World {
    fn new() -> Self {
        let lives = Lives::default();
        let redeemer = Redeemer::Page { secret: secret(true), key: key(true) };
        let request = Request::start(
            RequestId::from_random([1; 16]),
            Handle::from_random([2; 16]),
            redeemer,
            None,
            "203.0.113.7".to_owned(),
            true,
            Claimed::default(),
            Timestamp(START),
            &lives,
        );
        Self { request, now: START, lives, verification: false, verified: false }
    }

    fn scanned() -> Self {
        let mut world = Self::new();
        world.act(apply, Act::ScanFrame { device: 0, counter: 0, allowed: true }).unwrap();
        world
    }

    fn act(&mut self, apply: Apply, act: Act) -> Result<Done, Refused> {
        if let Act::Wait(seconds) = act {
            self.now += seconds;
            return Ok(Done::Seen);
        }
        let step = apply(&self.request, &self.event(act), Timestamp(self.now), &self.lives);
        if let Some(next) = step.next {
            self.request.state = next;
        }
        if let Some(code) = step.user_code {
            self.request.user_code = Some(code);
        }
        step.answer
    }

    fn scanner(&self) -> Lock {
        match &self.request.state {
            State::Scanned { lock, .. } | State::Approved { lock, .. } => *lock,
            State::Over { decided: Some(decided), .. } => decided.lock,
            State::Waiting { .. } | State::Over { decided: None, .. } => lock(0),
        }
    }

    fn event(&self, act: Act) -> Event {
        match act {
            Act::Wait(_) | Act::Look => Event::Look,
            Act::ShowUserCode => Event::ShowUserCode(user_code(true)),
            Act::ScanFrame { device, counter, allowed } => {
                let key = FrameKey::derive(&Secret::new(SERVER), &self.request.handle);
                self.scan(device, Sight::Frame(key.code(self.request.handle, counter)), allowed)
            }
            Act::TypeUserCode { device, right } => self.scan(device, Sight::UserCode(user_code(right)), true),
            Act::Decide { device, right_ticket, decision, number } => Event::Decide(Decide {
                device: lock(device).device,
                // The ticket of whoever scanned: a foreign device may have stolen it.
                ticket: if right_ticket { self.scanner().ticket } else { Ticket::from_random([99; 16]) },
                context_hash: self.scanner().context_hash,
                decision,
                check: match number {
                    Number::Right => Some(CheckNumber::from_random(37)),
                    Number::Wrong => Some(CheckNumber::from_random(38)),
                    Number::Missing => None,
                },
                user_verified: self.verified,
            }),
            Act::Redeem { right_secret, right_key } => {
                Event::Redeem(PageProof { secret: secret(right_secret), key: key(right_key) })
            }
            Act::Cancel { by_page } => Event::Cancel(if by_page { Cause::Page } else { Cause::Revoked }),
        }
    }

    fn scan(&self, device: u8, sight: Sight, network_allowed: bool) -> Event {
        Event::Scan(Box::new(Scan {
            lock: lock(device),
            sight,
            network_allowed,
            check: CheckNumber::from_random(37),
            context: vec![device],
            verification: self.verification,
        }))
    }
}

fn lock(device: u8) -> Lock {
    Lock {
        device: DeviceId::from_random([device; 16]),
        account: AccountId::from_random([7; 16]),
        ticket: Ticket::from_random([device + 10; 16]),
        context_hash: protocol::context::hash(&[device]),
    }
}

fn secret(right: bool) -> SecretHash {
    Secret::new([u8::from(right); 32]).hash()
}

fn key(right: bool) -> Thumbprint {
    Thumbprint::from_bytes([u8::from(right); 32])
}

fn user_code(right: bool) -> UserCode {
    UserCode::from_random([u8::from(right); 16])
}

fn run(apply: Apply, cases: u32) -> Result<(), TestError<Vec<Act>>> {
    run_in(&World::new(), apply, cases)
}

fn run_in(start: &World, apply: Apply, cases: u32) -> Result<(), TestError<Vec<Act>>> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new(config).run(&prop::collection::vec(acts(), 1..25), |acts| {
        let mut world = start.clone();
        let mut model = Model::new(START, &world.lives);
        for act in acts {
            let wanted = model.act(act, &world.lives.clone());
            let got = world.act(apply, act);
            if got != wanted || world.request.state.phase() != model.phase {
                let phase = world.request.state.phase();
                let told = format!("{act:?}: {got:?} {phase:?}, the model says {wanted:?} {:?}", model.phase);
                return Err(TestCaseError::fail(told));
            }
        }
        Ok(())
    })
}

/// Mostly what a login does, in any order, so that the deep states are reached too.
fn acts() -> impl Strategy<Value = Act> {
    let device = prop_oneof![6 => Just(0_u8), 1 => Just(1_u8)];
    let yes = || prop_oneof![8 => Just(true), 1 => Just(false)];
    let number = prop_oneof![3 => Just(Number::Right), 1 => Just(Number::Wrong), 1 => Just(Number::Missing)];
    let decision =
        prop_oneof![4 => Just(Decision::Approve), 1 => Just(Decision::Deny), 1 => Just(Decision::Report)];
    prop_oneof![
        2 => prop_oneof![4 => 0_i64..10, 1 => 30_i64..130, 1 => Just(299_i64)].prop_map(Act::Wait),
        1 => Just(Act::Look),
        1 => Just(Act::ShowUserCode),
        4 => (device.clone(), 0_u8..5, yes()).prop_map(|(device, counter, allowed)| Act::ScanFrame { device, counter, allowed }),
        1 => (device.clone(), yes()).prop_map(|(device, right)| Act::TypeUserCode { device, right }),
        5 => (device, yes(), decision, number)
            .prop_map(|(device, right_ticket, decision, number)| Act::Decide { device, right_ticket, decision, number }),
        4 => (yes(), yes()).prop_map(|(right_secret, right_key)| Act::Redeem { right_secret, right_key }),
        1 => any::<bool>().prop_map(|by_page| Act::Cancel { by_page }),
    ]
}
