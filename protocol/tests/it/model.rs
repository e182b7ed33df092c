//! A login request in the plainest terms: what a careful reader of the state table would keep on paper.

use protocol::check::TRIES;
use protocol::request::{Done, Lives, Phase, Refused};
use protocol::statement::Decision;

/// What random tests do to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Wait(i64),
    Look,
    ShowUserCode,
    /// `device` scans the frame with this counter.
    ScanFrame {
        device: u8,
        counter: u8,
        allowed: bool,
    },
    TypeUserCode {
        device: u8,
        right: bool,
    },
    Decide {
        device: u8,
        right_ticket: bool,
        decision: Decision,
        number: Number,
    },
    Redeem {
        right_secret: bool,
        right_key: bool,
    },
    Cancel {
        by_page: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Right,
    Wrong,
    Missing,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) phase: Phase,
    pub(crate) now: i64,
    started: i64,
    ends_at: i64,
    device: Option<u8>,
    tries: u8,
    user_code: bool,
    decided: Option<Decision>,
    approved_at: i64,
    cancelled_by_page: bool,
}

impl Model {
    pub(crate) fn new(now: i64, lives: &Lives) -> Self {
        Self {
            phase: Phase::Waiting,
            now,
            started: now,
            ends_at: now + lives.waiting_s,
            device: None,
            tries: TRIES,
            user_code: false,
            decided: None,
            approved_at: 0,
            cancelled_by_page: false,
        }
    }

    pub(crate) fn act(&mut self, act: Act, lives: &Lives) -> Result<Done, Refused> {
        if let Act::Wait(seconds) = act {
            self.now += seconds;
            return Ok(Done::Seen);
        }
        if !self.phase.is_final() && self.now >= self.ends_at {
            self.phase = Phase::Expired;
        }
        match act {
            Act::Wait(_) | Act::Look => Ok(Done::Seen),
            Act::ShowUserCode => match self.phase {
                Phase::Waiting => {
                    self.user_code = true;
                    Ok(Done::UserCode)
                }
                Phase::Scanned | Phase::Approved => Err(Refused::AlreadyScanned),
                _ => Err(Refused::Ended),
            },
            Act::ScanFrame { device, counter, allowed } => {
                let issued = self.started + i64::from(counter) * lives.frame_step_s;
                let ahead = issued > self.now + lives.frame_step_s;
                // One step ahead of the own counter, which counts whole steps.
                let own = (self.now - self.started) / lives.frame_step_s;
                let sight = if ahead || i64::from(counter) > own + 1 {
                    Err(Refused::NotFound)
                } else if self.now - issued >= lives.frame_s || self.user_code {
                    Err(Refused::FrameExpired)
                } else {
                    Ok(())
                };
                self.scan(device, sight, allowed, lives)
            }
            Act::TypeUserCode { device, right } => {
                let sight = if right && self.user_code { Ok(()) } else { Err(Refused::NotFound) };
                self.scan(device, sight, true, lives)
            }
            Act::Decide { device, right_ticket, decision, number } => {
                self.decide(device, right_ticket, decision, number, lives)
            }
            Act::Redeem { right_secret: false, .. } => Err(Refused::NotFound),
            Act::Redeem { right_key: false, .. } => Err(Refused::WrongKey),
            Act::Redeem { .. } => match self.phase {
                Phase::Waiting | Phase::Scanned => Err(Refused::NotApproved),
                Phase::Approved => {
                    self.phase = Phase::Redeemed;
                    Ok(Done::Redeemed)
                }
                Phase::Redeemed if self.now < self.approved_at + lives.approved_s => Ok(Done::RedeemedAgain),
                _ => Err(Refused::Ended),
            },
            Act::Cancel { by_page } => match self.phase {
                Phase::Waiting | Phase::Scanned | Phase::Approved => {
                    self.phase = Phase::Cancelled;
                    self.cancelled_by_page = by_page;
                    Ok(Done::Cancelled)
                }
                Phase::Cancelled if self.cancelled_by_page == by_page => Ok(Done::Cancelled),
                _ => Err(Refused::Ended),
            },
        }
    }

    fn scan(
        &mut self,
        device: u8,
        sight: Result<(), Refused>,
        allowed: bool,
        lives: &Lives,
    ) -> Result<Done, Refused> {
        match self.phase {
            Phase::Scanned if self.device == Some(device) => Ok(Done::ScannedAgain),
            Phase::Approved if self.device == Some(device) => Err(Refused::Ended),
            Phase::Scanned | Phase::Approved => Err(Refused::AlreadyScanned),
            Phase::Waiting => {
                sight?;
                if !allowed {
                    self.phase = Phase::Denied;
                    return Err(Refused::NetworkRefused);
                }
                self.phase = Phase::Scanned;
                self.ends_at = self.now + lives.scanned_s;
                self.device = Some(device);
                Ok(Done::Scanned)
            }
            _ => Err(Refused::Ended),
        }
    }

    fn decide(
        &mut self,
        device: u8,
        right_ticket: bool,
        decision: Decision,
        number: Number,
        lives: &Lives,
    ) -> Result<Done, Refused> {
        let holds = self.device == Some(device) && right_ticket;
        match self.phase {
            Phase::Waiting => Err(Refused::NotFound),
            Phase::Scanned if !holds => Err(Refused::NotFound),
            Phase::Scanned if decision == Decision::Approve && number != Number::Right => {
                self.tries -= 1;
                if self.tries > 0 {
                    return Err(Refused::WrongCheck { tries_left: self.tries });
                }
                self.phase = Phase::Denied;
                Err(Refused::Ended)
            }
            Phase::Scanned => {
                self.decided = Some(decision);
                if decision == Decision::Approve {
                    self.phase = Phase::Approved;
                    self.approved_at = self.now;
                    self.ends_at = self.now + lives.approved_s;
                } else {
                    self.phase = Phase::Denied;
                }
                Ok(Done::Decided)
            }
            _ => match self.decided {
                None => Err(Refused::Ended),
                Some(_) if !holds => Err(Refused::NotFound),
                Some(before) if before == decision => Ok(Done::DecidedAgain),
                Some(_) => Err(Refused::AlreadyDecided),
            },
        }
    }
}
