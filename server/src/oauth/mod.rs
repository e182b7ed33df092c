//! The standard front doors: OAuth 2.0 and OpenID Connect over the same login requests and sessions.

mod clients;
pub mod error;
pub mod redirect_uris;

pub use clients::{Client, SCOPES, is_scope};
pub use error::{ErrorCode, OAuthError};
