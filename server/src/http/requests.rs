//! Calls of the page about its login request.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use protocol::id::RequestId;
use protocol::wire::{ProblemBody, RedeemedBody, RequestBody, StartBody};
use serde::Deserialize;

use super::App;
use super::extract::{Client, Id, NotForeign, Proven, SameOrigin};
use super::json::{Body, Fresh};
use super::problem::Problem;

/// A body whose members say nothing.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// Starts a login request.
///
/// Needs a proof of the page's key; sets the page's cookie.
#[utoipa::path(
    post, path = "/api/login-requests", tag = "page", request_body = StartBody,
    params(("DPoP" = String, Header, description = "Proof (RFC 9449) with the server's nonce")),
    responses(
        (status = 201, description = "The request, with its first frame", body = RequestBody),
        (status = "4XX", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn start(
    State(app): State<App>,
    _: NotForeign,
    Client(address): Client,
    Proven(key): Proven,
    headers: HeaderMap,
    Body(body): Body<StartBody>,
) -> Result<Response, Problem> {
    let text = |name| headers.get(&name).and_then(|value| value.to_str().ok());
    let started = app.service().start(&key, &body, text(USER_AGENT), text(ACCEPT_LANGUAGE), address).await?;
    let id = started.body.id;
    let mut response = (StatusCode::CREATED, Fresh(started.body)).into_response();
    app.cookies().set_page_secret(response.headers_mut(), id, &started.secret, started.cookie_s);
    Ok(response)
}

/// Tells the page how its request stands: the fallback where WebSockets do not work.
#[utoipa::path(
    get, path = "/api/login-requests/{id}", tag = "page",
    params(("id" = RequestId, Path, description = "The request")),
    responses(
        (status = 200, description = "The request", body = RequestBody),
        (status = 404, description = "Not this page's, or not there", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn state(
    State(app): State<App>,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
) -> Result<Fresh<RequestBody>, Problem> {
    let secret = app.cookies().page_secret(&headers, id);
    Ok(Fresh(app.service().state(id, secret.as_ref()).await?))
}

/// Turns the request to a code that is typed. Frames shown before are dead.
#[utoipa::path(
    post, path = "/api/login-requests/{id}/user-code", tag = "page",
    params(("id" = RequestId, Path, description = "The request")),
    responses(
        (status = 200, description = "The request with its code; the same on a repeat", body = RequestBody),
        (status = "4XX", description = "A problem; 409 once scanned", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show_user_code(
    State(app): State<App>,
    _: SameOrigin,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Fresh<RequestBody>, Problem> {
    let secret = app.cookies().page_secret(&headers, id);
    Ok(Fresh(app.service().show_user_code(id, secret.as_ref()).await?))
}

/// Redeems an approved request for a session. Again by the same page gives the same session.
///
/// Needs the page's cookie and a proof of its key.
#[utoipa::path(
    post, path = "/api/login-requests/{id}/session", tag = "page",
    params(
        ("id" = RequestId, Path, description = "The request"),
        ("DPoP" = String, Header, description = "Proof (RFC 9449) with the server's nonce"),
    ),
    responses(
        (status = 201, description = "Signed in; sets the session's cookies", body = RedeemedBody),
        (status = "4XX", description = "A problem; 409 before the approval, 410 after its end", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn redeem(
    State(app): State<App>,
    _: SameOrigin,
    Client(address): Client,
    Proven(key): Proven,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let secret = app.cookies().page_secret(&headers, id);
    let signed_in = app.service().redeem(id, secret.as_ref(), &key, address).await?;
    let mut response = (StatusCode::CREATED, Fresh(signed_in.body)).into_response();
    app.cookies().set_session(
        response.headers_mut(),
        (signed_in.session, signed_in.session_s),
        (&signed_in.token, app.token_life_s()),
    );
    Ok(response)
}

/// Calls the request off.
#[utoipa::path(
    delete, path = "/api/login-requests/{id}", tag = "page",
    params(("id" = RequestId, Path, description = "The request")),
    responses(
        (status = 204, description = "Cancelled"),
        (status = "4XX", description = "A problem; 410 when it ended otherwise", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn cancel(
    State(app): State<App>,
    _: SameOrigin,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let secret = app.cookies().page_secret(&headers, id);
    app.service().cancel(id, secret.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
