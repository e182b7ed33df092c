//! Devices: what the watch needs of them, and nokhwa, which provides it on every system.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use nokhwa::{
    Camera, NokhwaError,
    utils::{ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType},
};

use super::{CameraError, CameraId, CameraInfo, Format, fault, formats};

/// How many of the best formats are tried; drivers list some that they then reject.
const FORMATS_TRIED: usize = 6;

/// A camera with the number that it has at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) info: CameraInfo,
    pub(super) index: CameraIndex,
}

/// Lists and opens cameras. There is one in the program; tests have others, to reach what no driver does on demand.
pub(super) trait Backend: Send + Sync + 'static {
    fn list(&self) -> Result<Vec<Device>, CameraError>;

    /// Opens a device and starts it. The stream stays on the calling thread.
    fn open(&self, device: &Device, size: (u32, u32)) -> Result<Box<dyn Stream>, CameraError>;

    /// Makes a thread return that is stuck in [`Stream::next_frame`], where the system has a way.
    fn unblock(&self, device: &Device);

    /// Counts open devices, so that a session can wait for the one before it.
    fn gate(&self) -> &Gate;
}

/// A running camera.
pub(super) trait Stream {
    fn format(&self) -> Format;

    /// Bytes a row of raw pixels, where the system tells.
    fn stride(&self) -> Option<usize>;

    /// Waits for the next frame, for ever where the camera stops sending.
    fn next_frame(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), CameraError>;
}

/// How many devices of a backend are open.
#[derive(Debug, Default)]
pub(super) struct Gate {
    open: Mutex<usize>,
    freed: Condvar,
}

impl Gate {
    pub(super) const fn new() -> Self {
        Self { open: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until no device is open, or `limit` at most.
    pub(super) fn wait(&self, limit: Duration) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.freed.wait_timeout_while(open, limit, |open| *open > 0));
    }

    pub(super) fn enter(&self) -> Entered<'_> {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Entered(self)
    }
}

/// A device that is open; counted until dropped.
pub(super) struct Entered<'a>(&'a Gate);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_all();
    }
}

/// Real cameras.
pub(super) struct Nokhwa;

static GATE: Gate = Gate::new();

impl Backend for Nokhwa {
    fn list(&self) -> Result<Vec<Device>, CameraError> {
        permitted()?;
        let found = guarded(|| nokhwa::query(ApiBackend::Auto))?;
        #[cfg(target_os = "linux")]
        {
            Ok(super::v4l::devices(&found))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let device = |info: nokhwa::utils::CameraInfo| {
                let id = CameraId::of(&info.human_name(), &info.misc());
                let index = info.index().clone();
                Device { info: CameraInfo { id, name: info.human_name() }, index }
            };
            Ok(found.into_iter().map(device).collect())
        }
    }

