//! The standard front doors: OAuth 2.0 and OpenID Connect over the same login requests and sessions.

mod clients;
mod device_authorization;
mod device_grant;
pub mod error;
pub mod redirect_uris;

pub use clients::{Client, SCOPES, is_scope};
pub use device_authorization::DeviceAuthorizationBody;
pub use error::{ErrorCode, OAuthError};
