use thiserror::Error;

use super::polls::{DeviceProof, Pace, Polls};
use super::state::{Cancelled, Decided, Denied, Expired, Lock, Outcome, State};
use super::{CheckRule, Lives, Redeemer, Request};
use crate::check::{CheckNumber, TRIES};
use crate::frame::{FrameAge, FrameCode};
use crate::hole;
use crate::id::{DeviceId, Ticket};
use crate::key::Thumbprint;
use crate::secret::SecretHash;
use crate::statement::Decision;
use crate::time::Timestamp;
use crate::user_code::UserCode;

/// Something that happens to a request. Signatures, proofs and tags are verified before; their results are in here.
#[derive(Clone, Debug)]
pub enum Event {
    /// Nothing but time.
    Look,
    /// The page asks for a code to type; used only if there is none yet.
    ShowUserCode(UserCode),
    /// An authenticator read a frame or typed the user code.
    Scan(Box<Scan>),
    /// An authenticator decided.
    Decide(Decide),
    /// The page wants its session.
    Redeem(PageProof),
    /// A device wants its tokens (RFC 8628 §3.4).
    Poll(DeviceProof),
    /// Somebody who may calls it off.
    Cancel(Cause),
}

/// A scan and what the server prepared for its success.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Device, account, fresh ticket and hash of `context`.
    pub lock: Lock,
    /// How the code was seen.
    pub sight: Sight,
    /// False when the network rule refuses (relay guard).
    pub network_allowed: bool,
    /// A fresh number.
    pub check: CheckNumber,
    /// The context bytes to send.
    pub context: Vec<u8>,
    /// The context asks for a verified person.
    pub verification: bool,
}

/// What proves that somebody saw the page.
#[derive(Clone, Copy, Debug)]
pub enum Sight {
    /// A frame with a good tag.
    Frame(FrameCode),
    /// The user code.
    UserCode(UserCode),
}

/// A decision whose statement verified with the key of `device`.
#[derive(Clone, Copy, Debug)]
pub struct Decide {
    /// Who signed.
    pub device: DeviceId,
    /// `jti`.
    pub ticket: Ticket,
    /// `ctx`.
    pub context_hash: [u8; 32],
    /// `decision`.
    pub decision: Decision,
    /// `check`.
    pub check: Option<CheckNumber>,
    /// `user_verified`.
    pub user_verified: bool,
}

/// What a page shows at redeem.
#[derive(Clone, Copy, Debug)]
pub struct PageProof {
    /// Hash of its cookie's secret.
    pub secret: SecretHash,
    /// Thumbprint of the key that its proof is made with.
    pub key: Thumbprint,
}

/// Who cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The page that started it.
    Page,
    /// The account's owner.
    Revoked,
}

/// What [`apply`] decided: the state to write, if it differs, and the answer.
///
/// Both can be there: a wrong number takes a try and is refused, a passed deadline is written and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state to write before the answer is given.
    pub next: Option<State>,
    /// The user code to write, when the page asked for one.
    pub user_code: Option<UserCode>,
    /// The polls to write, when a device asked before there was an answer.
    pub polls: Option<Polls>,
    /// What to answer.
    pub answer: Result<Done, Refused>,
}

/// A success. The `…Again` ones change nothing and give the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Looked at.
    Seen,
    /// There is a user code.
    UserCode,
    /// Locked to this device.
    Scanned,
    /// The same device scanned again.
    ScannedAgain,
    /// Decided.
    Decided,
    /// The same decision again.
    DecidedAgain,
    /// The session may be made.
    Redeemed,
    /// The session was made before; give the same.
    RedeemedAgain,
    /// Called off.
    Cancelled,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Not this party's, or nothing there: 404.
    #[error("there is no such login request for this caller")]
    NotFound,
    /// Right cookie, wrong key: 401 `invalid_proof`.
    #[error("the proof is made with another key")]
    WrongKey,
    /// Locked to another device, or no longer open for a user code: 409.
    #[error("the request was scanned already")]
    AlreadyScanned,
    /// Decided otherwise before: 409.
    #[error("the request was decided already")]
    AlreadyDecided,
    /// Redeem before approval: 409; of a device `authorization_pending`.
    #[error("the request is not approved")]
    NotApproved,
    /// As [`Refused::NotApproved`], and the device asked too early: `slow_down`.
    #[error("the device asks too often")]
    SlowDown {
        /// The smallest wait from here on, in seconds.
        interval_s: u32,
    },
    /// The frame is older than a minute, or replaced by a user code: 410.
    #[error("the frame is too old")]
    FrameExpired,
    /// Over: 410.
    #[error("the request has ended")]
    Ended,
    /// 422.
    #[error("the number is wrong")]
    WrongCheck {
        /// Numbers that may still be tried: 2 or 1.
        tries_left: u8,
    },
    /// 403: the network rule ended the request.
    #[error("the network rule refuses this scan")]
    NetworkRefused,
    /// 403: the context asks for a verified person and the approval does not say that it has one. Takes no try.
    #[error("the authenticator has to verify its person first")]
    NotVerified,
}

