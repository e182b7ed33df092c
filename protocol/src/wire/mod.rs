//! Bodies on the wire: JSON, `snake_case`, binary as base64url without padding, unknown members ignored.

mod account;
mod device;
mod login_request;
mod problem;
mod session;

pub use account::{Account, AccountRef, ActivityBody, ActivityEntry, ActivityHead};
pub use device::{
    DeviceBody, DeviceKind, DeviceName, DevicesBody, EnrolBody, EnrolDevice, EnrolledBody, EnrolmentBody,
    RecoveryCodesBody, RecoveryStatusBody, ServerRef, WellKnown,
};
pub use login_request::{DecisionBody, FrameBody, RequestBody, ScanBody, ScannedBody, StartBody};
pub use problem::{ProblemBody, ProblemName, TYPE_PREFIX};
pub use session::{
    EndSessionBody, RedeemedBody, SessionBody, SessionDevice, SessionRow, SessionRowDevice, SessionsBody,
};

/// The protocol version that `GET /.well-known/countersign` lists.
pub const VERSION: u32 = 1;
/// Largest body in bytes; more is 413.
pub const BODY_LENGTH_MAX: usize = 16 * 1_024;
