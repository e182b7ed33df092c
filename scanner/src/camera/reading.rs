//! The thread that decodes: always the newest frame, never in the camera's way.

use std::sync::{Arc, mpsc};

use tokio::sync::mpsc as events;

use super::{
    CameraEvent, Encoding, jpeg,
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
        let reads = live.decode(&luma);
        if !reads.is_empty() && events.capacity() > PLACES_FOR_STATE {
            let _ = events.try_send(CameraEvent::Reads { reads, width: luma.width(), height: luma.height() });
        }
    }
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
