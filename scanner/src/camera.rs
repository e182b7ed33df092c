//! Cameras: list them, open one, get its live picture and what is read in it.
//!
//! 1. [`cameras`] lists what is plugged in, without the nodes that carry metadata only.
//! 2. [`open`] starts a [`Session`] and returns at once. A supervising thread owns the life of the session; a second thread
//!    makes, uses and drops the device; a third decodes the newest frame. None of them can block the caller.
//! 3. [`Session::next_event`] tells what happened; [`Preview::latest`] is the newest frame as a JPEG.
//! 4. [`Session::close`] or dropping the session lets go of the device within [`CLOSE_LIMIT`].
//!
//! A session outlives trouble that may pass: while the camera is busy, unplugged or absent it says so once
//! ([`CameraEvent::Waiting`]) and looks again every [`Options::retry_every`], or at once when asked ([`LookAgain`]). It ends by itself only where trying again
//! cannot help ([`CameraEvent::Ended`]).

mod advice;
mod capture;
mod device;
mod fault;
#[cfg(feature = "film")]
mod film;
mod formats;
mod jpeg;
mod lane;
mod reading;
mod session;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod v4l;
mod watch;

use std::{fmt, sync::Arc, time::Duration};

pub use self::{
    lane::Preview,
    session::{LookAgain, Session, cameras, open},
};
use crate::decode::{Hint, Read};

/// The longest time between the wish to close a camera and the device being free again.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Ends the name in an id.
const NAME_END: char = '|';

/// Names one camera in a way that survives unplugging, replugging and a restart, so that it can be remembered.
///
/// The text is opaque; it is made from what the system says of the device, never from its number alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CameraId(String);

impl CameraId {
    /// Of a camera that the system calls `name` and tells from others by `mark`.
    fn of(name: &str, mark: &str) -> Self {
        let name = name.replace(NAME_END, "/");
        Self(format!("{name}{NAME_END}{mark}"))
    }

    /// Takes a remembered id back; an id that no camera has is not an error here, [`open`] then waits for that camera.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to remember.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the system called the camera when the id was made, for telling of one that is not there.
    pub fn name(&self) -> &str {
        self.0.split_once(NAME_END).map_or(&self.0, |(name, _)| name)
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A camera that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraInfo {
    /// What to remember and to give to [`open`].
    pub id: CameraId,
    /// The name that the system shows, not unique.
    pub name: String,
}

/// Settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Without a usable frame for this long the session says [`CameraEvent::Stalled`]; the first frame after opening has
    /// three times as long. 2 s.
    pub stall_after: Duration,
    /// While waiting for a camera, the time between two looks. 1 s.
    pub retry_every: Duration,
    /// The wished size of a frame in pixels, as width and height; the nearest offered one is taken. 1280x720.
    pub size: (u32, u32),
    /// When the camera that was asked for is not there and another is, takes that one. One that goes away while it is used
    /// is waited for all the same. False.
    pub or_another: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stall_after: Duration::from_secs(2),
            retry_every: Duration::from_secs(1),
            size: (1280, 720),
            or_another: false,
        }
    }
}

/// How the camera sends its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A JPEG a frame, passed through to the preview as it is.
    Mjpeg,
    /// 4:2:2, two bytes a pixel.
    Yuyv,
    /// 4:2:0, luma first.
    Nv12,
    /// Luma only.
    Gray,
    /// Three bytes a pixel, red first.
    Rgb,
    /// Three bytes a pixel, blue first.
    Bgr,
}

/// What a camera was set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Width of a frame in pixels.
    pub width: u32,
    /// Height of a frame in pixels.
    pub height: u32,
    /// Frames a second, as the camera promises.
    pub rate: u32,
    /// How frames arrive.
    pub encoding: Encoding,
}

/// One frame for the eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewFrame {
    /// Counts every frame that a camera sent, shown or not, over all sessions of the program; the first is 1 or more.
    pub seq: u64,
    /// A whole JPEG file.
    pub jpeg: Arc<[u8]>,
    /// Width in pixels; corners of reads are in these pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Why no usable frame arrives although the camera is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// The camera sends nothing.
    Silent,
    /// Frames arrive and none of them can be decoded.
    Damaged,
}

/// What happened in a session. Corners are in pixels of the frame whose size the event names.
#[derive(Clone, Debug, PartialEq)]
pub enum CameraEvent {
    /// The device streams, or streams again after [`CameraEvent::Waiting`]. The first frame has arrived.
    Opened {
        /// Which camera it is, also when any was asked for.
        camera: CameraInfo,
        /// What it was set to.
        format: Format,
    },
    /// One frame held codes. Comes with each such frame, so a code held still is told many times a second. Dropped, not
    /// queued, while the receiver is behind.
    Reads {
        /// Everything that was read in the frame, at least one.
        reads: Vec<Read>,
        /// Width of that frame in pixels.
        width: u32,
        /// Height of that frame in pixels.
        height: u32,
    },
    /// What would help the camera, measured in its pictures; `None`: nothing is known any more, or a code was read. Told
    /// when it changes, and a hint stays for a second at least.
    Advice(Option<Hint>),
    /// No usable frame for [`Options::stall_after`]; the device stays open.
    Stalled(Stall),
    /// Usable frames arrive again after [`CameraEvent::Stalled`].
    Recovered,
    /// The camera cannot be used, which may pass: the device is let go of and the session looks again by itself. Told once
    /// until the reason changes.
    Waiting(CameraError),
    /// The session is over for a reason that trying again would not cure. The last event; a session that was closed ends
    /// without one.
    Ended(CameraError),
}

/// Why a camera cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// No camera is plugged in.
    #[error("no camera found")]
    NotFound,
    /// The camera that was asked for is not there, though it may have been a moment ago.
    #[error("the camera is not plugged in")]
    Unplugged,
    /// Another program uses it.
    #[error("the camera is used by another program")]
    Busy,
    /// The system does not let this program use it.
    #[error("the system refused access to the camera")]
    Refused,
    /// It offers no format that can be read here.
    #[error("the camera offers no usable picture format")]
    NoFormat,
    /// Anything else; the text is the driver's and meant for a report, not for a person.
    #[error("the camera failed")]
    Failed(String),
}
