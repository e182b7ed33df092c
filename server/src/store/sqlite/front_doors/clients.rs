use protocol::id::AccountId;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::Tx;
use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use crate::store::clients::{ClientId, StoredClient};
use crate::store::front_doors::{Consent, joined};
use crate::store::statements as sql;

pub(super) fn create(tx: &mut Tx, client: &StoredClient) -> Result<bool, Fault> {
    tx.connection.is_any(
        sql::INSERT_CLIENT,
        params![
            client.id.as_str(),
            &client.name,
            client.secret.as_ref().map(SecretHash::as_bytes),
            rows::to_json(&client.redirect_uris),
            rows::to_json(&client.post_logout_redirect_uris),
            client.device_grant,
            rows::to_json(&client.policy),
            client.created_at.unix_s()
        ],
    )
}

pub(super) fn by_id(connection: &Connection, id: &ClientId) -> Result<Option<StoredClient>, Fault> {
    connection.first(sql::CLIENT, params![id.as_str()], |row| rows::client(row))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredClient>, Fault> {
    connection.all(sql::CLIENTS, &[], |row| rows::client(row))
}

pub(super) fn rotate(
    tx: &mut Tx,
    id: &ClientId,
    secret: &SecretHash,
    previous_ends_at: Timestamp,
) -> Result<bool, Fault> {
    let rotated = params![id.as_str(), secret.as_bytes(), previous_ends_at.unix_s()];
    tx.connection.is_any(sql::ROTATE_CLIENT_SECRET, rotated)
}

pub(super) fn remove(tx: &mut Tx, id: &ClientId) -> Result<bool, Fault> {
    let is_there = tx.connection.is_any(sql::DELETE_CLIENT, params![id.as_str()])?;
    if is_there {
        for statement in [sql::DELETE_GRANTS_OF_CLIENT, sql::DELETE_CONSENTS_OF_CLIENT] {
            tx.connection.run(statement, params![id.as_str()])?;
        }
    }
    Ok(is_there)
}

pub(super) fn consent(
    connection: &Connection,
    account: AccountId,
    client: &ClientId,
) -> Result<Option<Vec<String>>, Fault> {
    let asked = params![account.as_bytes(), client.as_str()];
    connection.first(sql::CONSENT, asked, |row| row.json("scopes"))
}

/// Joins what an approval lets a client have to what it may have already.
pub(in super::super) fn join_consent(
    tx: &mut Tx,
    account: AccountId,
    consent: &Consent,
    now: Timestamp,
) -> Result<(), Fault> {
    let client = consent.client.as_str();
    let scopes = rows::to_json(&consent.scopes);
    if tx.connection.is_any(sql::INSERT_CONSENT, params![account.as_bytes(), client, scopes, now.unix_s()])? {
        return Ok(());
    }
    let before = self::consent(&tx.connection, account, &consent.client)?.unwrap_or_default();
    let scopes = rows::to_json(&joined(before, &consent.scopes));
    tx.connection.run(sql::SET_CONSENT, params![account.as_bytes(), client, scopes, now.unix_s()])?;
    Ok(())
}