/// Decides what `event` does to `request`; performs nothing. This is the whole state table.
///
/// A deadline that has passed at `now` is judged first, whoever comes: the caller writes the final state.
pub fn apply(request: &Request, event: &Event, now: Timestamp, lives: &Lives) -> Step {
    if let Some(over) = passed_deadline(&request.state, now) {
        let seen = Request { state: over.clone(), ..request.clone() };
        let later = apply(&seen, event, now, lives);
        return Step { next: Some(over), ..later };
    }
    match event {
        Event::Look => stay(Ok(Done::Seen)),
        Event::ShowUserCode(code) => show_user_code(request, *code),
        Event::Scan(scan) => self::scan(request, scan, now, lives),
        Event::Decide(decision) => decide(request, decision, now, lives),
        Event::Redeem(page) => redeem(request, page, now),
        Event::Poll(device) => poll(request, device, now),
        Event::Cancel(cause) => cancel(request, *cause, now),
    }
}

/// The state to write before a right number is recorded where that takes longer than this record: the number has taken
/// its try, so of numbers that come at once no more are compared than there are tries.
///
/// `None` where no number is asked for, and where no try is left to take: then a right number took the last one.
pub fn with_try_taken(state: &State) -> Option<State> {
    match state {
        State::Scanned { ends_at, lock, check: Some(check), tries_left, context, verification }
            if *tries_left > 0 =>
        {
            Some(State::Scanned {
                ends_at: *ends_at,
                lock: *lock,
                check: Some(*check),
                tries_left: tries_left - 1,
                context: context.clone(),
                verification: *verification,
            })
        }
        State::Scanned { .. } | State::Waiting { .. } | State::Approved { .. } | State::Over { .. } => None,
    }
}

/// The state after the third wrong number.
pub const fn denied_by_number(at: Timestamp) -> State {
    over(Outcome::Denied(Denied::Check), at, None)
}

fn passed_deadline(state: &State, now: Timestamp) -> Option<State> {
    let (ends_at, from, decided) = match state {
        State::Waiting { ends_at } => (*ends_at, Expired::Waiting, None),
        State::Scanned { ends_at, .. } => (*ends_at, Expired::Scanned, None),
        State::Approved { ends_at, lock } => (*ends_at, Expired::Approved, Some(approved(*lock, *ends_at))),
        State::Over { .. } => return None,
    };
    (now >= ends_at && !hole!("deadlines")).then_some(State::Over {
        outcome: Outcome::Expired(from),
        at: now,
        decided,
    })
}

fn show_user_code(request: &Request, code: UserCode) -> Step {
    match (&request.state, request.user_code) {
        (State::Waiting { .. }, Some(_)) => stay(Ok(Done::UserCode)),
        (State::Waiting { .. }, None) => Step { user_code: Some(code), ..stay(Ok(Done::UserCode)) },
        (State::Scanned { .. } | State::Approved { .. }, _) => stay(Err(Refused::AlreadyScanned)),
        (State::Over { .. }, _) => stay(Err(Refused::Ended)),
    }
}

