//! The thread that decodes: always the newest frame, never in the camera's way.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use tokio::sync::mpsc as events;

use super::{
    CameraEvent, Encoding,
    advice::Advice,
    jpeg,
    lane::{Lane, RawFrame},
    watch::Note,
};
use crate::{
    decode::Live,
    frame::{FrameError, Luma},
};

/// Places in the event channel that reads leave free, so that what happens to the camera is always told.
const PLACES_FOR_STATE: usize = 16;

/// Reads frames until the lane is closed.
pub(super) fn run(lane: &Arc<Lane>, notes: &mpsc::Sender<Note>, events: &events::Sender<CameraEvent>) {
    let mut live = Live::default();
    let mut advice = Advice::default();
    let started = now();
    while let Some(frame) = lane.take() {
        let luma = match luma(&frame) {
            Ok(luma) => luma,
            Err(error) => {
                tracing::debug!(%error, frame.seq, "A camera frame is damaged");
                continue;
            }
        };
        // Raw frames are drawn before they are read: the eye comes first.
        if let Some(jpeg) = jpeg::made_of(frame.format, &frame.bytes) {
            lane.show(&frame, jpeg);
        }
        let _ = notes.send(Note::Usable);
        let look = live.look(&luma);
        if events.capacity() <= PLACES_FOR_STATE {
            continue;
        }
        let reads = look.reads;
        if advice.turn(look.hint, !reads.is_empty(), now() - started) {
            let _ = events.try_send(CameraEvent::Advice(advice.shown()));
        }
        if !reads.is_empty() {
            let _ = events.try_send(CameraEvent::Reads { reads, width: luma.width(), height: luma.height() });
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a hint is shown is a matter of the clock")]
fn now() -> Instant {
    Instant::now()
}

fn luma(frame: &RawFrame) -> Result<Luma, FrameError> {
    let (width, height) = (frame.format.width, frame.format.height);
    match frame.format.encoding {
        Encoding::Mjpeg => Luma::from_jpeg(&frame.bytes),
        Encoding::Yuyv => Luma::from_yuyv(width, height, 2 * width as usize, &frame.bytes),
        Encoding::Nv12 | Encoding::Gray => Luma::from_planar(width, height, width as usize, &frame.bytes),
        Encoding::Rgb => Luma::from_rgb(width, height, &frame.bytes, [0, 1, 2]),
        Encoding::Bgr => Luma::from_rgb(width, height, &frame.bytes, [2, 1, 0]),
    }
}
