//! Sessions, devices, activity, and the enrolment code for another computer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::AccountRef;
use crate::error_code::Problem;

/// A list that is fetched from a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Listing<T> {
    /// The items of the last good answer; none before the first.
    pub items: Option<Vec<T>>,
    /// A fetch is under way.
    pub loading: bool,
    /// The last fetch failed so; `retry` fetches again.
    pub problem: Option<Problem>,
}

impl<T> Listing<T> {
    /// A list whose first fetch is under way.
    pub fn loading() -> Self {
        Self { items: None, loading: true, problem: None }
    }
}

/// One signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SessionView {
    /// For `end_session`.
    pub id: String,
    /// Since when, Unix seconds of the server.
    #[ts(type = "number")]
    pub created_at: i64,
    /// Last seen, Unix seconds of the server.
    #[ts(type = "number")]
    pub last_seen_at: i64,
    /// Network address.
    pub address: String,
    /// What it says of itself; may be empty.
    pub browser: String,
    /// What it says of itself; may be empty.
    pub system: String,
    /// Name of the device that approved it.
    pub device_name: String,
    /// This computer approved it.
    pub by_this_device: bool,
    /// Names of the sites that it is used at, beside the server itself.
    pub clients: Vec<String>,
}

/// One trusted device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceView {
    /// For `rename_device` and `remove_device`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `linux`, `macos`, `windows` or `other`.
    pub kind: String,
    /// Since when, Unix seconds of the server.
    #[ts(type = "number")]
    pub created_at: i64,
    /// Last seen, Unix seconds of the server.
    #[ts(type = "number")]
    pub last_seen_at: i64,
    /// It is this computer.
    pub current: bool,
}

/// One entry of the account's activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ActivityEntry {
    /// Its place in the log, from 1.
    #[ts(type = "number")]
    pub seq: u64,
    /// When, Unix seconds of the server.
    #[ts(type = "number")]
    pub at: i64,
    /// What happened, a name of the server, for example `login_approved`.
    pub kind: String,
    /// A sentence of the server; shown when the kind is unknown to the window.
    pub summary: String,
    /// Network address, when there is one.
    pub address: Option<String>,
    /// Name of the device that did it, when one did.
    pub device: Option<String>,
    /// Name of what it was done to, when that is another device or a site.
    pub subject: Option<String>,
    /// What the browser says of itself; may be empty.
    pub browser: String,
    /// What the browser says of itself; may be empty.
    pub system: String,
}

/// The enrolment link for another computer, as picture and text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EnrolmentCode {
    /// The link, for a computer without a camera. It enrols whoever has it, once.
    pub link: String,
    /// The QR code as a `data:image/png;base64,` URI: one pixel a module with quiet zone, black on white.
    pub png: String,
    /// Width and height of that picture in pixels.
    pub size: u32,
    /// Seconds it is good for, when this state was made.
    pub left_s: u32,
}

impl std::fmt::Debug for EnrolmentCode {
    /// Without the link and its picture: they enrol whoever has them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentCode").field("left_s", &self.left_s).finish_non_exhaustive()
    }
}

/// Recovery codes on show, as `ABCD-EFGH-IJKL-MNOP`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CodesShown(pub Vec<String>);

impl std::fmt::Debug for CodesShown {
    /// How many, not which.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodesShown({})", self.0.len())
    }
}

/// A sign-in that the activity tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignIn {
    /// Whose.
    pub account: AccountRef,
    /// Host and port of the server.
    pub host: String,
    /// The session that it made; empty when the server does not say.
    pub session: String,
    /// When, Unix seconds of the server.
    #[ts(type = "number")]
    pub at: i64,
    /// What the browser says of itself; may be empty.
    pub browser: String,
    /// What the browser says of itself; may be empty.
    pub system: String,
    /// Name of the device that approved it; may be empty.
    pub device: String,
}
