//! Clients of the standard front doors, made and changed by the operator.

use protocol::encoding::base64url;
use protocol::secret::Secret;
use protocol::text::{NAME_LENGTH_MAX, clean};

use super::{Operator, OperatorError};
use crate::oauth::{is_scope, redirect_uris};
use crate::store::{ClientId, ClientPolicy, StoredClient};

/// How long the secret before a rotation stays good, in seconds: until whoever uses it has the next one.
pub const PREVIOUS_SECRET_S: i64 = 3_600;

/// A client as the operator asks for it.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// Its name for people.
    pub name: String,
    /// Its id; a random one when absent.
    pub id: Option<String>,
    /// Without a secret.
    pub public: bool,
    /// Where a browser may come back to.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after a sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it may ask by RFC 8628.
    pub device_grant: bool,
    /// What it may ask for and how.
    pub policy: ClientPolicy,
}

/// A client that was made, with its secret: nobody can tell it again.
#[derive(Debug)]
pub struct MadeClient {
    /// It.
    pub client: StoredClient,
    /// Its secret; `None` for a public client.
    pub secret: Option<Secret>,
}

impl Operator {
    /// Makes a client.
    ///
    /// # Errors
    /// [`OperatorError`]: an id that is none or taken, a name, address or scope that cannot be used, no way to ask, a store
    /// that does not answer.
    pub async fn add_client(&self, asked: NewClient) -> Result<MadeClient, OperatorError> {
        let id = match asked.id {
            Some(id) => own_id(&id).ok_or(OperatorError::ClientId(id))?,
            None => self.fresh_id(),
        };
        let name = clean(&asked.name, NAME_LENGTH_MAX);
        if name.is_empty() {
            return Err(OperatorError::ClientName);
        }
        if asked.redirect_uris.is_empty() && !asked.device_grant {
            return Err(OperatorError::NoWayIn);
        }
        let mut uris = asked.redirect_uris.iter().chain(&asked.post_logout_redirect_uris);
        if let Some(uri) = uris.find(|uri| !redirect_uris::may_be_registered(uri)) {
            return Err(OperatorError::RedirectUri(uri.clone()));
        }
        if let Some(uri) =
            asked.policy.back_channel_logout.iter().find(|uri| !redirect_uris::may_be_called(uri))
        {
            return Err(OperatorError::LogoutUri(uri.clone()));
        }
        if let Some(scope) = asked.policy.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(OperatorError::Scope(scope.clone()));
        }
        let secret = (!asked.public).then(|| self.entropy.secret());
        let client = StoredClient {
            id,
            name,
            secret: secret.as_ref().map(Secret::hash),
            previous_secret: None,
            redirect_uris: asked.redirect_uris,
            post_logout_redirect_uris: asked.post_logout_redirect_uris,
            device_grant: asked.device_grant,
            policy: asked.policy,
            created_at: self.clock.now(),
        };
        if self.store.create_client(&client).await? {
            Ok(MadeClient { client, secret })
        } else {
            Err(OperatorError::ClientTaken(client.id.to_string()))
        }
    }

    /// Gives a client another secret. The one before is good for [`PREVIOUS_SECRET_S`] more, or refused at once.
    ///
    /// # Errors
    /// [`OperatorError::NoClient`], [`OperatorError::PublicClient`], or a store that does not answer.
    pub async fn rotate_client(&self, id: &str, at_once: bool) -> Result<MadeClient, OperatorError> {
        let client = self.client(id).await?;
        let secret = self.entropy.secret();
        let previous_ends_at = self.clock.now().plus_s(if at_once { 0 } else { PREVIOUS_SECRET_S });
        if self.store.rotate_client_secret(&client.id, &secret.hash(), previous_ends_at).await? {
            Ok(MadeClient { client, secret: Some(secret) })
        } else {
            Err(OperatorError::PublicClient(client.id.to_string()))
        }
    }

    /// Removes a client with all that it was given.
    ///
    /// # Errors
    /// [`OperatorError::NoClient`], or a store that does not answer.
    pub async fn remove_client(&self, id: &str) -> Result<StoredClient, OperatorError> {
        let client = self.client(id).await?;
        if self.store.remove_client(&client.id).await? {
            Ok(client)
        } else {
            Err(OperatorError::NoClient(id.to_owned()))
        }
    }

    async fn client(&self, id: &str) -> Result<StoredClient, OperatorError> {
        let missing = || OperatorError::NoClient(id.to_owned());
        let id = own_id(id).ok_or_else(missing)?;
        self.store.client(&id).await?.ok_or_else(missing)
    }

    fn fresh_id(&self) -> ClientId {
        ClientId::parse(&base64url(&self.entropy.bytes_16()))
            .expect("base64url has unreserved characters alone")
    }
}

/// An id that is not one of the built-in clients.
fn own_id(text: &str) -> Option<ClientId> {
    ClientId::parse(text).filter(|id| id.forward_host().is_none())
}
