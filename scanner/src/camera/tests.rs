//! The life of a session, on cameras that fail on demand. Real devices are in `tests/it/camera.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use nokhwa::utils::CameraIndex;

use crate::decode::Hint;

use super::{
    CameraError, CameraEvent, CameraId, CameraInfo, Encoding, Format, Options, Session, Stall,
    device::{Backend, Device, Gate, Stream},
};

const FORMAT: Format = Format { width: 64, height: 64, rate: 30, encoding: Encoding::Gray };

#[test]
fn frames_come_with_their_preview() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    assert_eq!(next(&mut session), CameraEvent::Opened { camera: info("one"), format: FORMAT });
    let mut preview = session.preview();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = runtime.block_on(preview.newer_than(0)).unwrap();
    let second = runtime.block_on(preview.newer_than(first.seq)).unwrap();
    assert!(second.seq > first.seq);
    assert_eq!((second.width, second.height, &second.jpeg[..2]), (64, 64, &[0xff, 0xd8][..]));
    session.close();
    // Nothing is newer than the last frame, and nobody waits for it for ever.
    let last = preview.latest().unwrap().seq;
    assert_eq!(runtime.block_on(preview.newer_than(last)), None);
}

#[test]
fn a_frozen_camera_stalls_and_recovers() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
    camera.set(Mood::Frozen);
    until(&mut session, &CameraEvent::Stalled(Stall::Silent));
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Recovered);
}

#[test]
fn damaged_frames_stall_and_recover() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
    camera.set(Mood::Damaged);
    until(&mut session, &CameraEvent::Stalled(Stall::Damaged));
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Recovered);
}

#[test]
fn a_camera_that_never_sends_stalls() {
    let camera = Fake::new(Mood::Frozen);
    let mut session = camera.open();
    assert_eq!(next(&mut session), CameraEvent::Stalled(Stall::Silent));
}

#[test]
fn unplugged_and_plugged_in_again_it_goes_on() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
    camera.set(Mood::Gone);
    until(&mut session, &CameraEvent::Waiting(CameraError::Unplugged));
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
}

#[test]
fn a_busy_camera_is_waited_for() {
    let camera = Fake::new(Mood::Failing(CameraError::Busy));
    let mut session = camera.open();
    assert_eq!(next(&mut session), CameraEvent::Waiting(CameraError::Busy));
    camera.set(Mood::Sending);
    // Told once however long it took.
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
}

#[test]
fn a_look_now_ends_the_wait_for_a_camera() {
    let camera = Fake::new(Mood::Failing(CameraError::Busy));
    // Nobody waits for the next look by itself.
    let options = Options { retry_every: Duration::from_hours(1), ..options() };
    let mut session = Session::start(camera.0.clone(), None, options);
    assert_eq!(next(&mut session), CameraEvent::Waiting(CameraError::Busy));
    camera.set(Mood::Sending);
    session.look_again().now();
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
}

#[test]
fn pressing_again_and_again_opens_a_slow_camera_once() {
    let camera = Fake::new(Mood::Opening);
    let mut session = camera.open();
    camera.wait_until_tried();
    // Late enough to be told, and still on its way.
    assert_eq!(next(&mut session), CameraEvent::Stalled(Stall::Silent));
    let again = session.look_again();
    for _ in 0..50 {
        again.now();
    }
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
    let state = camera.state();
    assert_eq!((state.tried, state.tried_most), (1, 1));
}

#[test]
fn a_silent_camera_is_opened_anew_on_request_and_never_twice_at_once() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
    camera.set(Mood::Frozen);
    until(&mut session, &CameraEvent::Stalled(Stall::Silent));
    let again = session.look_again();
    for _ in 0..50 {
        again.now();
    }
    // Let go of, and opened again: it can be silent again only then.
    until(&mut session, &CameraEvent::Stalled(Stall::Silent));
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
    let state = camera.state();
    assert!(state.tried >= 2, "it was opened {} times", state.tried);
    assert_eq!((state.tried_most, state.open_most), (1, 1));
}

#[test]
fn no_camera_is_waited_for() {
    let camera = Fake::new(Mood::Gone);
    let mut session = camera.open();
    assert_eq!(next(&mut session), CameraEvent::Waiting(CameraError::NotFound));
    camera.set(Mood::Sending);
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
}

#[test]
fn another_camera_does_not_do_for_the_one_asked_for() {
    let camera = Fake::new(Mood::Sending);
    let mut session = Session::start(camera.0.clone(), Some(CameraId::new("another")), options());
    assert_eq!(next(&mut session), CameraEvent::Waiting(CameraError::Unplugged));
}

#[test]
fn another_camera_does_where_it_may() {
    let camera = Fake::new(Mood::Sending);
    let options = Options { or_another: true, ..options() };
    let mut session = Session::start(camera.0.clone(), Some(CameraId::new("another")), options.clone());
    assert_eq!(next(&mut session), CameraEvent::Opened { camera: info("one"), format: FORMAT });
    drop(session);
    // The one that was asked for is waited for once it has been there.
    let mut session = Session::start(camera.0.clone(), Some(CameraId::new("one")), options);
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
    camera.set(Mood::Exchanged);
    until(&mut session, &CameraEvent::Waiting(CameraError::Unplugged));
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Opened { camera: info("one"), format: FORMAT });
}

