//! Puts the parts of one node together and runs them until the process is told to stop.
//!
//! 1. Keys and data are opened, the socket is bound: the port is known.
//! 2. The public origin is fixed, with it the certificate and everything that compares origins.
//! 3. Routes are stacked: security headers, then what is watched around a call, then handlers and pages.
//! 4. Beside the listener run housekeeping, the figures' own listener and the reload of certificates.

mod figures;
mod first_word;
mod health;
mod listener;
mod open_files;
mod short_lived;
mod signals;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use protocol::link::Pin;
use protocol::origin::Origin;
use tracing::{info, warn};
use url::Url;

use crate::clock::{self, Clock};
use crate::config::{self, Data, KeyError, Settings};
use crate::data::{self, Place};
use crate::drain::Drain;
use crate::entropy::{Entropy, OsEntropy};
use crate::metrics::Metrics;
use crate::oauth::back_channel_logout::{self, ANSWER_LIMIT};
use crate::observe::observe;
use crate::operator::{MadeLink, Operator, OperatorError, Profile};
use crate::published::{self, Published};
use crate::service::{Parts, Service};
use crate::store::StoreError;
use crate::store::redis::RedisAddress;
use crate::store::sqlite::SqliteStore;
use crate::telemetry::{Telemetry, TelemetryError};
use crate::tls::{self, TlsError};
use crate::{housekeeping, http, pages};

/// Clocks of nodes on the same data may differ so much without a word, in seconds.
const CLOCKS_DIFFER_S: i64 = 5;

