//! The life of a session, on cameras that fail on demand. Real devices are in `tests/it/camera.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::decode::Hint;

mod fake;

use super::{CameraError, CameraEvent, CameraId, Encoding, Format, Options, Session, Stall};
use fake::{Fake, Mood, info, options};

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

fn next(session: &mut Session) -> CameraEvent {
    session.blocking_next_event().unwrap()
}

/// Passes over the stalls that a busy machine makes of a camera that only seems late.
fn until(session: &mut Session, wanted: &CameraEvent) {
    while next(session) != *wanted {}
}
