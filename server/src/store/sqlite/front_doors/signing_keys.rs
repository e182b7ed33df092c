use rusqlite::{Connection, params};

use super::Tx;
use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use crate::store::front_doors::StoredSigningKey;
use crate::store::statements as sql;

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredSigningKey>, Fault> {
    connection.all(sql::SIGNING_KEYS, &[], |row| rows::signing_key(row))
}

pub(super) fn add(tx: &mut Tx, key: &StoredSigningKey, newest: Option<&str>) -> Result<bool, Fault> {
    let found =
        tx.connection.first(sql::NEWEST_SIGNING_KEY, params![key.alg.as_str()], |row| row.text("kid"))?;
    if found.as_deref() != newest {
        return Ok(false);
    }
    tx.connection.is_any(
        sql::INSERT_SIGNING_KEY,
        params![
            &key.kid,
            key.alg.as_str(),
            &key.sealed,
            &key.public_jwk,
            key.used_from.unix_s(),
            key.created_at.unix_s()
        ],
    )
}

pub(super) fn reseal(tx: &mut Tx, kid: &str, before: &str, sealed: &str) -> Result<bool, Fault> {
    tx.connection.is_any(sql::RESEAL_SIGNING_KEY, params![kid, before, sealed])
}

pub(super) fn remove(tx: &mut Tx, kids: &[String]) -> Result<u64, Fault> {
    let mut removed = 0;
    for kid in kids {
        removed += tx.connection.run(sql::DELETE_SIGNING_KEY, params![kid])?;
    }
    Ok(removed)
}
