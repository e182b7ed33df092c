use async_trait::async_trait;
use futures_util::FutureExt as _;
use protocol::id::{AccountId, GrantId};
use protocol::time::Timestamp;
use sqlx::PgConnection;

use super::PostgresStore;
use super::rows::{self, Columns as _, Fault};
use crate::store::clients::ClientId;
use crate::store::error::StoreError;
use crate::store::logouts::{DueLogout, Logouts};
use crate::store::sessions::SessionLives;
use crate::store::statements as sql;

#[async_trait]
impl Logouts for PostgresStore {
    async fn watch_logout(
        &self,
        grant: GrantId,
        client: &ClientId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        let args = (grant, client, account);
        self.write("note who hears of a logout", args, |tx, args| watch(tx, *args).boxed()).await
    }

    async fn due_logouts(
        &self,
        account: Option<AccountId>,
        lives: &SessionLives,
        again_at: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<DueLogout>, StoreError> {
        let due =
            self.read("find who hears of a logout", (account, lives, now), |c, args| due(c, *args).boxed());
        let due = due.await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.write("take logouts", (&due[..], again_at, now), |tx, args| take(tx, *args).boxed()).await
    }

    async fn delay_logout(&self, grant: GrantId, until: Timestamp) -> Result<(), StoreError> {
        self.write("put a logout off", (grant, until), |tx, args| delay(tx, *args).boxed()).await
    }

    async fn forget_logout(&self, grant: GrantId) -> Result<(), StoreError> {
        self.write("forget a logout", grant, |tx, grant| forget(tx, *grant).boxed()).await
    }
}

async fn watch(
    tx: &mut PgConnection,
    (grant, client, account): (GrantId, &ClientId, AccountId),
) -> Result<(), Fault> {
    sqlx::query(sql::INSERT_LOGOUT)
        .bind(&grant.as_bytes()[..])
        .bind(client.as_str())
        .bind(&account.as_bytes()[..])
        .execute(tx)
        .await?;
    Ok(())
}

async fn due(
    connection: &mut PgConnection,
    (account, lives, now): (Option<AccountId>, &SessionLives, Timestamp),
) -> Result<Vec<GrantId>, Fault> {
    let rows = sqlx::query(sql::DUE_LOGOUTS)
        .bind(account.as_ref().map(|account| &account.as_bytes()[..]))
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .bind(now.unix_s())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.grant_id("grant_id")).collect()
}

async fn take(
    tx: &mut PgConnection,
    (due, again_at, now): (&[GrantId], Timestamp, Timestamp),
) -> Result<Vec<DueLogout>, Fault> {
    let mut taken = Vec::new();
    for grant in due {
        let row = sqlx::query(sql::TAKE_LOGOUT)
            .bind(&grant.as_bytes()[..])
            .bind(now.unix_s())
            .bind(again_at.unix_s())
            .fetch_optional(&mut *tx)
            .await?;
        taken.extend(row.as_ref().map(rows::due_logout).transpose()?);
    }
    Ok(taken)
}

async fn delay(tx: &mut PgConnection, (grant, until): (GrantId, Timestamp)) -> Result<(), Fault> {
    sqlx::query(sql::DELAY_LOGOUT).bind(&grant.as_bytes()[..]).bind(until.unix_s()).execute(tx).await?;
    Ok(())
}

async fn forget(tx: &mut PgConnection, grant: GrantId) -> Result<(), Fault> {
    sqlx::query(sql::DELETE_LOGOUT).bind(&grant.as_bytes()[..]).execute(tx).await?;
    Ok(())
}
