//! The tables as they are in both databases, and how their rows go over.

use rusqlite::{Connection, Row};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{ImportError, reading, writing};

/// Rows of one statement.
const BATCH: usize = 1_000;

/// A table with its columns.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bytes,
    Text,
    Number,
    Flag,
}

/// Values of one column.
enum Values {
    Bytes(Vec<Option<Vec<u8>>>),
    Text(Vec<Option<String>>),
    Number(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
}

use Kind::{Bytes, Flag, Number, Text};

/// All tables, each after those that it refers to.
pub(super) const TABLES: [Table; 17] = [
    Table {
        name: "accounts",
        columns: &[
            ("id", Bytes),
            ("username", Text),
            ("display_name", Text),
            ("password_hash", Text),
            ("state", Text),
            ("ever_had_device", Flag),
            ("created_at", Number),
            ("email", Text),
            ("groups", Text),
        ],
    },
    Table {
        name: "devices",
        columns: &[
            ("id", Bytes),
            ("account", Bytes),
            ("name", Text),
            ("kind", Text),
            ("key_jwk", Text),
            ("thumbprint", Bytes),
            ("token_hash", Bytes),
            ("enrolled_by", Text),
            ("created_at", Number),
            ("last_seen_at", Number),
            ("revoked_at", Number),
        ],
    },
    Table {
        name: "enrolments",
        columns: &[
            ("code_hash", Bytes),
            ("account", Bytes),
            ("made_by", Bytes),
            ("expires_at", Number),
            ("used_by", Bytes),
            ("used_at", Number),
            ("device", Bytes),
        ],
    },
    Table {
        name: "recovery_codes",
        columns: &[
            ("code_hash", Bytes),
            ("account", Bytes),
            ("made_by", Bytes),
            ("made_at", Number),
            ("used_by", Bytes),
            ("used_at", Number),
            ("device", Bytes),
        ],
    },
    Table {
        name: "decisions",
        columns: &[
            ("ticket", Bytes),
            ("request", Bytes),
            ("device", Bytes),
            ("account", Bytes),
            ("decision", Text),
            ("context", Bytes),
            ("statement", Text),
            ("decided_at", Number),
            ("withdrawn", Flag),
        ],
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", Bytes),
            ("request", Bytes),
            ("ticket", Bytes),
            ("account", Bytes),
            ("device", Bytes),
            ("kind", Text),
            ("token_hash", Bytes),
            ("token_issued_at", Number),
            ("previous_token_hash", Bytes),
            ("previous_ends_at", Number),
            ("created_at", Number),
            ("last_seen_at", Number),
            ("address", Text),
            ("browser", Text),
            ("system", Text),
            ("ended_at", Number),
            ("end_reason", Text),
            ("page_key", Bytes),
            ("verified", Flag),
        ],
    },
    Table {
        name: "clients",
        columns: &[
            ("id", Text),
            ("name", Text),
            ("secret_hash", Bytes),
            ("previous_secret_hash", Bytes),
            ("previous_ends_at", Number),
            ("redirect_uris", Text),
            ("post_logout_redirect_uris", Text),
            ("device_grant", Flag),
            ("policy", Text),
            ("created_at", Number),
        ],
    },
    Table {
        name: "consents",
        columns: &[("account", Bytes), ("client", Text), ("scopes", Text), ("given_at", Number)],
    },
    Table {
        name: "grants",
        columns: &[
            ("id", Bytes),
            ("client", Text),
            ("client_name", Text),
            ("account", Bytes),
            ("session", Bytes),
            ("scopes", Text),
            ("nonce", Text),
            ("verified", Flag),
            ("dpop", Bytes),
            ("code_hash", Bytes),
            ("redirect_uri", Text),
            ("challenge", Text),
            ("code_ends_at", Number),
            ("code_used_at", Number),
            ("created_at", Number),
            ("ends_at", Number),
            ("ended_at", Number),
        ],
    },
    Table {
        name: "refresh_tokens",
        columns: &[
            ("token_hash", Bytes),
            ("grant_id", Bytes),
            ("created_at", Number),
            ("used_at", Number),
            ("successor", Bytes),
        ],
    },
    Table {
        name: "logouts",
        columns: &[
            ("grant_id", Bytes),
            ("client", Text),
            ("account", Bytes),
            ("tries", Number),
            ("next_at", Number),
        ],
    },
    Table {
        name: "signing_keys",
        columns: &[
            ("kid", Text),
            ("alg", Text),
            ("sealed", Text),
            ("public_jwk", Text),
            ("used_from", Number),
            ("created_at", Number),
        ],
    },
    Table { name: "session_keys", columns: &[("session", Bytes), ("thumbprint", Bytes)] },
    Table { name: "known_keys", columns: &[("account", Bytes), ("thumbprint", Bytes), ("last_at", Number)] },
    Table {
        name: "audit",
        columns: &[
            ("chain", Text),
            ("seq", Number),
            ("at", Number),
            ("kind", Text),
            ("body", Text),
            ("hash", Bytes),
        ],
    },
    Table { name: "chain_starts", columns: &[("chain", Text), ("seq", Number), ("hash", Bytes)] },
    Table { name: "anchored", columns: &[("chain", Text), ("seq", Number)] },
];

