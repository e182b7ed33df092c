//! RFC 8628 on the state table: who may ask, how often, and what a device is told.

use proptest::prelude::*;
use protocol::check::CheckNumber;
use protocol::context::{Claimed, Client};
use protocol::frame::FrameKey;
use protocol::id::{AccountId, DeviceId, Handle, RequestId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::*;
use protocol::secret::{Secret, SecretHash};
use protocol::statement::Decision;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;

const START: Timestamp = Timestamp(1_000_000);

struct World {
    request: Request,
    now: Timestamp,
    lives: Lives,
}

impl World {
    fn new() -> Self {
        Self::bound_to(None)
    }

    /// Started with a proof of this key.
    fn bound_to(key: Option<Thumbprint>) -> Self {
        let lives = Lives::default();
        let redeemer = Redeemer::Device { code: code(1), key, polls: Polls::NONE };
        let client = Client { id: "tool".to_owned(), name: "A tool".to_owned() };
        let (id, handle) = (RequestId::from_random([1; 16]), Handle::from_random([2; 16]));
        let (address, claimed) = ("203.0.113.7".to_owned(), Claimed::default());
        let request = Request::start(id, handle, redeemer, None, address, true, claimed, START, &lives)
            .for_device(client, vec!["openid".to_owned()]);
        let mut world = Self { request, now: START, lives };
        world.act(&Event::ShowUserCode(user_code(1))).unwrap();
        world
    }

    fn scanned() -> Self {
        let mut world = Self::new();
        world.act(&typed(1)).unwrap();
        world
    }

    fn approved() -> Self {
        let mut world = Self::scanned();
        world.act(&decided(Decision::Approve)).unwrap();
        world
    }

    fn act(&mut self, event: &Event) -> Result<Done, Refused> {
        let step = apply(&self.request, event, self.now, &self.lives);
        if let Some(next) = step.next {
            self.request.state = next;
        }
        if let Some(code) = step.user_code {
            self.request.user_code = Some(code);
        }
        if let (Some(new), Redeemer::Device { polls, .. }) = (step.polls, &mut self.request.redeemer) {
            *polls = new;
        }
        step.answer
    }

    fn poll(&mut self) -> Result<Done, Refused> {
        self.act(&poll(1, None))
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_s(seconds);
    }

    fn interval_s(&self) -> u32 {
        match self.request.redeemer {
            Redeemer::Device { polls, .. } => polls.interval_s,
            Redeemer::Page { .. } => 0,
        }
    }
}

fn code(n: u8) -> SecretHash {
    Secret::new([n; 32]).hash()
}

fn key(n: u8) -> Thumbprint {
    Thumbprint::from_bytes([n; 32])
}

fn user_code(n: u8) -> UserCode {
    UserCode::from_random([n; 16])
}

fn poll(code_of: u8, key: Option<Thumbprint>) -> Event {
    Event::Poll(DeviceProof { code: code(code_of), key })
}

fn lock() -> Lock {
    Lock {
        device: DeviceId::from_random([5; 16]),
        account: AccountId::from_random([6; 16]),
        ticket: Ticket::from_random([7; 16]),
        context_hash: [8; 32],
    }
}

fn scan(sight: Sight) -> Event {
    Event::Scan(Box::new(Scan {
        lock: lock(),
        sight,
        network_allowed: true,
        check: CheckNumber::from_random(37),
        context: Vec::new(),
        verification: false,
    }))
}

fn typed(n: u8) -> Event {
    scan(Sight::UserCode(user_code(n)))
}

fn decided(decision: Decision) -> Event {
    let Lock { device, ticket, context_hash, .. } = lock();
    Event::Decide(Decide { device, ticket, context_hash, decision, check: None, user_verified: false })
}

/// RFC 8628 §3.1 to §3.5: typed, approved without a number, redeemed with the device code.
#[test]
fn typing_is_the_check_and_the_device_code_redeems() {
    let mut world = World::new();
    assert_eq!(world.request.grant, Grant::Tokens);
    assert_eq!(world.poll(), Err(Refused::NotApproved));
    assert_eq!(world.act(&typed(1)), Ok(Done::Scanned));
    assert!(matches!(world.request.state, State::Scanned { check: None, .. }));
    assert_eq!(world.act(&decided(Decision::Approve)), Ok(Done::Decided));
    assert_eq!(world.poll(), Ok(Done::Redeemed));
    assert_eq!(world.poll(), Ok(Done::RedeemedAgain));
    world.wait(world.lives.approved_s);
    assert_eq!(world.poll(), Err(Refused::Ended));
}

/// RFC 8628 §5.1: who saw or guessed the user code holds nothing that redeems.
#[test]
fn nothing_but_the_device_code_redeems() {
    let mut world = World::approved();
    for guess in [0, 2, 255] {
        assert_eq!(world.act(&poll(guess, None)), Err(Refused::NotFound));
    }
    let page = Event::Redeem(PageProof { secret: code(1), key: key(1) });
    assert_eq!(world.act(&page), Err(Refused::NotFound), "a page with the same secret is another party");
    assert_eq!(world.request.state.phase(), Phase::Approved);
}

#[test]
fn a_page_is_not_redeemed_by_a_device() {
    let mut world = World::approved();
    world.request.redeemer = Redeemer::Page { secret: code(1), key: key(1) };
    assert_eq!(world.act(&poll(1, Some(key(1)))), Err(Refused::NotFound));
}

/// RFC 9449 §5: what was started with a key is redeemed with that key.
#[test]
fn a_device_that_proved_a_key_redeems_with_that_key_alone() {
    let mut world = World::bound_to(Some(key(9)));
    for other in [None, Some(key(8))] {
        assert_eq!(world.act(&poll(1, other)), Err(Refused::WrongKey));
    }
    assert_eq!(world.interval_s(), POLL_INTERVAL_S, "the wait is not a stranger's to lengthen");
    assert_eq!(world.act(&poll(1, Some(key(9)))), Err(Refused::NotApproved));
}

/// docs/protocol.md: no picture is drawn of it, so no frame is good for it.
#[test]
fn no_frame_scans_the_request_of_a_device() {
    for with_user_code in [true, false] {
        let mut world = World::new();
        if !with_user_code {
            world.request.user_code = None;
        }
        let key = FrameKey::derive(&Secret::new([5; 32]), &world.request.handle);
        let frame = Sight::Frame(key.code(world.request.handle, 0));
        assert_eq!(world.act(&scan(frame)), Err(Refused::NotFound));
        assert_eq!(world.request.state.phase(), Phase::Waiting);
    }
}

#[test]
fn another_user_code_scans_nothing() {
    let mut world = World::new();
    assert_eq!(world.act(&typed(2)), Err(Refused::NotFound));
}

/// RFC 8628 §3.5, `slow_down`: 5 s more for this and all subsequent requests.
#[test]
fn each_poll_that_comes_too_early_lengthens_the_wait_for_good() {
    let mut world = World::new();
    assert_eq!(world.poll(), Err(Refused::NotApproved), "the first may come at once");
    world.wait(4);
    assert_eq!(world.poll(), Err(Refused::SlowDown { interval_s: 10 }));
    world.wait(9);
    assert_eq!(world.poll(), Err(Refused::SlowDown { interval_s: 15 }));
    world.wait(15);
    assert_eq!(world.poll(), Err(Refused::NotApproved));
    world.wait(14);
    assert_eq!(world.poll(), Err(Refused::SlowDown { interval_s: 20 }), "nothing takes it back");
}

/// A device that was told to wait must not wait after the person has answered.
#[test]
fn an_answer_is_given_however_early_it_is_asked_for() {
    let mut world = World::scanned();
    world.poll().unwrap_err();
    world.act(&decided(Decision::Approve)).unwrap();
    assert_eq!(world.poll(), Ok(Done::Redeemed));
}

#[test]
fn denied_reported_and_cancelled_end_it() {
    for event in [decided(Decision::Deny), decided(Decision::Report), Event::Cancel(Cause::Revoked)] {
        let mut world = World::scanned();
        world.act(&event).unwrap();
        assert_eq!(world.poll(), Err(Refused::Ended), "{event:?}");
    }
}

/// Each deadline one second before, and at it.
#[test]
fn every_deadline_ends_it() {
    for (late_s, open) in [(-1, true), (0, false)] {
        let mut world = World::new();
        world.wait(world.lives.waiting_s + late_s);
        assert_eq!(world.poll() == Err(Refused::NotApproved), open, "waiting {late_s}");
        let mut world = World::scanned();
        world.wait(world.lives.scanned_s + late_s);
        assert_eq!(world.poll() == Err(Refused::NotApproved), open, "scanned {late_s}");
        let mut world = World::approved();
        world.wait(world.lives.approved_s + late_s);
        assert_eq!(world.poll() == Ok(Done::Redeemed), open, "approved {late_s}");
    }
}

/// What a crash left behind is finished as for a page: the durable store has a session, the record does not show it.
#[test]
fn a_record_that_a_crash_left_behind_follows_the_session() {
    for key in [None, Some(key(9))] {
        let mut world = World::bound_to(key);
        world.act(&typed(1)).unwrap();
        world.act(&decided(Decision::Approve)).unwrap();
        let made_at = world.now;
        world.wait(world.lives.approved_s);
        let facts = Facts { decision: None, is_trusted: true, session_at: Some(made_at) };
        let state = settled(&world.request, &facts, world.now, &world.lives).unwrap();
        assert_eq!(state.phase(), Phase::Redeemed);
    }
}

/// A record is kept as JSON, with the wait in it.
#[test]
fn polls_survive_the_store() {
    let mut world = World::new();
    world.poll().unwrap_err();
    world.poll().unwrap_err();
    let kept: Request = serde_json::from_str(&serde_json::to_string(&world.request).unwrap()).unwrap();
    assert_eq!(kept, world.request);
    assert!(matches!(kept.redeemer, Redeemer::Device { polls: Polls { interval_s: 10, .. }, .. }));
}

proptest! {
    /// Random waits: the interval only grows, by 5 s a poll at most, and just then it is said.
    #[test]
    fn the_wait_never_shrinks(waits in prop::collection::vec(0_i64..30, 1..20)) {
        let mut world = World::new();
        world.lives.waiting_s = 10_000;
        world.request.state = State::Waiting { ends_at: START.plus_s(10_000) };
        for (at, wait) in waits.into_iter().enumerate() {
            world.wait(wait);
            let before = world.interval_s();
            let is_early = at > 0 && wait < i64::from(before);
            let answer = world.poll();
            let wanted = if is_early { Refused::SlowDown { interval_s: before + 5 } } else { Refused::NotApproved };
            prop_assert_eq!(answer, Err(wanted));
            prop_assert_eq!(world.interval_s(), if is_early { before + 5 } else { before });
        }
    }
}
