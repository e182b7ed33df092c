//! Whether this node lives and can take calls, for whoever starts nodes and spreads calls over them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use protocol::wire::ProblemName;
use serde_json::json;

use crate::problem::Problem;
use crate::service::Service;

/// Seconds after which a node that is not ready is worth another look.
const RETRY_S: u32 = 2;

/// `GET /health/live` and `GET /health/ready`.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(service)
}

/// The process answers.
async fn live() -> Response {
    answer("live")
}

/// The process reaches its stores and is not about to end.
async fn ready(State(service): State<Arc<Service>>) -> Response {
    match service.is_ready().await {
        Ok(true) => answer("ready"),
        // Draining and a store out of reach look the same from outside: send calls elsewhere.
        Ok(false) | Err(_) => {
            Problem { retry_after_s: Some(RETRY_S), ..Problem::new(ProblemName::StoreUnavailable) }
                .into_response()
        }
    }
}

fn answer(status: &str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "status": status }))).into_response()
}
