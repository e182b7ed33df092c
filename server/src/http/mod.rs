//! The HTTP face of the service: a handler extracts, calls one service function and maps the result.
//!
//! 1. The head of a call is judged first: client address, `Origin`, proof, token, cookies (`extract`).
//! 2. Then the body is read, of bounded size (`json`).
//! 3. Every failure becomes a problem in one place (`problem`).

mod account;
mod address;
mod cookies;
mod decisions;
mod desk;
mod devices;
mod document;
mod events;
mod extract;
mod forward_auth;
mod json;
mod oauth;
mod problem;
mod recovery;
mod requests;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get};
use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderValue, StatusCode};
use protocol::wire::{ProblemName, WellKnown};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::kill_point::kill_point;
use crate::pages::FrontPages;
use crate::service::Service;
use address::ProxyRule;
use cookies::CookieNames;
use json::Fresh;
use problem::Problem;

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What handlers share.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    service: Arc<Service>,
    cookies: CookieNames,
    proxies: ProxyRule,
    pages: FrontPages,
    openapi: String,
}

/// All calls of docs/protocol.md, "HTTP interface", but pages, health and metrics. Has no fallback, so that it can be
/// merged with the pages. Serve it with connect info of [`std::net::SocketAddr`].
pub fn router(service: Arc<Service>) -> Router {
    let (routes, api) = calls().split_for_parts();
    let app = App(Arc::new(Shared {
        cookies: CookieNames::of(service.origin()),
        proxies: ProxyRule::new(&service.settings().proxies, service.origin()),
        openapi: document::of(api),
        pages: FrontPages::new(service.settings(), service.origin()),
        service,
    }));
    routes
        .merge(oauth::machine_calls())
        .merge(oauth::navigations())
        .merge(forward_auth::routes())
        .route("/openapi.json", get(openapi_json))
        .route("/api/{*rest}", any(missing))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), with_nonce))
        .with_state(app)
}

/// The OpenAPI document of [`router`], as JSON text.
pub fn openapi() -> String {
    document::of(calls().split_for_parts().1)
}

fn calls() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(well_known))
        .routes(routes!(requests::start))
        .routes(routes!(requests::state, requests::cancel))
        .routes(routes!(events::events))
        .routes(routes!(requests::show_user_code))
        .routes(routes!(requests::redeem))
        .routes(routes!(session::session, session::end_session))
        .routes(routes!(session::refresh))
        .routes(routes!(devices::enrol, devices::devices))
        .routes(routes!(devices::rename_device, devices::revoke_device))
        .routes(routes!(devices::create_enrolment))
        .routes(routes!(recovery::recovery_codes, recovery::make_recovery_codes))
        .routes(routes!(decisions::scan))
        .routes(routes!(decisions::decide))
        .routes(routes!(account::sessions, account::end_sessions))
        .routes(routes!(account::end_session))
        .routes(routes!(account::activity))
}

/// Says what this server is called and which protocol it speaks; brings a nonce.
#[utoipa::path(
    get, path = "/.well-known/countersign", tag = "anyone",
    responses((status = 200, description = "The server", body = WellKnown))
)]
async fn well_known(
    State(app): State<App>,
) -> Result<([(HeaderName, String); 1], Fresh<WellKnown>), Problem> {
    Ok(([(DPOP_NONCE, app.service().nonce().await?)], Fresh(app.service().well_known())))
}

async fn openapi_json(State(app): State<App>) -> ([(HeaderName, HeaderValue); 1], String) {
    let json = HeaderValue::from_static("application/json");
    ([(http::header::CONTENT_TYPE, json)], app.0.openapi.clone())
}

async fn missing() -> Problem {
    Problem::new(ProblemName::NotFound)
}

async fn wrong_method() -> Problem {
    Problem::new(ProblemName::MethodNotAllowed)
}

/// Adds a nonce to every answer to a proof, and to every refusal that one could mend.
async fn with_nonce(State(app): State<App>, request: Request, next: Next) -> Response {
    let proven = request.headers().contains_key("dpop");
    #[cfg(feature = "test-control")]
    let call = named(&request);
    let mut response = next.run(request).await;
    kill_point!("before reply", &call);
    // Without its store the node has no nonce that it would take.
    if (proven || response.status() == StatusCode::UNAUTHORIZED)
        && let Ok(nonce) = app.service().nonce().await
    {
        let nonce = HeaderValue::try_from(nonce).expect("a nonce is base64url");
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Method and path of a call, as the place before its reply is named.
#[cfg(feature = "test-control")]
fn named(request: &Request) -> String {
    let path = request.extensions().get::<axum::extract::MatchedPath>();
    format!("{} {}", request.method(), path.map_or_else(|| request.uri().path(), |path| path.as_str()))
}

impl App {
    fn service(&self) -> &Arc<Service> {
        &self.0.service
    }

    fn cookies(&self) -> &CookieNames {
        &self.0.cookies
    }

    fn proxies(&self) -> &ProxyRule {
        &self.0.proxies
    }

    fn pages(&self) -> &FrontPages {
        &self.0.pages
    }

    fn body_length_max(&self) -> usize {
        usize::try_from(self.service().settings().limits.body_bytes).unwrap_or(usize::MAX)
    }

    fn token_life_s(&self) -> u32 {
        self.service().settings().session.token_s
    }
}
