//! Who calls as a client (RFC 6749 §2.3).

use std::fmt;

use protocol::hole;

use super::{Client, ErrorCode, OAuthError};
use crate::service::{ClientAddress, Failure, Service};
use crate::store::ClientId;

/// How a call says which client it is from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// By its id alone: a public client.
    Named(String),
    /// By id and secret, in the header (`client_secret_basic`) or the body (`client_secret_post`).
    Secret { id: String, secret: String },
    /// In a way that cannot be read.
    Unreadable,
    /// Not at all.
    Missing,
}

const INVALID: OAuthError = OAuthError::new(
    ErrorCode::InvalidClient,
    "The client_id is not known, or its client_secret is missing or wrong",
);

impl Service {
    /// The client that calls. What is missing is not counted, what is wrong counts against the address.
    ///
    /// # Errors
    /// `invalid_client`, whatever is wrong with it; a limit.
    pub(crate) async fn authenticate_client(
        &self,
        credentials: &Credentials,
        address: ClientAddress,
    ) -> Result<Client, OAuthError> {
        self.may_ask(address).await?;
        let (id, secret) = match credentials {
            Credentials::Missing => return Err(INVALID),
            Credentials::Unreadable => return Err(self.counted(address, INVALID).await),
            Credentials::Named(id) => (id, None),
            Credentials::Secret { id, secret } => (id, Some(secret)),
        };
        let found = match ClientId::parse(id) {
            Some(id) => self.find_client(&id).await?,
            None => None,
        };
        let is_shown = |client: &Client| match secret {
            None => client.is_public() || hole!("client_secret"),
            Some(secret) => client.judge_secret(secret, self.now()),
        };
        match found {
            Some(client) if is_shown(&client) => return Ok(client),
            Some(client) => {
                tracing::info!(client.id = %client.id, "Client refused: its secret is missing or wrong");
            }
            // What stands there may be anything, a secret too.
            None => tracing::info!("Client refused: its id is not known"),
        }
        Err(self.counted(address, INVALID).await)
    }

    /// Counts a failure of an address, and gives `error` back or the limit that is reached.
    pub(crate) async fn counted(&self, address: ClientAddress, error: OAuthError) -> OAuthError {
        match self.failed_client(address, Failure::InvalidToken).await {
            limited @ (Failure::TooMany { .. } | Failure::Store(_) | Failure::Internal(_)) => limited.into(),
            Failure::InvalidToken
            | Failure::Request(_)
            | Failure::Malformed(_)
            | Failure::NotFound
            | Failure::NoNonce
            | Failure::InvalidProof
            | Failure::StaleSession
            | Failure::EnrolmentRefused
            | Failure::RecoveryRefused => error,
        }
    }
}

/// Silent about the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named(_) => "Named(..)",
            Self::Secret { .. } => "Secret(..)",
            Self::Unreadable => "Unreadable",
            Self::Missing => "Missing",
        })
    }
}
