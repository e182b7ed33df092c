//! What the controller needs from outside: time, randomness, secrets and the system's notifications.

use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

/// Time. Waiting is tokio's; this is for reading.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock in whole Unix seconds; may jump. Written into statements and proofs, never judged.
    fn unix_s(&self) -> i64;
    /// Time since some fixed moment of this run; never steps back.
    fn elapsed(&self) -> Duration;
}

/// Randomness for names that nobody may guess (proof ids, account names of this computer). Keys and signatures take
/// ring's own generator.
pub trait Random: Send + Sync + 'static {
    /// Sixteen bytes from the operating system's generator.
    fn bytes(&self) -> [u8; 16];
}

/// The OS keychain: small secrets by name. Blocking: every call comes from one thread of its own, one at a time.
pub trait Vault: Send + 'static {
    /// The secret under `name`; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError`]. A store that cannot be used must not answer `None`: that would look like "signed out".
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Keeps `secret` (at most 2,000 bytes) under `name`, replacing what was there.
    ///
    /// # Errors
    /// [`VaultError`].
    fn put(&mut self, name: &str, secret: &[u8]) -> Result<(), VaultError>;
    /// Removes `name`; fine when there is nothing.
    ///
    /// # Errors
    /// [`VaultError`].
    fn delete(&mut self, name: &str) -> Result<(), VaultError>;
}

/// Why the keychain did not do it. The text is technical, for "Copy details", and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// No keychain service runs here.
    #[error("no keychain: {0}")]
    NoStore(String),
    /// It is locked.
    #[error("keychain locked: {0}")]
    Locked(String),
    /// It, or the person, refused.
    #[error("keychain refused: {0}")]
    Refused(String),
    /// Any other failure.
    #[error("keychain failed: {0}")]
    Failed(String),
    /// It did not answer in time (the thread in front of it says so, an implementation does not).
    #[error("keychain did not answer in time")]
    TimedOut,
}

/// The system's notifications. The implementation has the sentences.
pub trait Notifier: Send + Sync + 'static {
    /// Shows one; failures are the implementation's to log.
    fn notify(&self, notification: Notification);
}

/// What the person is told while the window is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// A browser signed in.
    NewSignIn {
        /// Host and port of the server.
        host: String,
        /// A sentence of the server about it, cleaned.
        summary: String,
    },
    /// More happened at once than anybody wants to be told one by one.
    ManyNew {
        /// Host and port of the server.
        host: String,
        /// Sign-ins and added devices.
        count: usize,
    },
    /// A device was added to the account.
    DeviceAdded {
        /// Host and port of the server.
        host: String,
        /// A sentence of the server about it, cleaned.
        summary: String,
    },
    /// Recovery codes were made on another device.
    RecoveryCodesMade {
        /// Host and port of the server.
        host: String,
        /// A sentence of the server about it, cleaned.
        summary: String,
    },
    /// The server's log does not extend what was seen before.
    ActivityRewritten {
        /// Host and port of the server.
        host: String,
    },
}

/// Time and randomness of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct System {
    started: std::time::Instant,
}

impl System {
    /// Starts counting [`Clock::elapsed`].
    #[expect(clippy::disallowed_methods, reason = "the adapter that reads the clock")]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "the adapter that reads the clock")]
    fn unix_s(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Random for System {
    #[expect(clippy::disallowed_methods, reason = "the adapter that makes random bytes")]
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("an operating system without randomness runs no program");
        bytes
    }
}
