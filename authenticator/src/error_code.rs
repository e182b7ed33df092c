//! Every failure the person can meet, as a stable code with the data its sentence needs.
//!
//! The webview branches on the code and owns the sentences (in each language); the technical text for
//! "Copy details" travels beside it in [`Problem`]. Codes are part of the interface: they are added, never renamed.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A failure ready to be shown: which one, and what "Copy details" copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Problem {
    /// Which failure, with the data its sentence needs.
    pub error: ErrorCode,
    /// Technical text for a support request: the failed step and its causes, joined by `: `. English, never a secret,
    /// at most 2,000 characters.
    pub details: String,
}

impl Problem {
    /// A failure that its code tells completely.
    pub fn plain(error: ErrorCode) -> Self {
        let details = serde_json::to_string(&error).unwrap_or_default();
        Self { error, details }
    }

    /// A fault in this program.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self { error: ErrorCode::Internal, details: crate::server_client::details(error) }
    }
}

/// Which failure. Tagged by `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ErrorCode {
    // --- camera ---
    /// The system lists no camera.
    CameraNone,
    /// Another program holds the camera.
    CameraBusy,
    /// The system refuses this program the camera.
    CameraRefused,
    /// The camera went away while it was used.
    CameraUnplugged,
    /// The camera is open but sends no picture.
    CameraFrozen,
    /// The camera offers no picture format that can be read here.
    CameraUnsupported,
    /// Any other failure of the camera.
    CameraFailed,

    // --- screen and pictures ---
    /// The system or the person refused the screen picture.
    ScreenRefused,
    /// This system or session type gives no screen picture.
    ScreenUnsupported,
    /// Any other failure while taking the screen picture.
    ScreenFailed,
    /// The screen picture holds no QR code.
    ScreenNoCode,
    /// The file or the clipboard holds no picture that can be read.
    PictureUnreadable,
    /// The picture is larger than what is read.
    PictureTooLarge {
        /// The limit, in whole megabytes.
        limit_mb: u32,
    },
    /// The picture was read and holds no QR code.
    PictureNoCode,

    // --- network ---
    /// No connection: the name does not resolve, nothing listens, or this computer is offline.
    ServerUnreachable {
        /// Host and port as in the origin.
        host: String,
    },
    /// The server did not answer in time.
    ServerTimeout {
        /// Host and port as in the origin.
        host: String,
    },
    /// The certificate of the server is not trusted by this system.
    CertificateRefused {
        /// Host and port as in the origin.
        host: String,
    },
    /// The server's key is not the one that the enrolment link named.
    PinMismatch {
        /// Host and port as in the origin.
        host: String,
    },
    /// The server tried to send the app elsewhere; redirects are not followed.
    RedirectRefused {
        /// Host and port as in the origin.
        host: String,
    },
    /// What answered is no Countersign server, or its answer does not follow the protocol.
    NotCountersign {
        /// Host and port as in the origin.
        host: String,
    },
    /// Plain http is used on loopback only.
    NeedsHttps {
        /// Host and port as in the origin.
        host: String,
    },

    // --- server ---
    /// The server is there but cannot do its work at the moment (503 and other 5xx).
    ServerUnavailable {
        /// Host and port as in the origin.
        host: String,
    },
    /// Too many attempts (429).
    RateLimited {
        /// Seconds until the server accepts the next one.
        retry_after_s: u32,
    },
    /// The server calls itself by another origin than the one that was contacted; nothing was kept.
    OriginDiffers {
        /// What was contacted.
        contacted: String,
        /// What the server calls itself.
        claimed: String,
    },
    /// The server speaks only newer versions of the protocol: this app needs an update.
    AppTooOld {
        /// Host and port as in the origin.
        host: String,
    },
    /// The server speaks only older versions of the protocol: the server needs an update.
    ServerTooOld {
        /// Host and port as in the origin.
        host: String,
    },

    // --- enrolment ---
    /// What was given is no enrolment link.
    LinkUnreadable,
    /// What was given is no server address.
    AddressUnreadable,
    /// The enrolment link is unknown, used or older than ten minutes (404).
    LinkUsed,
    /// The server refuses name and password (wrong, unknown, disabled, or a password does not enrol this account).
    EnrolmentRefused,
    /// What was typed has not the form of a recovery code.
    RecoveryCodeMalformed,
    /// The server refuses name and recovery code (wrong, used, unknown or disabled).
    RecoveryRefused,
    /// The text file of recovery codes cannot be written.
    CodesUnwritable {
        /// The folder.
        path: String,
    },
    /// A field that must be filled is empty.
    FieldMissing {
        /// `address`, `username`, `password`, `name`, `code` or `recovery_code`.
        field: String,
    },

    // --- code ---
    /// The typed code has not eight letters of the code alphabet.
    UserCodeMalformed,
    /// The server does not know the code (404).
    CodeUnknown,
    /// The code is too old, or the page shows another one by now (410 `frame_expired`).
    CodeExpired,
    /// The login that the code belongs to has ended (410).
    CodeEnded,
    /// Somebody else scanned the code first (409).
    CodeAlreadyScanned,
    /// The server's network rule refuses this login, and has ended it (403 `network_refused`).
    NetworkRefused,

    // --- decision ---
    /// The number is not the one on that screen (422).
    WrongCheck {
        /// Tries left; at 0 the request is denied.
        tries_left: u8,
    },
    /// The number is not two digits from 10 to 99.
    CheckMalformed,
    /// What the server says about the login contradicts what was scanned; nothing was approved.
    ContextRefused,

    // --- PIN ---
    /// Another PIN is set.
    PinWrong {
        /// Tries before the next wait, at least one.
        tries_left: u32,
    },
    /// Too many wrong PINs: none is taken for a while.
    PinWait {
        /// Seconds until the next one is taken.
        wait_s: u32,
    },
    /// Far too many wrong PINs: none is taken any more.
    PinBlocked,
    /// Not six to thirty-two digits.
    PinForm,
    /// One digit all over, or digits in a row.
    PinSimple,
    /// A PIN is needed and none came, or the server asks for one (403 `user_verification_required`).
    PinAsked,

    // --- account ---
    /// The server knows this device or its token no longer: the account is signed out here.
    SignedOut,
    /// The server refuses the proof of this device's key.
    ProofRefused,
    /// The session, device or account is no longer there (404).
    NotThere,

    // --- keychain and files ---
    /// This system has no keychain service running.
    KeychainNone,
    /// The keychain is locked.
    KeychainLocked,
    /// The keychain refused (the person said no, or policy).
    KeychainRefused,
    /// The keychain did not answer in time.
    KeychainTimeout,
    /// The key of this account is not in the keychain any more.
    KeyMissing,
    /// The list of accounts cannot be read.
    AccountsUnreadable {
        /// Path of the file.
        path: String,
    },
    /// The list of accounts cannot be written.
    AccountsUnwritable {
        /// Path of the file.
        path: String,
    },

    /// A fault in this program.
    Internal,
}
