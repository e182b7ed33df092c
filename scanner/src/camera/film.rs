//! Cameras out of folders, for measuring the preview where no camera is: each folder in `$COUNTERSIGN_FILM` is a camera that
//! sends the JPEG files in it, by name, again and again, 30 a second. A folder that goes away is a camera that was unplugged.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nokhwa::utils::CameraIndex;

use super::{
    CameraError, CameraId, CameraInfo, Encoding, Format,
    device::{Backend, Device, Gate, Stream},
};
use crate::frame::Luma;

const RATE: u32 = 30;

static GATE: Gate = Gate::new();

/// The cameras of the folder that the environment names; `None` when it names none.
pub(super) fn backend() -> Option<Arc<dyn Backend>> {
    let folder = std::env::var_os("COUNTERSIGN_FILM")?;
    Some(Arc::new(Films { folder: folder.into() }))
}

struct Films {
    folder: PathBuf,
}

impl Backend for Films {
    fn list(&self) -> Result<Vec<Device>, CameraError> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .map_err(|error| CameraError::Failed(error.to_string()))?
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        let device = |name: String| Device {
            index: CameraIndex::String(name.clone()),
            info: CameraInfo { id: CameraId::new(format!("{name}|film")), name },
        };
        Ok(names.into_iter().map(device).collect())
    }

    fn open(&self, device: &Device, _size: (u32, u32)) -> Result<Box<dyn Stream>, CameraError> {
        let folder = self.folder.join(&device.info.name);
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|_| CameraError::Unplugged)?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jpg"))
            .collect();
        paths.sort_unstable();
        let read = |path: &PathBuf| fs::read(path).map_err(|error| CameraError::Failed(error.to_string()));
        let frames: Vec<Vec<u8>> = paths.iter().map(read).collect::<Result<_, _>>()?;
        let first = frames.first().and_then(|frame| Luma::from_jpeg(frame).ok());
        let first = first.ok_or(CameraError::NoFormat)?;
        let format =
            Format { width: first.width(), height: first.height(), rate: RATE, encoding: Encoding::Mjpeg };
        Ok(Box::new(Running { folder, frames, format, started: now(), sent: 0 }))
    }

    fn unblock(&self, _device: &Device) {}

    fn gate(&self) -> &Gate {
        &GATE
    }
}

struct Running {
    folder: PathBuf,
    frames: Vec<Vec<u8>>,
    format: Format,
    started: Instant,
    sent: u32,
}

impl Stream for Running {
    fn format(&self) -> Format {
        self.format
    }

    fn stride(&self) -> Option<usize> {
        None
    }

    fn next_frame(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), CameraError> {
        // By the clock and not by pauses, so that no frame is late because the one before was.
        let due = self.started + Duration::from_secs(1) * self.sent / RATE;
        wait_until(due);
        if !Path::new(&self.folder).exists() {
            return Err(CameraError::Unplugged);
        }
        take(&self.frames[self.sent as usize % self.frames.len()]);
        self.sent += 1;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a camera keeps its own time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a camera keeps its own time")]
fn wait_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(now()));
}
