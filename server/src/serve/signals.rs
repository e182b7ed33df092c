//! What the system tells the process.

use std::convert::Infallible;

use tracing::{error, info};

use crate::causes;
use crate::config::{self, Data, Settings};
use crate::service::Service;
use crate::tls::Tls;

/// Ready when the process should end: SIGINT (Ctrl-C) or SIGTERM.
pub(super) async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
            }
            Err(cause) => {
                error!(%cause, "SIGTERM will end the process at once, because it cannot be heard");
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        if let Err(cause) = tokio::signal::ctrl_c().await {
            error!(%cause, "Ctrl-C will end the process at once, because it cannot be heard");
            std::future::pending::<()>().await;
        }
    }
}

/// Hears SIGHUP from the moment that it is made.
pub(super) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    pub(super) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
                .inspect_err(|cause| error!(%cause, "SIGHUP cannot be heard"))
                .ok(),
        }
    }
}

/// Reads the certificate files and the server keys again at each SIGHUP.
pub(super) async fn reload_on_hangup(
    hangup: Hangup,
    tls: Option<&Tls>,
    settings: &Settings,
    service: &Service,
) -> Infallible {
    #[cfg(unix)]
    if let Some(mut hangup) = hangup.signal {
        while hangup.recv().await.is_some() {
            reload_keys(settings, service).await;
            let Some(tls) = tls else { continue };
            match tls.reload().await {
                Ok(()) => info!("Read the certificate again"),
                Err(problem) => error!(cause = ?problem, "{problem}; the certificate in use stays"),
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (hangup, tls, settings, service);
    std::future::pending().await
}

/// Takes the keys that are in the data folder; those of a setting stay until the next start.
#[cfg(unix)]
async fn reload_keys(settings: &Settings, service: &Service) {
    let (None, Data::Dir(dir)) = (&settings.server_key, &settings.data) else { return };
    let keys = match config::keys_in(dir) {
        Ok(keys) => keys,
        Err(problem) => {
            error!(error = causes::told(&problem), "The server key cannot be read; the one in use stays");
            return;
        }
    };
    let names = keys.names().collect::<Vec<_>>().join(" ");
    match service.rekey(keys).await {
        Ok(()) => info!(keys = names, "Read the server key again; the first is used, all are accepted"),
        Err(problem) => {
            error!(
                keys = names,
                error = causes::told(&problem),
                "The server key in the data folder cannot be used; the one in use stays"
            );
        }
    }
}
