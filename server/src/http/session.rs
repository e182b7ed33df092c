//! Calls of the page about its browser session.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, StatusCode};
use protocol::wire::{EndSessionBody, ProblemBody, SessionBody};

use super::App;
use super::extract::{Client, MaybeProven, Proven, SameOrigin};
use super::json::{Body, Fresh};
use super::problem::Problem;
use crate::service::{Failure, SessionCookies};

/// Says who is signed in. Cookies of a session that is over are dropped with the answer, so that they are shown once.
#[utoipa::path(
    get, path = "/api/session", tag = "page",
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 401, description = "stale_session: renew it; invalid_token: there is none", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn session(State(app): State<App>, Client(address): Client, headers: HeaderMap) -> Response {
    let cookies = app.cookies().session(&headers);
    match app.service().session(&cookies, address).await {
        Ok(session) => Fresh(session).into_response(),
        Err(failure) => refused(&app, &cookies, failure),
    }
}

/// Gives the session a new token, to whoever proves the key that is bound to it.
#[utoipa::path(
    post, path = "/api/session/refresh", tag = "page",
    params(("DPoP" = String, Header, description = "Proof (RFC 9449) with the server's nonce")),
    responses(
        (status = 204, description = "Sets both cookies"),
        (status = 401, description = "invalid_proof: another key; invalid_token: no live session", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn refresh(
    State(app): State<App>,
    _: SameOrigin,
    Client(address): Client,
    Proven(key): Proven,
    headers: HeaderMap,
) -> Response {
    let cookies = app.cookies().session(&headers);
    let visit = match app.service().refresh(cookies.id, &key, address).await {
        Ok(visit) => visit,
        Err(failure) => return refused(&app, &cookies, failure),
    };
    let mut response = done();
    app.cookies().set_session(
        response.headers_mut(),
        (visit.session, visit.session_s),
        (&visit.token, app.token_life_s()),
    );
    response
}

/// Signs out, or says "Not me". Both cookies are dropped whatever the answer, so that a page without its key can let go
/// of them. A proof of the bound key stands in for a token that is too old.
#[utoipa::path(
    delete, path = "/api/session", tag = "page", request_body = EndSessionBody,
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "stale_session or invalid_token: nothing ended", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn end_session(
    State(app): State<App>,
    _: SameOrigin,
    Client(address): Client,
    MaybeProven(proven): MaybeProven,
    headers: HeaderMap,
    Body(body): Body<EndSessionBody>,
) -> Response {
    let cookies = app.cookies().session(&headers);
    let ended = app.service().end_session(&cookies, proven.as_ref(), body.report, address).await;
    let drops = !matches!(ended, Err(Failure::Store(_) | Failure::TooMany { .. }));
    let mut response = match ended {
        Ok(()) => done(),
        Err(failure) => Problem::from(failure).into_response(),
    };
    if drops {
        app.cookies().drop_session(response.headers_mut());
    }
    response
}

/// The answer to a call of a session that failed.
fn refused(app: &App, cookies: &SessionCookies, failure: Failure) -> Response {
    let is_over =
        matches!(failure, Failure::InvalidToken) && (cookies.id.is_some() || cookies.token.is_some());
    let mut response = Problem::from(failure).into_response();
    if is_over {
        app.cookies().drop_session(response.headers_mut());
    }
    response
}

fn done() -> Response {
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (StatusCode::NO_CONTENT, [no_store]).into_response()
}
