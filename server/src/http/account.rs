//! Calls of an authenticator about its account: sessions and activity.

use axum::extract::State;
use http::{StatusCode, Uri};
use protocol::id::SessionId;
use protocol::wire::{ActivityBody, ProblemBody, SessionsBody};

use super::App;
use super::extract::{Authenticator, Client, Id, number_in_query};
use super::json::Fresh;
use super::problem::Problem;

/// Lists where the account is signed in, newest first.
#[utoipa::path(
    get, path = "/api/sessions", tag = "authenticator", security(("device" = [])),
    responses((status = 200, description = "The sessions", body = SessionsBody))
)]
pub(super) async fn sessions(
    State(app): State<App>,
    Authenticator(holder): Authenticator,
) -> Result<Fresh<SessionsBody>, Problem> {
    Ok(Fresh(app.service().sessions(&holder).await?))
}

/// Ends one session.
#[utoipa::path(
    delete, path = "/api/sessions/{id}", tag = "authenticator", security(("device" = [])),
    params(("id" = SessionId, Path, description = "The session")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "Not the account's, or over", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn end_session(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
    Id(session): Id<SessionId>,
) -> Result<StatusCode, Problem> {
    app.service().end_one_session(&holder, session, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions, and cancels what the account has scanned or approved.
#[utoipa::path(
    delete, path = "/api/sessions", tag = "authenticator", security(("device" = [])),
    responses((status = 204, description = "Ended"))
)]
pub(super) async fn end_sessions(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
) -> Result<StatusCode, Problem> {
    app.service().end_all_sessions(&holder, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what happened, contiguous from `after`, oldest first.
#[utoipa::path(
    get, path = "/api/activity", tag = "authenticator", security(("device" = [])),
    params(("after" = Option<i64>, Query, description = "Place of the last entry that is known; 0 for none")),
    responses((status = 200, description = "A page of entries", body = ActivityBody))
)]
pub(super) async fn activity(
    State(app): State<App>,
    Authenticator(holder): Authenticator,
    uri: Uri,
) -> Result<Fresh<ActivityBody>, Problem> {
    let after = number_in_query(uri.query(), "after")?;
    Ok(Fresh(app.service().activity(&holder, after).await?))
}