#[test]
fn a_camera_that_comes_back_does_not_begin_with_an_old_picture() {
    let camera = Fake::new(Mood::Sending);
    let mut session = camera.open();
    assert!(matches!(next(&mut session), CameraEvent::Opened { .. }));
    let mut preview = session.preview();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(preview.newer_than(0)).is_some());
    camera.set(Mood::Gone);
    until(&mut session, &CameraEvent::Waiting(CameraError::NotFound));
    assert_eq!(preview.latest(), None);
}

#[test]
fn a_dark_picture_is_told() {
    let camera = Fake::new(Mood::Covered);
    let mut session = camera.open();
    until(&mut session, &CameraEvent::Advice(Some(Hint::TooDark)));
    // Grey says nothing.
    camera.set(Mood::Sending);
    until(&mut session, &CameraEvent::Advice(None));
}

#[test]
fn an_id_tells_the_name() {
    assert_eq!(CameraId::of("USB | camera", "1:2:").name(), "USB / camera");
    assert_eq!(CameraId::new("whatever").name(), "whatever");
}

#[test]
fn what_cannot_pass_ends_the_session() {
    for error in [CameraError::Refused, CameraError::NoFormat] {
        let camera = Fake::new(Mood::Failing(error.clone()));
        let mut session = camera.open();
        assert_eq!(next(&mut session), CameraEvent::Ended(error));
        assert_eq!(session.blocking_next_event(), None);
    }
}

#[test]
fn a_camera_that_fails_again_and_again_ends_the_session() {
    let error = CameraError::Failed("some driver".to_owned());
    let camera = Fake::new(Mood::Failing(error.clone()));
    let mut session = camera.open();
    assert_eq!(next(&mut session), CameraEvent::Waiting(error.clone()));
    assert_eq!(next(&mut session), CameraEvent::Ended(error));
}

#[test]
fn a_panic_in_a_driver_is_a_failure() {
    let camera = Fake::new(Mood::Panicking);
    let mut session = camera.open();
    // Writing the panic down takes a busy machine so long that the camera seems silent.
    let event = loop {
        let event = next(&mut session);
        if !matches!(event, CameraEvent::Stalled(_)) {
            break event;
        }
    };
    assert!(matches!(event, CameraEvent::Waiting(CameraError::Failed(_))), "{event:?}");
}

#[test]
fn closing_lets_go_of_a_sending_and_of_a_frozen_camera() {
    for mood in [Mood::Sending, Mood::Frozen] {
        let camera = Fake::new(mood);
        let session = camera.open();
        camera.wait_until_open();
        session.close();
        assert_eq!(camera.state().open, 0);
    }
}

#[test]
fn closing_ends_although_the_driver_hangs() {
    let camera = Fake::new(Mood::Frozen);
    camera.state().deaf = true;
    let mut session = camera.open();
    camera.wait_until_open();
    assert_eq!(next(&mut session), CameraEvent::Stalled(Stall::Silent));
    session.close();
    // The thread is left behind and has nothing to say any more when it wakes.
    assert_eq!(camera.state().open, 1);
    camera.set(Mood::Sending);
    camera.0.gate.wait(Duration::from_mins(1));
    assert_eq!(camera.state().open, 0);
}

#[test]
fn a_second_session_waits_for_the_first_to_let_go() {
    let camera = Fake::new(Mood::Sending);
    let mut first = camera.open();
    assert!(matches!(next(&mut first), CameraEvent::Opened { .. }));
    drop(first);
    let mut second = camera.open();
    assert!(matches!(next(&mut second), CameraEvent::Opened { .. }));
    assert_eq!(camera.state().open_most, 1);
}

/// What the camera does at the moment.
#[derive(Clone, Debug, PartialEq)]
enum Mood {
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

struct State {
    mood: Mood,
    /// Frozen reads stay frozen when asked to return.
    deaf: bool,
    unblocked: bool,
    open: u32,
    open_most: u32,
    /// Openings so far, and the most at once that were under way or open.
    tried: u32,
    at_once: u32,
    tried_most: u32,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct Fakes {
    shared: Arc<Shared>,
    gate: Gate,
}

struct Fake(Arc<Fakes>);

impl Fake {
    fn new(mood: Mood) -> Self {
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

    fn open(&self) -> Session {
        Session::start(self.0.clone(), None, options())
    }

    fn set(&self, mood: Mood) {
        self.state().mood = mood;
        self.0.shared.changed.notify_all();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.shared.state.lock().unwrap()
    }

    fn wait_until_tried(&self) {
        drop(self.0.shared.changed.wait_while(self.state(), |state| state.tried == 0).unwrap());
    }

    fn wait_until_open(&self) {
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

struct FakeStream(Arc<Shared>);

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

fn options() -> Options {
    Options {
        stall_after: Duration::from_millis(100),
        retry_every: Duration::from_millis(10),
        ..Options::default()
    }
}

fn info(name: &str) -> CameraInfo {
    CameraInfo { id: CameraId::new(name), name: name.to_owned() }
}

fn next(session: &mut Session) -> CameraEvent {
    session.blocking_next_event().unwrap()
}

/// Passes over the stalls that a busy machine makes of a camera that only seems late.
fn until(session: &mut Session, wanted: &CameraEvent) {
    while next(session) != *wanted {}
}
