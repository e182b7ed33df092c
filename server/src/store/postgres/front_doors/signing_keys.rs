use sqlx::{PgConnection, Row as _};

use super::rows::{self, Fault};
use crate::store::front_doors::StoredSigningKey;
use crate::store::statements as sql;

pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<StoredSigningKey>, Fault> {
    let rows = sqlx::query(sql::SIGNING_KEYS).fetch_all(connection).await?;
    rows.iter().map(rows::signing_key).collect()
}

/// Runs behind a lock that all who add a key take.
pub(super) async fn add(
    tx: &mut PgConnection,
    key: &StoredSigningKey,
    newest: Option<&str>,
) -> Result<bool, Fault> {
    let found = sqlx::query(sql::NEWEST_SIGNING_KEY).bind(key.alg.as_str()).fetch_optional(&mut *tx).await?;
    let found = found.map(|row| row.try_get::<String, _>("kid")).transpose()?;
    if found.as_deref() != newest {
        return Ok(false);
    }
    let added = sqlx::query(sql::INSERT_SIGNING_KEY)
        .bind(&key.kid)
        .bind(key.alg.as_str())
        .bind(&key.sealed)
        .bind(&key.public_jwk)
        .bind(key.used_from.unix_s())
        .bind(key.created_at.unix_s())
        .fetch_optional(&mut *tx)
        .await?;
    Ok(added.is_some())
}

pub(super) async fn reseal(
    tx: &mut PgConnection,
    kid: &str,
    before: &str,
    sealed: &str,
) -> Result<bool, Fault> {
    let resealed = sqlx::query(sql::RESEAL_SIGNING_KEY).bind(kid).bind(before).bind(sealed);
    Ok(resealed.fetch_optional(tx).await?.is_some())
}

pub(super) async fn remove(tx: &mut PgConnection, kids: &[String]) -> Result<u64, Fault> {
    let mut removed = 0;
    for kid in kids {
        removed += sqlx::query(sql::DELETE_SIGNING_KEY).bind(kid).execute(&mut *tx).await?.rows_affected();
    }
    Ok(removed)
}
