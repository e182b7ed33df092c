use async_trait::async_trait;
use protocol::id::{AccountId, GrantId};
use protocol::time::Timestamp;
use rusqlite::params;

use super::SqliteStore;
use super::prepared::Prepared as _;
use super::rows::{self, Columns as _};
use crate::store::clients::ClientId;
use crate::store::error::StoreError;
use crate::store::logouts::{DueLogout, Logouts};
use crate::store::sessions::SessionLives;
use crate::store::statements as sql;

#[async_trait]
impl Logouts for SqliteStore {
    async fn watch_logout(
        &self,
        grant: GrantId,
        client: &ClientId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        let client = client.clone();
        self.write("note who hears of a logout", move |tx| {
            let row = params![grant.as_bytes(), client.as_str(), account.as_bytes()];
            tx.connection.run(sql::INSERT_LOGOUT, row).map(drop)
        })
        .await
    }

    async fn due_logouts(
        &self,
        account: Option<AccountId>,
        lives: &SessionLives,
        again_at: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<DueLogout>, StoreError> {
        let lives = *lives;
        let due = self
            .read("find who hears of a logout", move |c| {
                let asked = params![
                    account.as_ref().map(AccountId::as_bytes),
                    now.plus_s(-lives.idle_s).unix_s(),
                    now.plus_s(-lives.max_s).unix_s(),
                    now.unix_s()
                ];
                c.all(sql::DUE_LOGOUTS, asked, |row| row.grant_id("grant_id"))
            })
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.write("take logouts", move |tx| {
            let mut taken = Vec::new();
            for grant in &due {
                let row = params![grant.as_bytes(), now.unix_s(), again_at.unix_s()];
                taken.extend(tx.connection.first(sql::TAKE_LOGOUT, row, |row| rows::due_logout(row))?);
            }
            Ok(taken)
        })
        .await
    }

    async fn delay_logout(&self, grant: GrantId, until: Timestamp) -> Result<(), StoreError> {
        self.write("put a logout off", move |tx| {
            tx.connection.run(sql::DELAY_LOGOUT, params![grant.as_bytes(), until.unix_s()]).map(drop)
        })
        .await
    }

    async fn forget_logout(&self, grant: GrantId) -> Result<(), StoreError> {
        self.write("forget a logout", move |tx| {
            tx.connection.run(sql::DELETE_LOGOUT, params![grant.as_bytes()]).map(drop)
        })
        .await
    }
}
