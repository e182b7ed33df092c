//! What the standard front doors keep.

mod clients;
mod grants;
mod logouts;
mod signing_keys;

use async_trait::async_trait;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;

use super::prepared;
use super::rows;
use super::transaction::Tx;
use super::{SqliteStore, audit, sessions};
use crate::store::audit::By;
use crate::store::clients::{ClientId, StoredClient};
use crate::store::error::StoreError;
use crate::store::front_doors::{
    CodeGrant, CodeUsed, FrontDoors, Grant, GrantEnd, NewGrant, RefreshUsed, StoredSigningKey,
};
use crate::store::sessions::SessionLives;

pub(super) use clients::join_consent;

#[async_trait]
impl FrontDoors for SqliteStore {
    async fn create_client(&self, client: &StoredClient) -> Result<bool, StoreError> {
        let client = client.clone();
        self.write("make a client", move |tx| clients::create(tx, &client)).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
        let id = id.clone();
        self.read("read a client", move |c| clients::by_id(c, &id)).await
    }

    async fn clients(&self) -> Result<Vec<StoredClient>, StoreError> {
        self.read("list clients", clients::all).await
    }

    async fn rotate_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretHash,
        previous_ends_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, secret) = (id.clone(), *secret);
        self.write("rotate a client's secret", move |tx| clients::rotate(tx, &id, &secret, previous_ends_at))
            .await
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write("remove a client", move |tx| clients::remove(tx, &id)).await
    }

    async fn consent(
        &self,
        account: AccountId,
        client: &ClientId,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let client = client.clone();
        self.read("read a consent", move |c| clients::consent(c, account, &client)).await
    }

    async fn create_grant(
        &self,
        new: &NewGrant,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (new, lives, by) = (new.clone(), *lives, by.clone());
        self.write("make a grant", move |tx| grants::create(tx, &new, &lives, &by, now)).await
    }

    async fn grant_by_code(
        &self,
        code: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<CodeGrant>, StoreError> {
        let (code, lives) = (*code, *lives);
        self.read("check a code", move |c| grants::by_code(c, &code, &lives, now)).await
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
        let (code, dpop, refresh) = (*code, dpop.copied(), refresh.copied());
        let (lives, by) = (*lives, by.clone());
        self.write("use a code", move |tx| {
            grants::use_code(tx, &code, (dpop.as_ref(), refresh.as_ref()), &lives, &by, now)
        })
        .await
    }

    async fn grant(
        &self,
        id: GrantId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let lives = *lives;
        self.read("read a grant", move |c| grants::by_id(c, id, &lives, now)).await
    }

    async fn add_refresh(
        &self,
        grant: GrantId,
        refresh: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let refresh = *refresh;
        self.write("add a refresh token", move |tx| grants::add_refresh(tx, grant, &refresh, now)).await
    }

    async fn grant_by_refresh(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let (token, lives) = (*token, *lives);
        self.read("check a refresh token", move |c| grants::by_refresh(c, &token, &lives, now)).await
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
        let (token, successors, lives, by) = (*token, successors.to_vec(), *lives, by.clone());
        self.write("use a refresh token", move |tx| {
            grants::use_refresh(tx, (&token, &successors), repeat_s, &lives, &by, now)
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
        let by = by.clone();
        self.write("end a grant", move |tx| grants::end(tx, id, reason, &by, now)).await
    }

    async fn clients_in_use(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, String)>, StoreError> {
        self.read("list clients in use", move |c| grants::clients_in_use(c, account, now)).await
    }

    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        self.read("read the signing keys", signing_keys::all).await
    }

    async fn add_signing_key(
        &self,
        key: &StoredSigningKey,
        newest: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (key, newest) = (key.clone(), newest.map(str::to_owned));
        self.write("add a signing key", move |tx| signing_keys::add(tx, &key, newest.as_deref())).await
    }

    async fn reseal_signing_key(&self, kid: &str, before: &str, sealed: &str) -> Result<bool, StoreError> {
        let [kid, before, sealed] = [kid, before, sealed].map(str::to_owned);
        self.write("seal a signing key anew", move |tx| signing_keys::reseal(tx, &kid, &before, &sealed))
            .await
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<u64, StoreError> {
        let kids = kids.to_vec();
        self.write("remove signing keys", move |tx| signing_keys::remove(tx, &kids)).await
    }
}
