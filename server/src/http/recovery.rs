//! Calls of an authenticator about the codes that replace it when it is lost.

use axum::extract::State;
use http::StatusCode;
use protocol::wire::{RecoveryCodesBody, RecoveryStatusBody};

use super::App;
use super::extract::{Authenticator, Client};
use super::json::Fresh;
use super::problem::Problem;

/// Says how many recovery codes of the account are left.
#[utoipa::path(
    get, path = "/api/recovery-codes", tag = "authenticator", security(("device" = [])),
    responses((status = 200, description = "How many are left", body = RecoveryStatusBody))
)]
pub(super) async fn recovery_codes(
    State(app): State<App>,
    Authenticator(holder): Authenticator,
) -> Result<Fresh<RecoveryStatusBody>, Problem> {
    Ok(Fresh(app.service().recovery_codes(&holder).await?))
}

/// Makes ten recovery codes; all before them are worth nothing from then on.
#[utoipa::path(
    post, path = "/api/recovery-codes", tag = "authenticator", security(("device" = [])),
    responses((status = 201, description = "The codes, this once", body = RecoveryCodesBody))
)]
pub(super) async fn make_recovery_codes(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
) -> Result<(StatusCode, Fresh<RecoveryCodesBody>), Problem> {
    Ok((StatusCode::CREATED, Fresh(app.service().make_recovery_codes(&holder, address).await?)))
}
