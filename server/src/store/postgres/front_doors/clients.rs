use protocol::id::AccountId;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use sqlx::PgConnection;

use super::rows::{self, Columns as _, Fault};
use super::statements;
use crate::store::clients::{ClientId, StoredClient};
use crate::store::front_doors::{Consent, joined};
use crate::store::statements as sql;

pub(super) async fn create(connection: &mut PgConnection, client: &StoredClient) -> Result<bool, Fault> {
    let row = sqlx::query(sql::INSERT_CLIENT)
        .bind(client.id.as_str())
        .bind(&client.name)
        .bind(client.secret.as_ref().map(|secret| &secret.as_bytes()[..]))
        .bind(rows::to_json(&client.redirect_uris))
        .bind(rows::to_json(&client.post_logout_redirect_uris))
        .bind(client.device_grant)
        .bind(rows::to_json(&client.policy))
        .bind(client.created_at.unix_s())
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn by_id(
    connection: &mut PgConnection,
    id: &ClientId,
) -> Result<Option<StoredClient>, Fault> {
    let row = sqlx::query(sql::CLIENT).bind(id.as_str()).fetch_optional(connection).await?;
    row.as_ref().map(rows::client).transpose()
}

pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<StoredClient>, Fault> {
    let rows = sqlx::query(sql::CLIENTS).fetch_all(connection).await?;
    rows.iter().map(rows::client).collect()
}

pub(super) async fn rotate(
    tx: &mut PgConnection,
    id: &ClientId,
    secret: &SecretHash,
    previous_ends_at: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::ROTATE_CLIENT_SECRET)
        .bind(id.as_str())
        .bind(&secret.as_bytes()[..])
        .bind(previous_ends_at.unix_s())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn remove(tx: &mut PgConnection, id: &ClientId) -> Result<bool, Fault> {
    let row = sqlx::query(sql::DELETE_CLIENT).bind(id.as_str()).fetch_optional(&mut *tx).await?;
    if row.is_some() {
        for statement in [sql::DELETE_GRANTS_OF_CLIENT, sql::DELETE_CONSENTS_OF_CLIENT] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *tx).await?;
        }
    }
    Ok(row.is_some())
}

pub(super) async fn consent(
    connection: &mut PgConnection,
    account: AccountId,
    client: &ClientId,
) -> Result<Option<Vec<String>>, Fault> {
    let asked = sqlx::query(sql::CONSENT).bind(&account.as_bytes()[..]).bind(client.as_str());
    let row = asked.fetch_optional(connection).await?;
    row.map(|row| row.json("scopes")).transpose()
}

/// Joins what an approval lets a client have to what it may have already; waits for another one that is at it.
pub(in super::super) async fn join_consent(
    tx: &mut PgConnection,
    account: AccountId,
    consent: &Consent,
    now: Timestamp,
) -> Result<(), Fault> {
    let (account, client) = (&account.as_bytes()[..], consent.client.as_str());
    let first = sqlx::query(sql::INSERT_CONSENT)
        .bind(account)
        .bind(client)
        .bind(rows::to_json(&consent.scopes))
        .bind(now.unix_s())
        .fetch_optional(&mut *tx)
        .await?;
    if first.is_some() {
        return Ok(());
    }
    let held = sqlx::query(statements::HOLD_CONSENT).bind(account).bind(client);
    let held = held.fetch_optional(&mut *tx).await?;
    let before = held.map(|row| row.json("scopes")).transpose()?.unwrap_or_default();
    sqlx::query(sql::SET_CONSENT)
        .bind(account)
        .bind(client)
        .bind(rows::to_json(&joined(before, &consent.scopes)))
        .bind(now.unix_s())
        .execute(&mut *tx)
        .await?;
    Ok(())
}