    fn open(&self, device: &Device, size: (u32, u32)) -> Result<Box<dyn Stream>, CameraError> {
        permitted()?;
        let mut camera = first_contact(&device.index)?;
        let offered = guarded(|| camera.compatible_camera_formats())?;
        let ranked = formats::ranked(&offered, size);
        let mut last = CameraError::NoFormat;
        for wished in ranked.into_iter().take(FORMATS_TRIED) {
            // Set while stopped, and only when it differs: a busy device refuses any change, even to the same.
            let set = if camera.camera_format() == wished {
                Ok(())
            } else {
                guarded(|| set_format(&mut camera, wished))
            };
            match set.and_then(|()| guarded(|| camera.open_stream())) {
                Ok(()) => {
                    let stride = stride(device);
                    return Ok(Box::new(Running {
                        format: formats::format(camera.camera_format()),
                        stride,
                        camera,
                    }));
                }
                // Another format would not help.
                Err(error @ (CameraError::Busy | CameraError::Unplugged | CameraError::Refused)) => {
                    return Err(error);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unblock(&self, device: &Device) {
        #[cfg(target_os = "linux")]
        super::v4l::stop_streaming(&device.index);
        #[cfg(not(target_os = "linux"))]
        let _ = device;
    }

    fn gate(&self) -> &Gate {
        &GATE
    }
}

struct Running {
    format: Format,
    stride: Option<usize>,
    camera: Camera,
}

impl Stream for Running {
    fn format(&self) -> Format {
        self.format
    }

    fn stride(&self) -> Option<usize> {
        self.stride
    }

    fn next_frame(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<(), CameraError> {
        guarded(|| self.camera.frame_raw().map(|buffer| take(&buffer)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The driver's own drop panics on a device that fails to stop.
        if let Err(error) = guarded(|| self.camera.stop_stream()) {
            tracing::debug!(%error, "The camera did not stop properly");
        }
    }
}

/// Every format that can be read here.
const READABLE: [FrameFormat; 6] = [
    FrameFormat::MJPEG,
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::GRAY,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
];

/// Opens the device in whatever format, to learn which ones it offers.
fn first_contact(index: &CameraIndex) -> Result<Camera, CameraError> {
    let open = || {
        guarded(|| {
            let any = RequestedFormat::with_formats(RequestedFormatType::None, &READABLE);
            Camera::new(index.clone(), any)
        })
    };
    let mut opened = open();
    #[cfg(target_os = "linux")]
    if says(&opened, "not whole number") && super::v4l::set_whole_rate(index) {
        opened = open();
    }
    // "Failed to Fufill": not one format that can be read here, or none at a whole rate.
    let is_unusable = says(&opened, "not whole number") || says(&opened, "Failed to Fufill");
    if is_unusable { Err(CameraError::NoFormat) } else { opened }
}

fn says(opened: &Result<Camera, CameraError>, words: &str) -> bool {
    matches!(opened, Err(CameraError::Failed(text)) if text.contains(words))
}

fn set_format(camera: &mut Camera, wished: CameraFormat) -> Result<(), NokhwaError> {
    let exact = RequestedFormat::with_formats(RequestedFormatType::Exact(wished), &READABLE);
    camera.set_camera_requset(exact).map(|_| ())
}

fn stride(device: &Device) -> Option<usize> {
    #[cfg(target_os = "linux")]
    {
        super::v4l::stride(&device.index)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = device;
        None
    }
}

/// Asks for the permission to use cameras, where the system wants to be asked first.
fn permitted() -> Result<(), CameraError> {
    if !cfg!(target_os = "macos") || nokhwa::nokhwa_check() {
        return Ok(());
    }
    let (answer, answered) = std::sync::mpsc::channel();
    nokhwa::nokhwa_initialize(move |granted| {
        let _ = answer.send(granted);
    });
    // The person may be reading the system's question; without an answer in a minute the session asks again.
    match answered.recv_timeout(Duration::from_mins(1)) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(CameraError::Refused),
    }
}

/// Calls into the driver's crate: its errors get their kind, its panics become errors.
fn guarded<T>(call: impl FnOnce() -> Result<T, NokhwaError>) -> Result<T, CameraError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| fault::of(&error)),
        Err(_) => Err(CameraError::Failed("the camera driver's library panicked".to_owned())),
    }
}

/// Makes ids of equal devices differ: the second of them gets a number.
pub(super) fn number_equal_ids(devices: &mut [Device]) {
    for at in 1..devices.len() {
        let (before, rest) = devices.split_at_mut(at);
        let base = rest[0].info.id.clone();
        let equal = before.iter().filter(|device| stem(&device.info.id) == base.as_str()).count();
        if equal > 0 {
            rest[0].info.id = CameraId::new(format!("{base}#{}", equal + 1));
        }
    }
}

fn stem(id: &CameraId) -> &str {
    id.as_str().rsplit_once('#').map_or(id.as_str(), |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_cameras_get_different_ids() {
        let device = |id: &str, index| Device {
            info: CameraInfo { id: CameraId::new(id), name: String::new() },
            index: CameraIndex::Index(index),
        };
        let mut devices = [device("a", 0), device("b", 1), device("a", 2), device("a", 3)];
        number_equal_ids(&mut devices);
        assert_eq!(devices.map(|device| device.info.id.to_string()), ["a", "b", "a#2", "a#3"]);
    }

    #[test]
    fn the_gate_opens_when_the_last_device_is_let_go() {
        let gate = Gate::new();
        let entered = gate.enter();
        drop(entered);
        gate.wait(Duration::from_mins(1));
        assert_eq!(*gate.open.lock().unwrap_or_else(PoisonError::into_inner), 0);
    }
}
