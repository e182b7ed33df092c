//! What the scan view shows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error_code::Problem;

/// The camera and its picture. The picture itself is pulled frame by frame beside the view state. Tagged by `camera`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "camera", rename_all = "snake_case")]
pub enum CameraState {
    /// Closed; `start_camera` opens it.
    Off,
    /// Being opened.
    Starting,
    /// Open; frames can be pulled.
    Live {
        /// Name of the camera.
        name: String,
        /// Name of the chosen camera, when this is another because that one is not there.
        instead_of: Option<String>,
        /// Width of a frame in pixels.
        width: u32,
        /// Height of a frame in pixels.
        height: u32,
        /// Show it as a mirror does: it looks at the person, or the person wants it so.
        mirrored: bool,
        /// Where a code was found in the last frame; none when none was found.
        outline: Option<Outline>,
        /// What would help; shown while no code is found.
        hint: Hint,
    },
    /// It does not work.
    Failed {
        /// `camera_*`.
        problem: Problem,
        /// The app looks for the camera by itself and opens it when it is back.
        watching: bool,
    },
}

/// The four corners of a found code: top left, top right, bottom right, bottom left, as seen in the code.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Outline(pub [Point; 4]);

/// A point in a frame: 0..=1 of its width from the left and of its height from the top, not mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Point {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
}

/// What would help the camera; all but `search` are measured in its picture, and stay for a second at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// Point it at a code.
    Search,
    /// The code is too small.
    MoveCloser,
    /// The picture is too dark.
    TooDark,
    /// The picture is blurred.
    HoldStill,
}

/// A camera to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CameraChoice {
    /// For `Settings.camera`. It begins with the camera's name, up to a `|`.
    pub id: String,
    /// What the system calls it, with a number where several are called so.
    pub name: String,
    /// It can be opened; only the chosen camera is listed without.
    pub is_there: bool,
}

/// Work on the way to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScanWork {
    /// None.
    Idle,
    /// A picture of the screen is taken and read.
    ReadingScreen,
    /// A picture is read.
    ReadingPicture,
    /// A code was found and the server is asked about it.
    AskingServer,
}

/// What a foreign text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKind {
    /// A login code of a server that this app is not enrolled with.
    LoginCode,
    /// A web address.
    WebAddress,
    /// A Wi-Fi network.
    Wifi,
    /// A contact.
    Contact,
    /// An e-mail address.
    Email,
    /// A telephone number or message.
    Phone,
    /// A place.
    Place,
    /// A one-time password secret (`otpauth:`).
    OneTimePassword,
    /// Some other `scheme:` text, for example `javascript:` or `file:`.
    OtherScheme,
    /// Plain text.
    Text,
    /// Bytes that are no text; shown as hexadecimal.
    Binary,
}

/// What to tell about a foreign text. Tagged by `note`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum ForeignNote {
    /// Nothing special: it was not opened, and nothing was contacted.
    None,
    /// A login code of a server that is not enrolled. To use it, add an account of that server first.
    UnknownServer {
        /// Its origin, ASCII.
        origin: String,
    },
    /// The host looks like that of an enrolled server, and is another one.
    Lookalike {
        /// Origin in the code.
        origin: String,
        /// The enrolled origin it resembles.
        resembles: String,
    },
}
