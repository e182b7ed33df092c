use protocol::id::{AccountId, DeviceId, GrantId, RequestId, SessionId, Ticket};
use protocol::key::{PublicKey, Thumbprint};
use protocol::secret::SecretHash;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use protocol::wire::DeviceKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::accounts::{Account, AccountState};
use super::audit::{AuditEntry, ClientRef, Head};
use super::clients::{Alg, ClientId, StoredClient};
use super::decisions::{StoredDecision, Verdict};
use super::devices::{Device, Holder};
use super::error::StoreError;
use super::front_doors::{CodeGrant, Grant, StoredSigningKey};
use super::logouts::DueLogout;
use super::sessions::{Session, SessionLives, SessionView};
use crate::config::SessionKind;

/// What went wrong, before it is said during what.
#[derive(Debug)]
pub(super) enum Fault {
    /// Of PostgreSQL.
    Database(sqlx::Error),
    /// Of SQLite.
    Sqlite(rusqlite::Error),
    /// This column holds what this program cannot have written.
    Damaged(&'static str),
    /// The store itself could not take the work, for this reason.
    Unserved(&'static str),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Fault {
    pub(super) fn during(self, during: &'static str) -> StoreError {
        match self {
            Self::Database(source) => StoreError::Unavailable { during, source: Box::new(source) },
            Self::Sqlite(source) => StoreError::Unavailable { during, source: Box::new(source) },
            Self::Damaged(what) => StoreError::Damaged { during, what },
            Self::Unserved(why) => StoreError::Unavailable { during, source: why.into() },
        }
    }
}

/// Reads the columns of a row as the types that they hold, whichever database it is from.
pub(super) trait Columns {
    fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault>;
    fn str(&self, column: &'static str) -> Result<&str, Fault>;
    fn text_if_any(&self, column: &'static str) -> Result<Option<String>, Fault>;
    fn number(&self, column: &'static str) -> Result<i64, Fault>;
    fn flag(&self, column: &'static str) -> Result<bool, Fault>;

    fn bytes_if_any<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault>;
    fn moment_if_any(&self, column: &'static str) -> Result<Option<Timestamp>, Fault>;

    /// JSON that this program wrote.
    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Fault> {
        serde_json::from_str(self.str(column)?).map_err(|_| Fault::Damaged(column))
    }
    fn text(&self, column: &'static str) -> Result<String, Fault> {
        self.str(column).map(str::to_owned)
    }
    fn moment(&self, column: &'static str) -> Result<Timestamp, Fault> {
        self.number(column).map(Timestamp)
    }
    fn account_id(&self, column: &'static str) -> Result<AccountId, Fault> {
        self.bytes(column).map(AccountId::from_random)
    }
    fn device_id(&self, column: &'static str) -> Result<DeviceId, Fault> {
        self.bytes(column).map(DeviceId::from_random)
    }
    fn session_id(&self, column: &'static str) -> Result<SessionId, Fault> {
        self.bytes(column).map(SessionId::from_random)
    }
    fn request_id(&self, column: &'static str) -> Result<RequestId, Fault> {
        self.bytes(column).map(RequestId::from_random)
    }
    fn ticket(&self, column: &'static str) -> Result<Ticket, Fault> {
        self.bytes(column).map(Ticket::from_random)
    }
    fn grant_id(&self, column: &'static str) -> Result<GrantId, Fault> {
        self.bytes(column).map(GrantId::from_random)
    }
    fn word<T>(&self, column: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Fault> {
        parse(self.str(column)?).ok_or(Fault::Damaged(column))
    }
}

impl Columns for PgRow {
    fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault> {
        let bytes: &[u8] = self.try_get(column)?;
        bytes.try_into().map_err(|_| Fault::Damaged(column))
    }

    fn str(&self, column: &'static str) -> Result<&str, Fault> {
        Ok(self.try_get(column)?)
    }

    fn text_if_any(&self, column: &'static str) -> Result<Option<String>, Fault> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: &'static str) -> Result<i64, Fault> {
        Ok(self.try_get(column)?)
    }

    fn flag(&self, column: &'static str) -> Result<bool, Fault> {
        Ok(self.try_get(column)?)
    }

    fn bytes_if_any<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault> {
        let bytes: Option<&[u8]> = self.try_get(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| Fault::Damaged(column))).transpose()
    }

    fn moment_if_any(&self, column: &'static str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.try_get::<Option<i64>, _>(column)?.map(Timestamp))
    }
}

/// A column of SQLite may hold any type, whatever the table says.
impl Columns for rusqlite::Row<'_> {
    fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Fault> {
        let bytes = self.get_ref(column)?.as_blob().ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(Fault::Damaged(column))
    }

    fn str(&self, column: &'static str) -> Result<&str, Fault> {
        self.get_ref(column)?.as_str().map_err(|_| Fault::Damaged(column))
    }

    fn text_if_any(&self, column: &'static str) -> Result<Option<String>, Fault> {
        let text = self.get_ref(column)?.as_str_or_null().map_err(|_| Fault::Damaged(column))?;
        Ok(text.map(str::to_owned))
    }

    fn number(&self, column: &'static str) -> Result<i64, Fault> {
        self.get_ref(column)?.as_i64().map_err(|_| Fault::Damaged(column))
    }

    fn flag(&self, column: &'static str) -> Result<bool, Fault> {
        self.number(column).map(|number| number != 0)
    }

    fn bytes_if_any<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Fault> {
        let bytes = self.get_ref(column)?.as_blob_or_null().map_err(|_| Fault::Damaged(column))?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| Fault::Damaged(column))).transpose()
    }

    fn moment_if_any(&self, column: &'static str) -> Result<Option<Timestamp>, Fault> {
        let number = self.get_ref(column)?.as_i64_or_null().map_err(|_| Fault::Damaged(column))?;
        Ok(number.map(Timestamp))
    }
}

pub(super) fn account(row: &impl Columns) -> Result<Account, Fault> {
    Ok(Account {
        id: row.account_id("account_id")?,
        username: row.text("username")?,
        display_name: row.text("display_name")?,
        password_hash: row.text_if_any("password_hash")?,
        state: row.word("state", AccountState::parse)?,
        ever_had_device: row.flag("ever_had_device")?,
        created_at: row.moment("account_created_at")?,
        email: row.text_if_any("email")?,
        groups: row.json("groups")?,
    })
}

pub(super) fn device(row: &impl Columns) -> Result<Device, Fault> {
    Ok(Device {
        id: row.device_id("device_id")?,
        account: row.account_id("device_account")?,
        name: row.text("device_name")?,
        kind: row.word("device_kind", parse_device_kind)?,
        key: row.word("key_jwk", |jwk| PublicKey::from_jwk_text(jwk).ok())?,
        created_at: row.moment("device_created_at")?,
        last_seen_at: row.moment("device_last_seen_at")?,
    })
}

pub(super) fn holder(row: &impl Columns) -> Result<Holder, Fault> {
    Ok(Holder { device: device(row)?, account: account(row)? })
}

/// `token`: the one that was shown, or `None` for the newest.
pub(super) fn session_view(
    row: &impl Columns,
    token: Option<&SecretHash>,
    lives: &SessionLives,
) -> Result<SessionView, Fault> {
    let session = Session {
        id: row.session_id("session_id")?,
        request: row.request_id("request")?,
        account: row.account_id("session_account")?,
        device: row.device_id("session_device")?,
        kind: row.word("session_kind", parse_session_kind)?,
        created_at: row.moment("session_created_at")?,
        last_seen_at: row.moment("session_last_seen_at")?,
        token_issued_at: row.moment("token_issued_at")?,
        address: row.text("address")?,
        browser: row.text("browser")?,
        system: row.text("system")?,
        verified: row.flag("session_verified")?,
    };
    let newest = SecretHash::from_bytes(row.bytes("token_hash")?);
    let token_ends_at = if token.is_none_or(|token| *token == newest) {
        session.token_issued_at.plus_s(lives.token_s)
    } else {
        row.moment("previous_ends_at")?
    };
    Ok(SessionView { session, account: account(row)?, device_name: row.text("device_name")?, token_ends_at })
}

pub(super) fn due_logout(row: &impl Columns) -> Result<DueLogout, Fault> {
    Ok(DueLogout {
        grant: row.grant_id("grant_id")?,
        client: row.word("client", ClientId::parse)?,
        account: row.account_id("account")?,
        tries: u32::try_from(row.number("tries")?).map_err(|_| Fault::Damaged("tries"))?,
    })
}

pub(super) fn client(row: &impl Columns) -> Result<StoredClient, Fault> {
    let previous = row.bytes_if_any("previous_secret_hash")?.map(SecretHash::from_bytes);
    Ok(StoredClient {
        id: row.word("id", ClientId::parse)?,
        name: row.text("name")?,
        secret: row.bytes_if_any("secret_hash")?.map(SecretHash::from_bytes),
        previous_secret: previous.zip(row.moment_if_any("previous_ends_at")?),
        redirect_uris: row.json("redirect_uris")?,
        post_logout_redirect_uris: row.json("post_logout_redirect_uris")?,
        device_grant: row.flag("device_grant")?,
        policy: row.json("policy")?,
        created_at: row.moment("created_at")?,
    })
}

pub(super) fn grant(row: &impl Columns, lives: &SessionLives) -> Result<Grant, Fault> {
    Ok(Grant {
        id: row.grant_id("grant_id")?,
        client: row.word("client", ClientId::parse)?,
        client_name: row.text("client_name")?,
        session: session_view(row, None, lives)?,
        scopes: row.json("scopes")?,
        nonce: row.text_if_any("nonce")?,
        verified: row.flag("verified")?,
        dpop: row.bytes_if_any("dpop")?.map(Thumbprint::from_bytes),
        created_at: row.moment("grant_created_at")?,
        ends_at: row.moment("grant_ends_at")?,
    })
}

pub(super) fn code_grant(row: &impl Columns, lives: &SessionLives) -> Result<CodeGrant, Fault> {
    Ok(CodeGrant {
        grant: grant(row, lives)?,
        redirect_uri: row.text("redirect_uri")?,
        challenge: row.text("challenge")?,
        ends_at: row.moment("code_ends_at")?,
        used_at: row.moment_if_any("code_used_at")?,
    })
}

pub(super) fn signing_key(row: &impl Columns) -> Result<StoredSigningKey, Fault> {
    Ok(StoredSigningKey {
        kid: row.text("kid")?,
        alg: row.word("alg", Alg::parse)?,
        sealed: row.text("sealed")?,
        public_jwk: row.text("public_jwk")?,
        used_from: row.moment("used_from")?,
        created_at: row.moment("created_at")?,
    })
}

/// A refresh token that is there: when it was used, and what follows it.
pub(super) fn refresh_use(row: &impl Columns) -> Result<Option<(Timestamp, SecretHash)>, Fault> {
    let successor = row.bytes_if_any("successor")?.map(SecretHash::from_bytes);
    Ok(row.moment_if_any("used_at")?.zip(successor))
}

/// A grant that a statement just ended: its account, and what the entry says of it.
pub(super) struct EndedGrant {
    pub(super) account: AccountId,
    pub(super) session: SessionId,
    pub(super) client: ClientRef,
}

pub(super) fn ended_grant(row: &impl Columns) -> Result<EndedGrant, Fault> {
    Ok(EndedGrant {
        account: row.account_id("account")?,
        session: row.session_id("session")?,
        client: ClientRef { id: row.text("client")?, name: row.text("client_name")? },
    })
}

/// A list or a policy as its column has it.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("lists and policies have string keys only")
}

pub(super) fn decision(row: &impl Columns) -> Result<StoredDecision, Fault> {
    Ok(StoredDecision {
        ticket: row.ticket("ticket")?,
        request: row.request_id("request")?,
        device: row.device_id("device")?,
        account: row.account_id("account")?,
        verdict: row.word("decision", parse_verdict)?,
        decided_at: row.moment("decided_at")?,
        withdrawn: row.flag("withdrawn")?,
    })
}

pub(super) fn entry(row: &impl Columns) -> Result<AuditEntry, Fault> {
    let Head { seq, hash } = head(row)?;
    Ok(AuditEntry {
        chain: row.text("chain")?,
        seq,
        at: row.moment("at")?,
        kind: row.text("kind")?,
        body: row.text("body")?,
        hash,
    })
}

pub(super) fn head(row: &impl Columns) -> Result<Head, Fault> {
    Ok(Head { seq: row.number("seq")?, hash: row.bytes("hash")? })
}

pub(super) const fn device_kind_word(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Linux => "linux",
        DeviceKind::Macos => "macos",
        DeviceKind::Windows => "windows",
        DeviceKind::Other => "other",
    }
}

fn parse_device_kind(word: &str) -> Option<DeviceKind> {
    match word {
        "linux" => Some(DeviceKind::Linux),
        "macos" => Some(DeviceKind::Macos),
        "windows" => Some(DeviceKind::Windows),
        "other" => Some(DeviceKind::Other),
        _ => None,
    }
}

pub(super) const fn session_kind_word(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Linked => "linked",
        SessionKind::Independent => "independent",
    }
}

fn parse_session_kind(word: &str) -> Option<SessionKind> {
    match word {
        "linked" => Some(SessionKind::Linked),
        "independent" => Some(SessionKind::Independent),
        _ => None,
    }
}

pub(super) const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Decided(Decision::Approve) => "approve",
        Verdict::Decided(Decision::Deny) => "deny",
        Verdict::Decided(Decision::Report) => "report",
        Verdict::WrongNumbers => "wrong_numbers",
    }
}

fn parse_verdict(word: &str) -> Option<Verdict> {
    match word {
        "approve" => Some(Verdict::Decided(Decision::Approve)),
        "deny" => Some(Verdict::Decided(Decision::Deny)),
        "report" => Some(Verdict::Decided(Decision::Report)),
        "wrong_numbers" => Some(Verdict::WrongNumbers),
        _ => None,
    }
}