/// A node that listens.
#[derive(Debug)]
pub struct Ready {
    /// What to open in a browser of this machine or network: the public origin where the node serves it itself, else the
    /// address that a proxy in front connects to.
    pub url: String,
    /// The public origin.
    pub origin: Origin,
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// Of a certificate of our own.
    pub pin: Option<Pin>,
    /// Accounts that were made at the start, by name.
    pub links: Vec<(String, MadeLink)>,
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No server secret, or no data folder.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The data cannot be used.
    #[error("could not open the data in {data}")]
    Store {
        /// Where it is.
        data: Place,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Redis cannot be used.
    #[error("could not use {address} (setting redis)")]
    Redis {
        /// The setting, without its password.
        address: RedisAddress,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("could not listen on {address} (setting {setting})")]
    Listen {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Spans cannot be sent.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// An account could not be made.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The listener broke while it ran.
    #[error("the listener failed")]
    Listener(#[source] io::Error),
}

/// Runs one node by `clock` until SIGINT or SIGTERM; `ready` is called once, when it answers. `users` are accounts to make
/// first, for data that no other process can reach.
///
/// # Errors
/// [`ServeError`] with the setting, file or address that cannot be used.
pub async fn run(
    settings: &Settings,
    users: &[String],
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(&Ready),
) -> Result<(), ServeError> {
    tls::install_provider();
    open_files::raise_limit();
    if let Data::Dir(dir) = &settings.data {
        config::data_folder(dir)?;
    }
    let keys = config::server_keys(settings)?;
    let bound = listener::bind(settings.listen).map_err(|source| ServeError::Listen {
        setting: "listen",
        address: settings.listen,
        source,
    })?;
    let address = bound.address();
    let origin = settings.origin.clone().unwrap_or_else(|| loopback_origin(settings, address));
    let tls = tls::load(settings, &origin).await?;
    let pin = tls.as_ref().and_then(tls::Tls::pin);
    let drain = Drain::new();
    let durable = data::open(settings, SqliteStore::CALL_WAIT)
        .await
        .map_err(|source| ServeError::Store { data: data::place(settings), source })?;
    // A database that can only be read opens as well.
    durable.ping().await.map_err(|source| ServeError::Store { data: data::place(settings), source })?;
    let behind_s = clock::go_on_from(&*durable, &*clock)
        .await
        .map_err(|source| ServeError::Store { data: data::place(settings), source })?;
    if behind_s > CLOCKS_DIFFER_S {
        warn!(
            behind_s,
            "The system's clock is behind the newest moment in the data. Time goes on from there until the clock has \
             caught up; set the clock"
        );
    }
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let short_lived = short_lived::open(settings, &keys, &origin, &*entropy).await?;
    let published = Published { origin: origin.clone(), pin };
    remember(settings, &published);
    let operator =
        Operator { store: Arc::clone(&durable), clock: Arc::clone(&clock), entropy: Arc::clone(&entropy) };
    let mut links = Vec::new();
    for name in users {
        let account = operator.add(name, None, None, Profile::default()).await?;
        links.push((name.clone(), operator.link(&account, &published, settings.enrolment.link_s).await?));
    }
    let parts = Parts {
        settings: Arc::new(settings.clone()),
        origin: origin.clone(),
        keys,
        durable,
        short_lived: Arc::clone(&short_lived),
        clock: Arc::clone(&clock),
        entropy,
        drain: drain.clone(),
        pin,
    };
    let service = Service::new(parts)
        .await
        .map_err(|source| ServeError::Store { data: data::place(settings), source })?;
    let service = Arc::new(service);
    let metrics = Arc::new(Metrics::default());
    let figures = figures::listen(settings)?;
    let telemetry = Telemetry::start(settings)?.map(Arc::new);

    let router = router(settings, &service, &metrics, telemetry.as_ref());
    let url = reachable_at(settings, &origin, address);
    // Before anybody is told that it answers: a signal that nobody hears ends the process.
    let hangup = signals::Hangup::listen();
    info!(%origin, %address, tls = tls.is_some(), data = %data::place(settings), "Listening");
    ready(&Ready { url, origin, address, pin, links });

    let limit = Duration::from_secs(settings.limits.drain_s.into());
    let leave = Duration::from_secs(settings.limits.leave_s.into());
    let left = async { tokio::time::sleep(leave).await };
    let sweep_s = settings.retention.sweep_s;
    let serving = bound.serve(router, tls.as_ref(), &drain, limit, signals::stop(), left);
    tokio::select! {
        served = serving => served.map_err(ServeError::Listener)?,
        never = housekeeping::run(&service, &*clock, sweep_s) => match never {},
        never = back_channel_logout::run(&service, &*clock, sweep_s, ANSWER_LIMIT) => match never {},
        never = figures::serve(figures, metrics, Arc::clone(&service)) => match never {},
        never = signals::reload_on_hangup(hangup, tls.as_ref(), settings, &service) => match never {},
    }
    short_lived.leave().await;
    if let Some(telemetry) = telemetry {
        telemetry.end().await;
    }
    info!("Stopped");
    Ok(())
}

/// The origin of a server that was told none: plain http, or https with a certificate of our own, on loopback.
pub fn loopback_origin(settings: &Settings, address: SocketAddr) -> Origin {
    let scheme = if settings.serves_tls() { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{address}")).expect("a socket address is a host and a port");
    Origin::of(&url).expect("the settings were checked: without an origin the address is loopback")
}

/// All routes, and what lies around them.
fn router(
    settings: &Settings,
    service: &Arc<Service>,
    metrics: &Arc<Metrics>,
    telemetry: Option<&Arc<Telemetry>>,
) -> Router {
    let routes = http::router(Arc::clone(service))
        .merge(health::router(Arc::clone(service)))
        .merge(pages::router(settings, service.origin(), Arc::clone(service)));
    let limit = Duration::from_secs(settings.limits.call_s.into());
    pages::secure(observe(routes, Arc::clone(metrics), telemetry.cloned(), limit), service.origin())
}

/// Where a browser near this machine opens it: the origin when this node serves it itself.
fn reachable_at(settings: &Settings, origin: &Origin, address: SocketAddr) -> String {
    if origin.is_loopback() || settings.serves_tls() {
        origin.to_string()
    } else {
        format!("http://{address}")
    }
}

/// Leaves origin and pin where `users add` finds them. The server runs without that as well.
fn remember(settings: &Settings, published: &Published) {
    let Data::Dir(dir) = &settings.data else { return };
    if let Err(cause) = published::write(dir, published) {
        warn!(%cause, "Could not note the origin in the data folder; name --origin for `users add`");
    }
}
