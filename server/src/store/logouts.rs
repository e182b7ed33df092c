//! Which sites want to hear when a grant is over (OpenID Connect Back-Channel Logout 1.0), and which of them are due.

use async_trait::async_trait;
use protocol::id::{AccountId, GrantId};
use protocol::time::Timestamp;

use super::clients::ClientId;
use super::error::StoreError;
use super::sessions::SessionLives;

/// A site that has not heard yet that a grant is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLogout {
    /// The grant: `sid` of its tokens.
    pub grant: GrantId,
    /// The site.
    pub client: ClientId,
    /// Whose grant: `sub` of its tokens.
    pub account: AccountId,
    /// How often it was tried, this time included.
    pub tries: u32,
}

/// What is owed to sites when grants end, however they end.
///
/// Nothing has to be written at an end: a row is due once its grant is not live any more, by the same checks as every
/// look-up of a grant.
#[async_trait]
pub trait Logouts: Send + Sync {
    /// Notes that the site wants to hear of the end of this grant. Again is harmless.
    async fn watch_logout(
        &self,
        grant: GrantId,
        client: &ClientId,
        account: AccountId,
    ) -> Result<(), StoreError>;

    /// Takes at most 100 that are due, of one account or of all. They are not due again before `again_at`, so of two
    /// nodes one tells a site.
    async fn due_logouts(
        &self,
        account: Option<AccountId>,
        lives: &SessionLives,
        again_at: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<DueLogout>, StoreError>;

    /// Puts one off until this moment.
    async fn delay_logout(&self, grant: GrantId, until: Timestamp) -> Result<(), StoreError>;

    /// Forgets one: the site was told, or will never be.
    async fn forget_logout(&self, grant: GrantId) -> Result<(), StoreError>;
}
