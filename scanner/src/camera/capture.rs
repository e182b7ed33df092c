//! The thread that makes, uses and drops the device; nobody else touches it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use super::{
    CameraError, Encoding, Format,
    device::{Backend, Device},
    lane::Lane,
    watch::{Note, Turn},
};

/// One use of a device, from opening it to letting go.
pub(super) struct Use {
    pub(super) turn: Turn,
    pub(super) device: Device,
    pub(super) size: (u32, u32),
    /// Set by the watch when the device shall be let go of.
    pub(super) stop: Arc<AtomicBool>,
}

/// Runs until the device fails or `stop` is set; the note that it is over is sent when the device is free.
pub(super) fn run(backend: &dyn Backend, job: &Use, lane: &Lane, notes: &mpsc::Sender<Note>) {
    let entered = backend.gate().enter();
    let used = catch_unwind(AssertUnwindSafe(|| stream(backend, job, lane, notes)));
    let result = used.unwrap_or_else(|_| Err(CameraError::Failed("the camera's thread panicked".to_owned())));
    drop(entered);
    let _ = notes.send(Note::Over(job.turn, result));
}

fn stream(
    backend: &dyn Backend,
    job: &Use,
    lane: &Lane,
    notes: &mpsc::Sender<Note>,
) -> Result<(), CameraError> {
    let stopped = || job.stop.load(Ordering::Acquire);
    if stopped() {
        return Ok(());
    }
    let mut stream = backend.open(&job.device, job.size)?;
    let format = stream.format();
    let stride = stream.stride();
    let _ = notes.send(Note::Streaming(job.turn, format));
    while !stopped() {
        stream.next_frame(&mut |buffer| {
            if !stopped() {
                // Told before it can be read, so that a camera counts as open before its first code.
                let _ = notes.send(Note::Frame(job.turn));
                lane.put(format, &packed(format, stride, buffer));
            }
        })?;
    }
    Ok(())
}

/// Raw rows without padding; everything else as it is.
fn packed(format: Format, stride: Option<usize>, buffer: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let (width, height) = (format.width as usize, format.height as usize);
    let (row, rows) = match format.encoding {
        Encoding::Mjpeg => return buffer.into(),
        Encoding::Yuyv => (2 * width, height),
        Encoding::Nv12 => (width, height + height.div_ceil(2)),
        Encoding::Gray => (width, height),
        Encoding::Rgb | Encoding::Bgr => (3 * width, height),
    };
    match stride {
        Some(stride) if stride > row => {
            buffer.chunks(stride).take(rows).flat_map(|line| &line[..row.min(line.len())]).copied().collect()
        }
        Some(_) | None => buffer[..buffer.len().min(row * rows)].into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_of_rows_is_dropped() {
        let format = |encoding| Format { width: 2, height: 2, rate: 30, encoding };
        let padded = [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0, 9, 9];
        assert_eq!(packed(format(Encoding::Yuyv), Some(6), &padded)[..], [1, 2, 3, 4, 5, 6, 7, 8]);
        let planes = [1, 2, 0, 3, 4, 0, 5, 6, 0, 9];
        assert_eq!(packed(format(Encoding::Nv12), Some(3), &planes)[..], [1, 2, 3, 4, 5, 6]);
        assert_eq!(packed(format(Encoding::Gray), None, &[1, 2, 3, 4, 9])[..], [1, 2, 3, 4]);
        assert_eq!(packed(format(Encoding::Mjpeg), Some(1), &[1, 2, 3])[..], [1, 2, 3]);
    }
}
