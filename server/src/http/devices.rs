//! Calls about trusted devices and how another one becomes one.

use axum::extract::State;
use http::StatusCode;
use protocol::id::DeviceId;
use protocol::wire::{DeviceName, DevicesBody, EnrolBody, EnrolledBody, EnrolmentBody, ProblemBody};

use super::App;
use super::extract::{Authenticator, Client, Id, Proven};
use super::json::{Body, Fresh};
use super::problem::Problem;

/// Enrols a device by link code, by name and password, or by name and recovery code. Again with the same key gives the same device.
///
/// Needs a proof of the device's key; no token.
#[utoipa::path(
    post, path = "/api/devices", tag = "authenticator", request_body = EnrolBody,
    params(("DPoP" = String, Header, description = "Proof (RFC 9449) with the server's nonce")),
    responses(
        (status = 201, description = "The device and its token", body = EnrolledBody),
        (status = "4XX", description = "A problem; 404 for a link, 401 enrolment_refused for a password or recovery code", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn enrol(
    State(app): State<App>,
    Client(address): Client,
    Proven(key): Proven,
    Body(body): Body<EnrolBody>,
) -> Result<(StatusCode, Fresh<EnrolledBody>), Problem> {
    let enrolled = app.service().enrol(key, body, address).await?;
    Ok((StatusCode::CREATED, Fresh(enrolled)))
}

/// Lists the account's trusted devices, oldest first.
#[utoipa::path(
    get, path = "/api/devices", tag = "authenticator", security(("device" = [])),
    responses((status = 200, description = "The devices", body = DevicesBody))
)]
pub(super) async fn devices(
    State(app): State<App>,
    Authenticator(holder): Authenticator,
) -> Result<Fresh<DevicesBody>, Problem> {
    Ok(Fresh(app.service().devices(&holder).await?))
}

/// Renames a trusted device of the account.
#[utoipa::path(
    patch, path = "/api/devices/{id}", tag = "authenticator", security(("device" = [])), request_body = DeviceName,
    params(("id" = DeviceId, Path, description = "The device")),
    responses(
        (status = 204, description = "Renamed"),
        (status = "4XX", description = "A problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn rename_device(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
    Id(device): Id<DeviceId>,
    Body(body): Body<DeviceName>,
) -> Result<StatusCode, Problem> {
    app.service().rename_device(&holder, device, &body.name, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a trusted device. Removing the own one is signing the authenticator out.
#[utoipa::path(
    delete, path = "/api/devices/{id}", tag = "authenticator", security(("device" = [])),
    params(("id" = DeviceId, Path, description = "The device")),
    responses(
        (status = 204, description = "Removed, with its linked sessions"),
        (status = 404, description = "Not the account's", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn revoke_device(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
    Id(device): Id<DeviceId>,
) -> Result<StatusCode, Problem> {
    app.service().revoke_device(&holder, device, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an enrolment link for another device of the same account.
#[utoipa::path(
    post, path = "/api/enrolments", tag = "authenticator", security(("device" = [])),
    responses((status = 201, description = "The link", body = EnrolmentBody))
)]
pub(super) async fn create_enrolment(
    State(app): State<App>,
    Client(address): Client,
    Authenticator(holder): Authenticator,
) -> Result<(StatusCode, Fresh<EnrolmentBody>), Problem> {
    let made = app.service().create_enrolment(&holder, address).await?;
    Ok((StatusCode::CREATED, Fresh(made)))
}
