//! What is modelled: two browsers, two devices, a short-lived store, a durable store, and what is under way between them.

use std::sync::LazyLock;

use protocol::check::CheckNumber;
use protocol::context::{Claimed, Client};
use protocol::frame::{FrameCode, FrameKey};
use protocol::id::{AccountId, DeviceId, Handle, RequestId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::{
    DeviceProof, Event, Lives, Lock, PageProof, Polls, Redeemer, Request, Scan, Sight, State,
};
use protocol::secret::Secret;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;

pub(crate) const LIVES: Lives =
    Lives { waiting_s: 3, scanned_s: 2, approved_s: 2, frame_s: 2, frame_step_s: 1, final_s: 300 };
/// When every deadline has passed, in seconds after the start.
pub(crate) const END_S: u8 = 7;
pub(crate) const DEVICES: [u8; 2] = [0, 1];

/// One state of everything. Times are seconds after the start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The requests are of RFC 8628: a device code for the page's secret and key, a typed code for frames, no number.
    pub(crate) by_device: bool,
    pub(crate) now: u8,
    /// The short-lived store: browser `i` started request `i`. `None`: the store lost it.
    pub(crate) records: Vec<Option<State>>,
    /// The durable store, a row a request.
    pub(crate) kept: Vec<Kept>,
    /// Whether a device is trusted.
    pub(crate) trusted: [bool; 2],
    /// Calls that a node has begun and not ended.
    pub(crate) under_way: Vec<Call>,
    /// Crashes so far: of a node, or of the short-lived store.
    pub(crate) crashes: u8,
}

/// What the durable store holds of a request, and what the checker remembers of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    pub(crate) decision: Option<KeptDecision>,
    pub(crate) session: Option<Session>,
    /// Sessions ever made of it.
    pub(crate) sessions_made: u8,
    /// Who scanned first and when.
    pub(crate) scanned: Option<(u8, u8)>,
    /// Numbers that were told to be wrong.
    pub(crate) told_wrong: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeptDecision {
    pub(crate) verdict: Verdict,
    pub(crate) at: u8,
    pub(crate) is_withdrawn: bool,
    /// Who really sent it.
    pub(crate) sender: u8,
    /// Whether it said that its person was verified.
    pub(crate) verified: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Approve,
    Deny,
    /// The third wrong number.
    WrongNumbers,
}

impl Verdict {
    /// The decision that it is; three wrong numbers are nobody's.
    pub(crate) fn decision(self) -> Option<Decision> {
        match self {
            Self::Approve => Some(Decision::Approve),
            Self::Deny => Some(Decision::Deny),
            Self::WrongNumbers => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Session {
    pub(crate) at: u8,
    pub(crate) device: u8,
    pub(crate) browser: u8,
    pub(crate) lives: bool,
}

/// A call between its parts: each part is atomic, anything can happen between two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) request: usize,
    pub(crate) what: What,
    /// When the node looked at its clock.
    pub(crate) at: u8,
    /// The durable store has said yes at this time; what is missing is the short-lived record.
    pub(crate) kept_at: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum What {
    Decide {
        device: u8,
        verdict: Verdict,
        verified: bool,
    },
    Redeem {
        browser: u8,
    },
    /// What the owner's revocation does to the short-lived record.
    Revoke,
}

impl World {
    pub(crate) fn start(requests: usize, by_device: bool) -> Self {
        let waiting = State::Waiting { ends_at: time(0).plus_s(LIVES.waiting_s) };
        Self {
            by_device,
            now: 0,
            records: vec![Some(waiting); requests],
            kept: vec![Kept::default(); requests],
            trusted: [true; 2],
            under_way: Vec::new(),
            crashes: 0,
        }
    }
}

pub(crate) fn time(seconds: u8) -> Timestamp {
    Timestamp(1_000_000 + i64::from(seconds))
}

/// What is the same in every world, computed once.
struct Fixed {
    /// Of pages, then of devices.
    requests: [[Request; 2]; 2],
    frames: [[FrameCode; END_S as usize + 2]; 2],
    pages: [PageProof; 2],
}

static FIXED: LazyLock<Fixed> = LazyLock::new(|| Fixed {
    requests: [[fresh(0), fresh(1)], [fresh_of_device(0), fresh_of_device(1)]],
    frames: [0, 1].map(|n| {
        let handle = Handle::from_random([100 + n; 16]);
        let key = FrameKey::derive(&Secret::new([5; 32]), &handle);
        std::array::from_fn(|counter| key.code(handle, u8::try_from(counter).unwrap()))
    }),
    pages: [0, 1].map(page_of),
});

/// A whole request around the state that the model keeps.
pub(crate) fn request(world: &World, number: usize, state: &State) -> Request {
    Request { state: state.clone(), ..FIXED.requests[usize::from(world.by_device)][number].clone() }
}

/// What whoever stands before a request shows to the authenticator in this second.
pub(crate) fn sight(world: &World, number: usize) -> Sight {
    if world.by_device {
        Sight::UserCode(user_code(u8::try_from(number).unwrap()))
    } else {
        Sight::Frame(FIXED.frames[number][usize::from(world.now)])
    }
}

/// The redeem by whoever started request `browser`.
pub(crate) fn redeem(world: &World, browser: u8) -> Event {
    let page = FIXED.pages[usize::from(browser)];
    if world.by_device {
        Event::Poll(DeviceProof { code: page.secret, key: None })
    } else {
        Event::Redeem(page)
    }
}

fn fresh(n: u8) -> Request {
    let PageProof { secret, key } = page_of(n);
    let redeemer = Redeemer::Page { secret, key };
    let (id, handle) = (RequestId::from_random([n; 16]), Handle::from_random([100 + n; 16]));
    Request::start(id, handle, redeemer, None, String::new(), true, Claimed::default(), time(0), &LIVES)
}

fn fresh_of_device(n: u8) -> Request {
    let redeemer = Redeemer::Device { code: page_of(n).secret, key: None, polls: Polls::NONE };
    let client = Client { id: String::new(), name: String::new() };
    Request { redeemer, user_code: Some(user_code(n)), ..fresh(n) }.for_device(client, Vec::new())
}

fn user_code(n: u8) -> UserCode {
    UserCode::from_random([n; 16])
}

fn page_of(n: u8) -> PageProof {
    PageProof { secret: Secret::new([n; 32]).hash(), key: Thumbprint::from_bytes([n; 32]) }
}

pub(crate) fn scan(number: usize, device: u8, sight: Sight, verification: bool) -> Event {
    Event::Scan(Box::new(Scan {
        lock: lock(number, device),
        sight,
        network_allowed: true,
        check: CheckNumber::from_random(37),
        context: Vec::new(),
        verification,
    }))
}

/// Device and account have the same number; so has the ticket of their scan.
pub(crate) fn lock(number: usize, device: u8) -> Lock {
    let ticket = 10 * (device + 1) + u8::try_from(number).unwrap();
    Lock {
        device: DeviceId::from_random([device; 16]),
        account: AccountId::from_random([device; 16]),
        ticket: Ticket::from_random([ticket; 16]),
        context_hash: [device; 32],
    }
}