fn scan(request: &Request, scan: &Scan, now: Timestamp, lives: &Lives) -> Step {
    match &request.state {
        // Judged before the frame's age: a lost reply must not strand the person behind a frame that grew old.
        State::Scanned { lock, .. } if hole!("first_scan") || lock.device == scan.lock.device => {
            stay(Ok(Done::ScannedAgain))
        }
        State::Approved { lock, .. } if lock.device == scan.lock.device => stay(Err(Refused::Ended)),
        State::Scanned { .. } | State::Approved { .. } => stay(Err(Refused::AlreadyScanned)),
        State::Over { .. } => stay(Err(Refused::Ended)),
        State::Waiting { .. } => match sight_is_good(request, &scan.sight, now, lives) {
            Err(refused) => stay(Err(refused)),
            Ok(()) if !scan.network_allowed => Step {
                next: Some(over(Outcome::Denied(Denied::Network), now, None)),
                ..stay(Err(Refused::NetworkRefused))
            },
            Ok(()) => go(
                State::Scanned {
                    ends_at: now.plus_s(lives.scanned_s),
                    lock: scan.lock,
                    check: match request.check_rule {
                        CheckRule::Number => Some(scan.check),
                        CheckRule::None => None,
                    },
                    tries_left: TRIES,
                    context: scan.context.clone(),
                    verification: scan.verification,
                },
                Done::Scanned,
            ),
        },
    }
}

fn sight_is_good(request: &Request, sight: &Sight, now: Timestamp, lives: &Lives) -> Result<(), Refused> {
    match (sight, request.user_code) {
        (Sight::UserCode(typed), Some(code)) if *typed == code => Ok(()),
        (Sight::UserCode(_), _) => Err(Refused::NotFound),
        // No picture is ever drawn of it.
        (Sight::Frame(_), _) if matches!(request.redeemer, Redeemer::Device { .. }) => Err(Refused::NotFound),
        (Sight::Frame(frame), user_code) => match frame.age(request.started_at, now, lives) {
            FrameAge::Ahead => Err(Refused::NotFound),
            FrameAge::Expired => Err(Refused::FrameExpired),
            FrameAge::Good(_) if user_code.is_some() => Err(Refused::FrameExpired),
            FrameAge::Good(_) => Ok(()),
        },
    }
}

fn decide(request: &Request, decide: &Decide, now: Timestamp, lives: &Lives) -> Step {
    match &request.state {
        State::Waiting { .. } => stay(Err(Refused::NotFound)),
        State::Scanned { lock, .. } | State::Approved { lock, .. } if !holds(lock, decide) => {
            stay(Err(Refused::NotFound))
        }
        State::Scanned { lock, check, tries_left, context, ends_at, verification } => match decide.decision {
            // Judged before the number: a person who is not verified learns nothing about it.
            Decision::Approve if *verification && !decide.user_verified && !hole!("user_verification") => {
                stay(Err(Refused::NotVerified))
            }
            Decision::Approve => {
                // What comes out of the compare counts only with the try written: see `with_try_taken`.
                let left = tries_left.saturating_sub(u8::from(!hole!("number_tries")));
                let right = hole!("number") || check.is_none_or(|number| decide.check == Some(number));
                if right {
                    return go(
                        State::Approved { ends_at: now.plus_s(lives.approved_s), lock: *lock },
                        Done::Decided,
                    );
                }
                if left == 0 {
                    let next = Some(denied_by_number(now));
                    return Step { next, ..stay(Err(Refused::Ended)) };
                }
                let next = State::Scanned {
                    ends_at: *ends_at,
                    lock: *lock,
                    check: *check,
                    tries_left: left,
                    context: context.clone(),
                    verification: *verification,
                };
                Step { next: Some(next), ..stay(Err(Refused::WrongCheck { tries_left: left })) }
            }
            Decision::Deny => deny(*lock, decide.decision, Denied::User, now),
            Decision::Report => deny(*lock, decide.decision, Denied::Reported, now),
        },
        State::Approved { .. } => stay(again(decide.decision, Decision::Approve)),
        State::Over { decided: Some(decided), .. } if holds(&decided.lock, decide) => {
            stay(again(decide.decision, decided.decision))
        }
        State::Over { decided: Some(_), .. } => stay(Err(Refused::NotFound)),
        State::Over { decided: None, .. } => stay(Err(Refused::Ended)),
    }
}

fn redeem(request: &Request, page: &PageProof, now: Timestamp) -> Step {
    match &request.redeemer {
        Redeemer::Page { secret, .. } if !same(secret, &page.secret) && !hole!("page_secret") => {
            return stay(Err(Refused::NotFound));
        }
        Redeemer::Page { key, .. } if *key != page.key && !hole!("page_key") => {
            return stay(Err(Refused::WrongKey));
        }
        Redeemer::Page { .. } => {}
        Redeemer::Device { .. } => return stay(Err(Refused::NotFound)),
    }
    redeem_at(&request.state, now)
}

