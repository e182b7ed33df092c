//! The pushed authorization request endpoint (RFC 9126 §2).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::form::RawForm;
use super::head::{BoundKey, credentials_of};
use super::token::secret;
use crate::http::App;
use crate::http::extract::Client;
use crate::oauth::parameters::{Parameters, Repeated};
use crate::oauth::{ErrorCode, OAuthError};

/// `POST /oauth/par`.
pub(super) async fn par(
    State(app): State<App>,
    Client(address): Client,
    BoundKey(key): BoundKey,
    headers: HeaderMap,
    RawForm(bytes): RawForm,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::read(&bytes);
    let one = |name| {
        let twice = OAuthError::new(ErrorCode::InvalidRequest, "Send client_id and client_secret once");
        parameters.one(name).map_err(|Repeated| twice)
    };
    let (id, shown) = (one("client_id")?, one("client_secret")?);
    let service = app.service();
    let client = service.authenticate_client(&credentials_of(&headers, id, shown)?, address).await?;
    if id.is_none() {
        // RFC 9126 §2.1: as in every authorization request, also where the header names the client.
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "Send client_id as well"));
    }
    Ok((StatusCode::CREATED, secret(&service.push(&client, &parameters, key).await?)).into_response())
}
