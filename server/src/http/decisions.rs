//! Calls of an authenticator about a login: the scan and the decision.

use axum::extract::State;
use http::StatusCode;
use protocol::wire::{DecisionBody, ProblemBody, ScanBody, ScannedBody};

use super::App;
use super::extract::{Authenticator, Client};
use super::json::{Body, Fresh};
use super::problem::Problem;

/// Locks a login request to this device. Again by the same device gives the same.
#[utoipa::path(
    post, path = "/api/scans", tag = "authenticator", security(("device" = [])), request_body = ScanBody,
    responses(
        (status = 201, description = "The ticket and what the person decides about", body = ScannedBody),
        (status = "4XX", description = "A problem; 404 for a code of nobody, 409 and 410 for one that was seen", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn scan(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
    Body(body): Body<ScanBody>,
) -> Result<(StatusCode, Fresh<ScannedBody>), Problem> {
    let scanned = app.service().scan(&holder, &body, address).await?;
    Ok((StatusCode::CREATED, Fresh(scanned)))
}

/// Records a signed decision. Whoever holds the statement may send it; again is harmless.
#[utoipa::path(
    post, path = "/api/decisions", tag = "authenticator", request_body = DecisionBody,
    responses(
        (status = 204, description = "Recorded"),
        (status = 404, description = "A statement that does not verify, or about nothing", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "wrong_check, with tries_left", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", description = "A problem; 409 decided otherwise, 410 over", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn decide(
    State(app): State<App>,
    Client(address): Client,
    Body(body): Body<DecisionBody>,
) -> Result<StatusCode, Problem> {
    app.service().decide(&body.statement, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