/// The device's own, whatever it has typed: its code names the request and proves that it may have it.
fn poll(request: &Request, device: &DeviceProof, now: Timestamp) -> Step {
    let polls = match &request.redeemer {
        Redeemer::Device { code, .. } if !same(code, &device.code) && !hole!("device_code") => {
            return stay(Err(Refused::NotFound));
        }
        Redeemer::Device { key: Some(bound), .. } if device.key != Some(*bound) && !hole!("device_key") => {
            return stay(Err(Refused::WrongKey));
        }
        Redeemer::Device { polls, .. } => polls,
        Redeemer::Page { .. } => return stay(Err(Refused::NotFound)),
    };
    match &request.state {
        State::Waiting { .. } | State::Scanned { .. } => {
            let (polls, pace) = polls.with_one_at(now);
            let refused = match pace {
                Pace::OnTime => Refused::NotApproved,
                Pace::TooEarly => Refused::SlowDown { interval_s: polls.interval_s },
            };
            Step { polls: Some(polls), ..stay(Err(refused)) }
        }
        // However early it comes: there is nothing left to wait for.
        State::Approved { .. } | State::Over { .. } => redeem_at(&request.state, now),
    }
}

fn redeem_at(state: &State, now: Timestamp) -> Step {
    match state {
        State::Waiting { .. } | State::Scanned { .. } => stay(Err(Refused::NotApproved)),
        State::Approved { lock, ends_at } => {
            go(over(Outcome::Redeemed, now, Some(approved(*lock, *ends_at))), Done::Redeemed)
        }
        State::Over { outcome: Outcome::Redeemed, decided: Some(decided), .. }
            if now < decided.redeem_repeats_until =>
        {
            stay(Ok(Done::RedeemedAgain))
        }
        State::Over { .. } => stay(Err(Refused::Ended)),
    }
}

fn cancel(request: &Request, cause: Cause, now: Timestamp) -> Step {
    let why = match cause {
        Cause::Page => Cancelled::Page,
        Cause::Revoked => Cancelled::Revoked,
    };
    match &request.state {
        State::Waiting { .. } | State::Scanned { .. } => {
            go(over(Outcome::Cancelled(why), now, None), Done::Cancelled)
        }
        State::Approved { lock, ends_at } => {
            go(over(Outcome::Cancelled(why), now, Some(approved(*lock, *ends_at))), Done::Cancelled)
        }
        State::Over { outcome: Outcome::Cancelled(before), .. } if *before == why => {
            stay(Ok(Done::Cancelled))
        }
        State::Over { .. } => stay(Err(Refused::Ended)),
    }
}

fn deny(lock: Lock, decision: Decision, why: Denied, now: Timestamp) -> Step {
    let decided = Decided { lock, decision, redeem_repeats_until: now };
    go(over(Outcome::Denied(why), now, Some(decided)), Done::Decided)
}

const fn approved(lock: Lock, ends_at: Timestamp) -> Decided {
    Decided { lock, decision: Decision::Approve, redeem_repeats_until: ends_at }
}

const fn over(outcome: Outcome, at: Timestamp, decided: Option<Decided>) -> State {
    State::Over { outcome, at, decided }
}

fn holds(lock: &Lock, decide: &Decide) -> bool {
    (hole!("approver_is_scanner") || lock.device == decide.device)
        && lock.ticket == decide.ticket
        && (hole!("statement_context") || lock.context_hash == decide.context_hash)
}

fn same(a: &SecretHash, b: &SecretHash) -> bool {
    use subtle::ConstantTimeEq as _;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn again(asked: Decision, before: Decision) -> Result<Done, Refused> {
    if asked == before { Ok(Done::DecidedAgain) } else { Err(Refused::AlreadyDecided) }
}

const fn stay(answer: Result<Done, Refused>) -> Step {
    Step { next: None, user_code: None, polls: None, answer }
}

const fn go(next: State, done: Done) -> Step {
    Step { next: Some(next), user_code: None, polls: None, answer: Ok(done) }
}
