//! What the system tells the process.

use std::convert::Infallible;

use tracing::{error, info};

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

/// Reads the certificate files again at each SIGHUP.
pub(super) async fn reload_on_hangup(tls: Option<&Tls>) -> Infallible {
    #[cfg(unix)]
    if let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        while hangup.recv().await.is_some() {
            let Some(tls) = tls else { continue };
            match tls.reload().await {
                Ok(()) => info!("Read the certificate again"),
                Err(problem) => error!(cause = ?problem, "{problem}; the certificate in use stays"),
            }
        }
    }
    #[cfg(not(unix))]
    let _ = tls;
    std::future::pending().await
}
