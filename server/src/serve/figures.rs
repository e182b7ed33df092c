//! The listener of `/metrics`, apart from the public one.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::net::TcpListener;
use tracing::{error, info};

use super::ServeError;
use super::listener::bind;
use crate::config::Settings;
use crate::metrics::{Gauge, Metrics};
use crate::service::Service;

/// Binds the listener, when the settings name one.
pub(super) fn listen(settings: &Settings) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = settings.metrics.listen else { return Ok(None) };
    let refused = |source| ServeError::Listen { setting: "metrics.listen", address, source };
    let bound = bind(address).map_err(refused)?;
    info!(address = %bound.address(), "Figures are at /metrics");
    bound.into_tokio().map(Some).map_err(refused)
}

/// Answers with all figures; waits for ever when nothing listens.
pub(super) async fn serve(
    listener: Option<TcpListener>,
    metrics: Arc<Metrics>,
    service: Arc<Service>,
) -> Infallible {
    if let Some(listener) = listener {
        let render = move || {
            let sockets = u64::try_from(service.drain().open()).unwrap_or(u64::MAX);
            let mut gauges =
                vec![Gauge { name: "sockets_open", help: "Pages that wait on a WebSocket.", value: sockets }];
            let connections = service.connections().into_iter();
            let help = "Connections of this node to the store of this name.";
            gauges.extend(connections.map(|(name, value)| Gauge { name, help, value }));
            let text = metrics.render(&gauges);
            async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
        };
        let router = Router::new().route("/metrics", get(render));
        if let Err(cause) = axum::serve(listener, router).await {
            error!(%cause, "The listener for figures failed; the server goes on without");
        }
    }
    pending().await
}
