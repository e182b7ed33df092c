//! The device authorization endpoint (RFC 8628 §3.1).

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};

use super::form::Form;
use super::head::{BoundKey, credentials};
use super::token::secret;
use crate::http::App;
use crate::http::extract::Client;
use crate::oauth::{Asking, OAuthError};

/// `POST /oauth/device-authorization`.
pub(super) async fn device_authorization(
    State(app): State<App>,
    Client(address): Client,
    BoundKey(key): BoundKey,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthError> {
    let service = app.service();
    let client = service.authenticate_client(&credentials(&headers, &form)?, address).await?;
    let text = |name| headers.get(&name).and_then(|value| value.to_str().ok());
    let asking = Asking { user_agent: text(USER_AGENT), accept_language: text(ACCEPT_LANGUAGE), address };
    Ok(secret(&service.authorize_device(&client, form.get("scope"), key, asking).await?))
}