impl Table {
    /// Copies all rows; how many.
    pub(super) async fn copy(&self, from: &Connection, to: &mut PgConnection) -> Result<u64, ImportError> {
        let names = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let mut select = from.prepare(&format!("SELECT {names} FROM {}", self.name)).map_err(reading)?;
        let mut rows = select.query([]).map_err(reading)?;
        let mut copied = 0;
        loop {
            let mut values: Vec<Values> = self.columns.iter().map(|(_, kind)| Values::none(*kind)).collect();
            let mut taken = 0;
            while taken < BATCH
                && let Some(row) = rows.next().map_err(reading)?
            {
                for (place, column) in values.iter_mut().enumerate() {
                    column.take(row, place).map_err(reading)?;
                }
                taken += 1;
            }
            if taken == 0 {
                return Ok(copied);
            }
            insert(self.name, &names, values, to).await?;
            copied += taken as u64;
        }
    }
}

async fn insert(
    table: &str,
    names: &str,
    values: Vec<Values>,
    to: &mut PgConnection,
) -> Result<(), ImportError> {
    let places: Vec<_> = (1..).zip(&values).map(|(n, column)| format!("${n}::{}[]", column.word())).collect();
    let statement = format!("INSERT INTO {table} ({names}) SELECT * FROM UNNEST({})", places.join(", "));
    // Names are constants of this file.
    let mut insert = sqlx::query(AssertSqlSafe(statement));
    for column in values {
        insert = match column {
            Values::Bytes(values) => insert.bind(values),
            Values::Text(values) => insert.bind(values),
            Values::Number(values) => insert.bind(values),
            Values::Flag(values) => insert.bind(values),
        };
    }
    insert.execute(to).await.map(drop).map_err(writing)
}

impl Values {
    fn none(kind: Kind) -> Self {
        match kind {
            Bytes => Self::Bytes(Vec::new()),
            Text => Self::Text(Vec::new()),
            Number => Self::Number(Vec::new()),
            Flag => Self::Flag(Vec::new()),
        }
    }

    fn take(&mut self, row: &Row<'_>, place: usize) -> rusqlite::Result<()> {
        match self {
            Self::Bytes(values) => values.push(row.get(place)?),
            Self::Text(values) => values.push(row.get(place)?),
            Self::Number(values) => values.push(row.get(place)?),
            Self::Flag(values) => values.push(row.get(place)?),
        }
        Ok(())
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytea",
            Self::Text(_) => "text",
            Self::Number(_) => "bigint",
            Self::Flag(_) => "boolean",
        }
    }
}
