//! Enrolments between their first call and their end, whatever the window shows meanwhile.
//!
//! The same link begun twice has one key and so one device. Two calls with it would end each other's token in an order that
//! nobody knows, and undoing the first would take the device of the second along. So at any time one enrolment has the key:
//! - begun again while the first is on its way, the second takes the answer of the first;
//! - begun again while the first is being undone, or with another password, the second waits until that is over.

use super::call::Enrolled;
use super::offer::Offer;

/// One enrolment, for its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::controller) struct AttemptId(u64);

/// All of them.
#[derive(Default)]
pub(in crate::controller) struct Attempts {
    begun: u64,
    open: Vec<Attempt>,
}

struct Attempt {
    id: AttemptId,
    offer: Offer,
    state: State,
}

enum State {
    /// The server is asked, or told that the device is not wanted.
    Calling,
    /// The server enrolled the device; nobody said yet that it is wanted.
    Answered(Box<Enrolled>),
}

impl Attempts {
    /// A call for `offer` begins.
    pub(super) fn begin(&mut self, offer: Offer) -> AttemptId {
        self.begun += 1;
        let id = AttemptId(self.begun);
        self.open.push(Attempt { id, offer, state: State::Calling });
        id
    }

    /// The server enrolled the device of `id`.
    pub(super) fn answered(&mut self, id: AttemptId, enrolled: Box<Enrolled>) {
        if let Some(attempt) = self.open.iter_mut().find(|attempt| attempt.id == id) {
            attempt.state = State::Answered(enrolled);
        }
    }

    /// `id` is over; gives what it was for.
    pub(super) fn end(&mut self, id: AttemptId) -> Option<Offer> {
        let at = self.open.iter().position(|attempt| attempt.id == id)?;
        Some(self.open.swap_remove(at).offer)
    }

    /// Takes a device that was enrolled for exactly `offer`.
    pub(super) fn take(&mut self, offer: &Offer) -> Option<Box<Enrolled>> {
        self.take_if(|of| of == offer)
    }

    /// Takes a device that was enrolled for anything but `wanted`.
    pub(super) fn take_unwanted(&mut self, wanted: Option<&Offer>) -> Option<Box<Enrolled>> {
        self.take_if(|of| Some(of) != wanted)
    }

    fn take_if(&mut self, is_it: impl Fn(&Offer) -> bool) -> Option<Box<Enrolled>> {
        let is_it = |attempt: &Attempt| matches!(attempt.state, State::Answered(_)) && is_it(&attempt.offer);
        let at = self.open.iter().position(is_it)?;
        match self.open.swap_remove(at).state {
            State::Answered(enrolled) => Some(enrolled),
            State::Calling => None,
        }
    }

    /// Whether the key of `offer` is in use.
    pub(super) fn has_key_of(&self, offer: &Offer) -> bool {
        self.open.iter().any(|attempt| attempt.offer.shares_key(offer))
    }
}
