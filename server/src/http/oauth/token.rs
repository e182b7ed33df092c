//! The token endpoint, and what else a client asks with its own credentials.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::form::Form;
use super::head::{BoundKey, credentials};
use crate::http::App;
use crate::http::extract::Client;
use crate::oauth::exchange::{CodeCall, RefreshCall};
use crate::oauth::{DEVICE_CODE, ErrorCode, OAuthError};

/// `POST /oauth/token` (RFC 6749 §3.2).
pub(super) async fn token(
    State(app): State<App>,
    Client(address): Client,
    BoundKey(key): BoundKey,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthError> {
    let service = app.service();
    let client = service.authenticate_client(&credentials(&headers, &form)?, address).await?;
    let body = match form.required("grant_type", "Send grant_type")? {
        "authorization_code" => {
            let call = CodeCall {
                code: form.required("code", "Send code")?,
                redirect_uri: form
                    .required("redirect_uri", "Send the redirect_uri of the authorization request")?,
                verifier: form.required("code_verifier", "Send code_verifier (RFC 7636, 4.5)")?,
            };
            service.exchange_code(&client, &call, key, address).await?
        }
        "refresh_token" => {
            let token = form.required("refresh_token", "Send refresh_token")?;
            let call = RefreshCall { token, scope: form.get("scope") };
            service.refresh_tokens(&client, &call, key, address).await?
        }
        DEVICE_CODE => {
            let code = form.required("device_code", "Send device_code")?;
            service.redeem_device(&client, code, key, address).await?
        }
        _ => {
            return Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "See grant_types_supported in the discovery document",
            ));
        }
    };
    Ok(secret(&body))
}

/// `POST /oauth/introspect` (RFC 7662 §2.1).
pub(super) async fn introspect(
    State(app): State<App>,
    Client(address): Client,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthError> {
    let client = app.service().authenticate_client(&credentials(&headers, &form)?, address).await?;
    let token = form.required("token", "Send token")?;
    Ok(secret(&app.service().introspect(&client, token).await?))
}

/// `POST /oauth/revoke` (RFC 7009 §2.1).
pub(super) async fn revoke(
    State(app): State<App>,
    Client(address): Client,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthError> {
    let client = app.service().authenticate_client(&credentials(&headers, &form)?, address).await?;
    let token = form.required("token", "Send token")?;
    app.service().revoke_token(&client, token, address).await?;
    Ok((StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response())
}

/// An answer that nobody keeps (RFC 6749 §5.1).
pub(super) fn secret(body: &impl Serialize) -> Response {
    let kept_by_nobody = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (kept_by_nobody, Json(body)).into_response()
}
