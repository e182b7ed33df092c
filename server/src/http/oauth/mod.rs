//! The HTTP face of the standard front doors.

mod authorize;
mod cors;
mod device;
mod end_session;
mod error;
mod form;
mod head;
mod metadata;
mod par;
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
        .route("/oauth/device-authorization", post(device::device_authorization))
        .route("/oauth/par", post(par::par))
        .route("/oauth/token", post(token::token))
        .route("/oauth/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/oauth/revoke", post(token::revoke))
        // Before the layer, so that it also answers the question that browsers ask before a call.
        .method_not_allowed_fallback(super::wrong_method)
        .layer(from_fn(cors::any_origin))
        .route("/oauth/introspect", post(token::introspect))
}

/// Navigations: what a browser is led through. They answer with pages and redirects, so they are not in the document of
/// calls; discovery names them.
pub(super) fn navigations() -> Router<App> {
    Router::new()
        .route("/oauth/authorize", get(authorize::authorize).post(authorize::authorize_by_form))
        .route("/oauth/resume", get(authorize::resume))
        .route("/oauth/cancel", get(authorize::cancel))
        .route("/oauth/end-session", get(end_session::end_session).post(end_session::end_session_by_form))
}
