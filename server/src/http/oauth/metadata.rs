//! What anyone may read and keep for a while: keys and discovery documents.

use axum::Json;
use axum::extract::State;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, HeaderName};
use serde_json::Value;

use crate::http::App;
use crate::oauth::OAuthError;

/// A key is published a day before it signs, so clients may keep the set for minutes.
const FOR_A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=300");

type Kept = ([(HeaderName, HeaderValue); 1], Json<Value>);

/// `GET /oauth/jwks` (RFC 7517 §5).
pub(super) async fn jwks(State(app): State<App>) -> Result<Kept, OAuthError> {
    Ok(kept(app.service().jwks().await?))
}

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(app): State<App>) -> Result<Kept, OAuthError> {
    Ok(kept(app.service().metadata().await?))
}

fn kept(value: Value) -> Kept {
    ([(CACHE_CONTROL, FOR_A_WHILE)], Json(value))
}
