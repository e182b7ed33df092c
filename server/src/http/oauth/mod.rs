//! The HTTP face of the standard front doors.

mod cors;
mod error;
mod form;
mod head;
mod metadata;
mod token;
mod userinfo;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use super::App;

/// Calls of clients, which programs and scripts of any origin may make; introspection is for servers alone.
pub(super) fn machine_calls() -> Router<App> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata::metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route("/oauth/jwks", get(metadata::jwks))
        .route("/oauth/token", post(token::token))
        .route("/oauth/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/oauth/revoke", post(token::revoke))
        .layer(from_fn(cors::any_origin))
        .route("/oauth/introspect", post(token::introspect))
}
