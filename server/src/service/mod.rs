//! What the server does, one function per call. Decides with the pure code of crate `protocol`, performs on the stores.
//!
//! One login, start to end:
//!
//! 1. [`Service::start`] makes a request for a page that proved its key ([`Service::judge_proof`]).
//! 2. [`Service::state`] and [`Watch`] show it: a frame every 15 s, then the number.
//! 3. [`Service::scan`] locks it to a device and account.
//! 4. [`Service::decide`] records what the person decided: durable store first, short-lived record after it.
//! 5. [`Service::redeem`] makes the session, in the same order.
//! 6. [`Service::session`] and [`Service::refresh`] serve it from then on.
//!
//! A crash between the two stores leaves a record behind; whoever reads it next finishes it (`settle`).

mod account;
mod decide;
mod devices;
mod enrol;
mod failure;
mod housekeeping;
mod limits;
mod modules;
mod network;
mod nonces;
mod page;
mod password;
mod picture;
mod proofs;
mod recovery;
mod redeem;
pub(crate) mod return_to;
mod scan;
mod session;
mod settle;
mod start;
pub(crate) mod user_agent;
mod username;
mod watch;

use std::fmt;
use std::sync::Arc;

use protocol::link::Pin;
use protocol::origin::Origin;
use protocol::request::Lives;
use protocol::time::Timestamp;
use protocol::wire::WellKnown;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::Settings;
use crate::drain::Drain;
use crate::entropy::Entropy;
use crate::oauth::back_channel_logout::Bell;
use crate::oauth::signing::Signing;
use crate::server_keys::ServerKeys;
use crate::store::{Durable, SessionLives, ShortLived, StoreError};

pub use failure::Failure;
pub use network::{ClientAddress, NOWHERE, Neighbourhood};
pub use password::{Unhashable, hash as hash_password};
pub use proofs::ProofCall;
pub use redeem::SignedIn;
pub use session::{SessionCookies, Visit};
pub(crate) use settle::{NEVER_AT_REST, TURNS_MAX, Written};
pub use start::Started;
pub use username::{USERNAME_LENGTH_MAX, username};
pub use watch::{Closing, Next, Watch};

/// What a service is made of.
pub struct Parts {
    /// All settings, checked.
    pub settings: Arc<Settings>,
    /// The one public origin.
    pub origin: Origin,
    /// The server keys: frames, nonces and session tokens follow from them.
    pub keys: ServerKeys,
    /// What outlives the process.
    pub durable: Arc<dyn Durable>,
    /// What lives for minutes.
    pub short_lived: Arc<dyn ShortLived>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Ends the waiting sockets when the node ends.
    pub drain: Drain,
    /// Pin of a self-signed certificate: goes into enrolment links.
    pub pin: Option<Pin>,
}

/// The server without its HTTP face. Shared by all calls of a node; keeps nothing of its own but open sockets.
pub struct Service {
    pub(crate) settings: Arc<Settings>,
    origin: Origin,
    site_name: String,
    nonces: nonces::Nonces,
    pub(crate) durable: Arc<dyn Durable>,
    pub(crate) short_lived: Arc<dyn ShortLived>,
    clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) signing: Signing,
    drain: Drain,
    pin: Option<Pin>,
    pub(crate) lives: Lives,
    pub(crate) session_lives: SessionLives,
    pictures: picture::Pictures,
    passwords: password::Verifier,
    sockets: watch::Sockets,
    /// One typed code at a time, so that no burst of guesses passes its limit together; of several nodes each lets one
    /// guess more through at most.
    typed_codes: Mutex<()>,
    /// Whose sessions ended, for the sites that want to hear of it.
    pub(crate) bell: Bell,
}

impl Service {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`StoreError`] when the short-lived store does not say which one it is.
    pub async fn new(parts: Parts) -> Result<Self, StoreError> {
        let store = parts.short_lived.store_id().await?;
        Ok(Self {
            lives: parts.settings.lives(),
            session_lives: parts.settings.session_lives(),
            nonces: nonces::Nonces::new(parts.keys, store),
            site_name: parts.settings.site_name(&parts.origin).to_owned(),
            settings: parts.settings,
            origin: parts.origin,
            durable: parts.durable,
            short_lived: parts.short_lived,
            clock: parts.clock,
            entropy: parts.entropy,
            signing: Signing::default(),
            drain: parts.drain,
            pin: parts.pin,
            pictures: picture::Pictures::default(),
            passwords: password::Verifier::new(),
            sockets: watch::Sockets::default(),
            typed_codes: Mutex::new(()),
            bell: Bell::default(),
        })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The public origin.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The end of this node's life.
    pub const fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Server time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `GET /.well-known/countersign`.
    pub fn well_known(&self) -> WellKnown {
        WellKnown {
            name: self.site_name.clone(),
            origin: self.origin.to_string(),
            versions: vec![protocol::wire::VERSION],
        }
    }

    /// Whether this node can serve calls: both stores answer and it is not about to end.
    ///
    /// # Errors
    /// [`Failure::Store`] of the store that does not answer.
    pub async fn is_ready(&self) -> Result<bool, Failure> {
        self.durable.ping().await?;
        self.short_lived.ping().await?;
        Ok(!self.drain.is_leaving())
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.origin)
    }
}
