//! The standard front doors: OAuth 2.0 and OpenID Connect over the same login requests and sessions.

pub mod authorization;
pub mod back_channel_logout;
pub(crate) mod claims;
pub(crate) mod client_auth;
mod clients;
mod device_authorization;
mod device_grant;
pub(crate) mod discovery;
pub mod end_session;
pub mod error;
pub(crate) mod exchange;
pub(crate) mod inspect;
pub(crate) mod jose;
pub mod parameters;
pub mod redirect_uris;
pub(crate) mod signing;
pub(crate) mod signing_keys;
pub(crate) mod tokens;

pub use authorization::TRANSACTION_LENGTH_MAX;
pub use clients::{Client, SCOPES, is_scope};
pub use device_authorization::{Asking, DeviceAuthorizationBody};
pub(crate) use device_grant::DEVICE_CODE;
pub use error::{ErrorCode, OAuthError};
pub use tokens::TokenBody;
