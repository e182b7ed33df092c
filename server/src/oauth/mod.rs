//! The standard front doors: OAuth 2.0 and OpenID Connect over the same login requests and sessions.

pub mod error;

pub use error::{ErrorCode, OAuthError};
