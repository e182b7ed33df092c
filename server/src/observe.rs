//! What happens around every call: a request id, one log line, a figure, a span where they are wanted, a time limit, and 500 instead of a crash.
//!
//! Lines and figures name the route (`/api/login-requests/{id}`), never the address that was asked for, because
//! addresses carry ids and codes.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use protocol::wire::ProblemName;
use tracing::{Instrument as _, error, info, info_span, warn};

use crate::entropy::{Entropy, OsEntropy};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::telemetry::{self, Telemetry};

/// Seconds after which a call that took too long is worth another try.
const BUSY_RETRY_S: u32 = 5;
/// Names the call in the answer and in every log line about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone)]
struct Observer {
    metrics: Arc<Metrics>,
    telemetry: Option<Arc<Telemetry>>,
    call_limit: Duration,
}

/// Wraps every route of `router`. A call that takes longer than `call_limit` is answered with 503; a WebSocket is over as a
/// call once it is open.
pub fn observe(
    router: Router,
    metrics: Arc<Metrics>,
    telemetry: Option<Arc<Telemetry>>,
    call_limit: Duration,
) -> Router {
    router.layer(from_fn_with_state(Observer { metrics, telemetry, call_limit }, around))
}

async fn around(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let id = request_id();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let span = info_span!("call", id = %id);
    let traced = observer.telemetry.as_ref().map(|telemetry| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        telemetry.begin(telemetry::method_name(&method), route, peer, request.headers())
    });
    let begun = now();
    let mut response = answer(&observer, next.run(request)).instrument(span.clone()).await;
    let took = now().duration_since(begun);

    let status = response.status();
    observer.metrics.call(&method, route, status, took);
    if let Some(traced) = traced {
        traced.end(status, &id);
    }
    let _entered = span.enter();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        warn!(%method, route, status = status.as_u16(), took_ms, "Call failed");
    } else {
        info!(%method, route, status = status.as_u16(), took_ms, "Call answered");
    }
    let id = HeaderValue::try_from(id).expect("hexadecimal digits are a header value");
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

async fn answer(observer: &Observer, call: impl Future<Output = Response>) -> Response {
    // The state behind a handler is shared through locks and a store, which judge for themselves whether they are whole.
    match tokio::time::timeout(observer.call_limit, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            // The panic hook has logged where it was.
            error!("A handler panicked");
            observer.metrics.panicked();
            Problem::new(ProblemName::Internal).into_response()
        }
        Err(_) => {
            error!(limit_s = observer.call_limit.as_secs(), "A call took too long");
            Problem { retry_after_s: Some(BUSY_RETRY_S), ..Problem::new(ProblemName::StoreUnavailable) }
                .into_response()
        }
    }
}

fn request_id() -> String {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

#[expect(clippy::disallowed_methods, reason = "measures how long a call took")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{StatusCode, header};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str) -> (Response, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let router = Router::new()
            .route("/fine/{id}", get(|| async { "fine" }))
            .route("/panics", get(async || -> &'static str { panic!("as this test wants") }))
            .route("/hangs", get(std::future::pending::<()>));
        let app = observe(router, Arc::clone(&metrics), None, Duration::from_millis(20));
        let request =
            Request::get(path).header("x-request-id", "chosen-outside").body(Body::empty()).unwrap();
        (app.oneshot(request).await.unwrap(), metrics)
    }

    #[tokio::test]
    async fn every_answer_has_an_id_of_ours() {
        let (response, _) = ask("/fine/1").await;
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert!(id.len() == 16 && id != "chosen-outside", "{id}");
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_counted() {
        let (response, metrics) = ask("/panics").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = to_bytes(response.into_body(), 1_024).await.unwrap();
        assert!(std::str::from_utf8(&body).unwrap().contains("urn:countersign:problem:internal"));
        assert!(metrics.render(&[]).contains("countersign_panics_total 1"));
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_ended() {
        let (response, _) = ask("/hangs").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn figures_name_the_route_and_not_the_address() {
        let (_, metrics) = ask("/fine/secret-looking-id").await;
        let text = metrics.render(&[]);
        assert!(text.contains("route=\"/fine/{id}\"") && !text.contains("secret-looking-id"), "{text}");
    }
}
