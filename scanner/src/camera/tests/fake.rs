//! A camera that does what the test wants of it.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use nokhwa::utils::CameraIndex;

use super::FORMAT;
use crate::camera::{
    CameraError, CameraId, CameraInfo, Format, Options, Session,
    device::{Backend, Device, Gate, Stream},
};

/// What the camera does at the moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mood {
    Sending,
    Damaged,
    /// It sends black pictures.
    Covered,
    Frozen,
    Gone,
    /// Unplugged, and another one is there.
    Exchanged,
    Failing(CameraError),
    Panicking,
    /// Opening it takes until the mood changes.
    Opening,
}

pub(super) struct State {
    pub(super) mood: Mood,
    /// Frozen reads stay frozen when asked to return.
    pub(super) deaf: bool,
    pub(super) unblocked: bool,
    pub(super) open: u32,
    pub(super) open_most: u32,
    /// Openings so far, and the most at once that were under way or open.
    pub(super) tried: u32,
    pub(super) at_once: u32,
    pub(super) tried_most: u32,
}

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct Fakes {
    shared: Arc<Shared>,
    pub(super) gate: Gate,
}

pub(super) struct Fake(pub(super) Arc<Fakes>);

impl Fake {
    pub(super) fn new(mood: Mood) -> Self {
        let state = State {
            mood,
            deaf: false,
            unblocked: false,
            open: 0,
            open_most: 0,
            tried: 0,
            at_once: 0,
            tried_most: 0,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        Self(Arc::new(Fakes { shared, gate: Gate::new() }))
    }

    pub(super) fn open(&self) -> Session {
        Session::start(self.0.clone(), None, options())
    }

    pub(super) fn set(&self, mood: Mood) {
        self.state().mood = mood;
        self.0.shared.changed.notify_all();
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.shared.state.lock().unwrap()
    }

    pub(super) fn wait_until_tried(&self) {
        drop(self.0.shared.changed.wait_while(self.state(), |state| state.tried == 0).unwrap());
    }

    pub(super) fn wait_until_open(&self) {
        drop(self.0.shared.changed.wait_while(self.state(), |state| state.open == 0).unwrap());
    }
}

impl Backend for Fakes {
    fn list(&self) -> Result<Vec<Device>, CameraError> {
        let there = match self.shared.state.lock().unwrap().mood {
            Mood::Gone => return Ok(Vec::new()),
            Mood::Exchanged => "two",
            _ => "one",
        };
        Ok(vec![Device { info: info(there), index: CameraIndex::Index(0) }])
    }

    fn open(&self, _device: &Device, _size: (u32, u32)) -> Result<Box<dyn Stream>, CameraError> {
        let mut state = self.shared.state.lock().unwrap();
        state.tried += 1;
        state.at_once += 1;
        state.tried_most = state.tried_most.max(state.at_once);
        self.shared.changed.notify_all();
        let mut state = self.shared.changed.wait_while(state, |state| state.mood == Mood::Opening).unwrap();
        let fails = match state.mood.clone() {
            Mood::Failing(error) => Some(error),
            Mood::Panicking => {
                state.at_once -= 1;
                drop(state);
                panic!("a driver's panic, on purpose");
            }
            Mood::Gone | Mood::Exchanged => Some(CameraError::Unplugged),
            Mood::Sending | Mood::Covered | Mood::Damaged | Mood::Frozen | Mood::Opening => None,
        };
        if let Some(error) = fails {
            state.at_once -= 1;
            return Err(error);
        }
        state.open += 1;
        state.open_most = state.open_most.max(state.open);
        state.unblocked = false;
        self.shared.changed.notify_all();
        Ok(Box::new(FakeStream(Arc::clone(&self.shared))))
    }

    fn unblock(&self, _device: &Device) {
        let mut state = self.shared.state.lock().unwrap();
        state.unblocked = !state.deaf;
        self.shared.changed.notify_all();
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }
}

pub(super) struct FakeStream(Arc<Shared>);

impl Stream for FakeStream {
    fn format(&self) -> Format {
        FORMAT
    }

    fn stride(&self) -> Option<usize> {
        None
    }

    fn next_frame(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), CameraError> {
        let state = self.0.state.lock().unwrap();
        // A frame each few milliseconds, unless something happens earlier.
        let pace = Duration::from_millis(5);
        let quiet = |state: &mut State| {
            matches!(state.mood, Mood::Sending | Mood::Covered | Mood::Damaged) && !state.unblocked
        };
        let (state, _) = self.0.changed.wait_timeout_while(state, pace, quiet).unwrap();
        let frozen = |state: &mut State| state.mood == Mood::Frozen && !state.unblocked;
        let state = self.0.changed.wait_while(state, frozen).unwrap();
        let (mood, unblocked) = (state.mood.clone(), state.unblocked);
        drop(state);
        if unblocked {
            return Err(CameraError::Failed("asked to return".to_owned()));
        }
        match mood {
            Mood::Sending | Mood::Frozen => take(&[128; 64 * 64]),
            Mood::Covered => take(&[3; 64 * 64]),
            Mood::Damaged => take(&[128; 100]),
            Mood::Gone | Mood::Exchanged => return Err(CameraError::Unplugged),
            Mood::Failing(error) => return Err(error),
            Mood::Panicking => panic!("a driver's panic, on purpose"),
            Mood::Opening => {}
        }
        Ok(())
    }
}

impl Drop for FakeStream {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        state.open -= 1;
        state.at_once -= 1;
        drop(state);
        self.0.changed.notify_all();
    }
}

pub(super) fn options() -> Options {
    Options {
        stall_after: Duration::from_millis(100),
        retry_every: Duration::from_millis(10),
        ..Options::default()
    }
}

pub(super) fn info(name: &str) -> CameraInfo {
    CameraInfo { id: CameraId::new(name), name: name.to_owned() }
}
