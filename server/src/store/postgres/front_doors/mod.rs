//! What the standard front doors keep.

mod clients;
mod grants;
mod logouts;
mod signing_keys;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;

use super::rows;
use super::{PostgresStore, audit, lock, sessions, statements};
use crate::store::audit::By;
use crate::store::clients::{ClientId, StoredClient};
use crate::store::error::StoreError;
use crate::store::front_doors::{
    CodeGrant, CodeUsed, FrontDoors, Grant, GrantEnd, NewGrant, RefreshUsed, StoredSigningKey,
};
use crate::store::sessions::SessionLives;

pub(super) use clients::join_consent;
pub(super) use grants::move_grants;

/// The advisory lock of adding a key: its row is not there yet.
const SIGNING_KEYS: i64 = 0x0063_6f75_6e74_6b65;

#[async_trait]
impl FrontDoors for PostgresStore {
    async fn create_client(&self, client: &StoredClient) -> Result<bool, StoreError> {
        self.write("make a client", client, |tx, client| clients::create(tx, client).boxed()).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        self.read("read a client", id, |c, id| clients::by_id(c, id).boxed()).await
    }

    async fn clients(&self) -> Result<Vec<StoredClient>, StoreError> {
        self.read("list clients", (), |c, ()| clients::all(c).boxed()).await
    }

    async fn rotate_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretHash,
        previous_ends_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (id, secret, previous_ends_at);
        self.write("rotate a client's secret", args, |tx, (id, secret, ends_at)| {
            clients::rotate(tx, id, secret, *ends_at).boxed()
        })
        .await
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        self.write("remove a client", id, |tx, id| clients::remove(tx, id).boxed()).await
    }

    async fn consent(
        &self,
        account: AccountId,
        client: &ClientId,
    ) -> Result<Option<Vec<String>>, StoreError> {
        self.read("read a consent", (account, client), |c, (account, client)| {
            clients::consent(c, *account, client).boxed()
        })
        .await
    }

    async fn create_grant(
        &self,
        new: &NewGrant,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("make a grant", (new, lives, by, now), |tx, (new, lives, by, now)| {
            grants::create(tx, new, lives, by, *now).boxed()
        })
        .await
    }

    async fn grant_by_code(
        &self,
        code: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<CodeGrant>, StoreError> {
        self.read("check a code", (code, lives, now), |c, (code, lives, now)| {
            grants::by_code(c, code, lives, *now).boxed()
        })
        .await
    }

    async fn use_code(
        &self,
        code: &SecretHash,
        dpop: Option<&Thumbprint>,
        refresh: Option<&SecretHash>,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<CodeUsed, StoreError> {
        let args = (code, (dpop, refresh), lives, by, now);
        self.write("use a code", args, |tx, (code, with, lives, by, now)| {
            grants::use_code(tx, code, *with, lives, by, *now).boxed()
        })
        .await
    }

    async fn grant(
        &self,
        id: GrantId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        self.read("read a grant", (id, lives, now), |c, (id, lives, now)| {
            grants::by_id(c, *id, lives, *now).boxed()
        })
        .await
    }

    async fn add_refresh(
        &self,
        grant: GrantId,
        refresh: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("add a refresh token", (grant, refresh, now), |tx, (grant, refresh, now)| {
            grants::add_refresh(tx, *grant, refresh, *now).boxed()
        })
        .await
    }

    async fn grant_by_refresh(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        self.read("check a refresh token", (token, lives, now), |c, (token, lives, now)| {
            grants::by_refresh(c, token, lives, *now).boxed()
        })
        .await
    }

    async fn use_refresh(
        &self,
        token: &SecretHash,
        successors: &[SecretHash],
        repeat_s: i64,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<RefreshUsed, StoreError> {
        let args = ((token, successors), repeat_s, lives, by, now);
        self.write("use a refresh token", args, |tx, (tokens, repeat_s, lives, by, now)| {
            grants::use_refresh(tx, *tokens, *repeat_s, lives, by, *now).boxed()
        })
        .await
    }

    async fn end_grant(
        &self,
        id: GrantId,
        reason: GrantEnd,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("end a grant", (id, reason, by, now), |tx, (id, reason, by, now)| {
            grants::end(tx, *id, *reason, by, *now).boxed()
        })
        .await
    }

    async fn clients_in_use(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, String)>, StoreError> {
        self.read("list clients in use", (account, now), |c, (account, now)| {
            grants::clients_in_use(c, *account, *now).boxed()
        })
        .await
    }

    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        self.read("read the signing keys", (), |c, ()| signing_keys::all(c).boxed()).await
    }

    async fn add_signing_key(
        &self,
        key: &StoredSigningKey,
        newest: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.write_behind(SIGNING_KEYS, "add a signing key", (key, newest), |tx, (key, newest)| {
            signing_keys::add(tx, key, *newest).boxed()
        })
        .await
    }

    async fn reseal_signing_key(&self, kid: &str, before: &str, sealed: &str) -> Result<bool, StoreError> {
        self.write("seal a signing key anew", (kid, before, sealed), |tx, (kid, before, sealed)| {
            signing_keys::reseal(tx, kid, before, sealed).boxed()
        })
        .await
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<u64, StoreError> {
        self.write("remove signing keys", kids, |tx, kids| signing_keys::remove(tx, kids).boxed()).await
    }
}
