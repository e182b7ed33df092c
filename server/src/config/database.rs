//! The setting `database`: where lasting data is when that is not the data folder.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use sqlx::postgres::PgConnectOptions;
use url::Url;
use zeroize::Zeroizing;

/// What is allowed, as a phrase.
pub(super) const ALLOWED: &str = "postgres://USER@HOST:PORT/DATABASE, as in postgres://countersign@db.example.com/countersign?sslmode=verify-full, or \
     sqlite:PATH; a password with @ : / ? # or % in it needs them percent-encoded";

/// Parameters of a PostgreSQL URL.
const PARAMETERS: [&str; 14] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "ssl-mode",
    "statement-cache-capacity",
    "user",
];

/// A database other than the file in the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// This file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(PostgresUrl),
}

/// The setting as it was written; judged by [`super::check`], so that no parser quotes it in an error.
#[derive(Clone)]
pub struct DatabaseText(Zeroizing<String>);

/// The whole URL, with its password. Shown without.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Zeroizing<String>);

impl DatabaseText {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// What it names, if it is written as it must be.
    pub fn parse(&self) -> Option<Database> {
        let text = self.0.as_str();
        if let Some(path) = text.strip_prefix("sqlite:") {
            return (!path.is_empty()).then(|| Database::Sqlite(PathBuf::from(path)));
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))?;
        // The client would go on without one that it does not know, and write it into the log.
        if url.query_pairs().any(|(name, _)| !PARAMETERS.contains(&&*name)) {
            return None;
        }
        // What looks like it is the rest of a password that was not encoded.
        let name = url.path().trim_start_matches('/');
        if name.contains(['/', '@', ':']) || url.fragment().is_some() {
            return None;
        }
        let options: PgConnectOptions = text.parse().ok()?;
        let names_server =
            url.host_str().is_some_and(|host| !host.is_empty()) || options.get_socket().is_some();
        (names_server && options.get_database().is_some())
            .then(|| Database::Postgres(PostgresUrl(self.0.clone())))
    }

    /// Whether it holds a password, as far as anybody can tell.
    pub(super) fn has_password(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }
}

impl PostgresUrl {
    /// For the client, never to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for DatabaseText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&Zeroizing::new(text)))
    }
}

impl fmt::Debug for DatabaseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseText(..)")
    }
}

/// All but the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = Url::parse(&self.0) else { return f.write_str("postgres:") };
        // A URL that cannot have a password has none to show.
        let _ = url.set_password(None);
        let shown: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| name != "password").collect();
        url.set_query(None);
        if !shown.is_empty() {
            url.query_pairs_mut().extend_pairs(shown);
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Database> {
        DatabaseText::new(text).parse()
    }

    #[test]
    fn a_file_and_a_server_are_told_apart() {
        assert_eq!(parse("sqlite:/srv/a.sqlite"), Some(Database::Sqlite("/srv/a.sqlite".into())));
        for server in [
            "postgres://ada@db.example.com/countersign",
            "postgresql://ada:pw@[::1]:5433/countersign?sslmode=verify-full",
            "postgres://ada@%2Frun%2Fpostgresql/countersign",
            "postgres:///countersign?host=/run/postgresql",
        ] {
            assert!(matches!(parse(server), Some(Database::Postgres(_))), "{server}");
        }
        for wrong in [
            "",
            "sqlite:",
            "countersign",
            "mysql://ada@db/countersign",
            "postgres:countersign",
            "postgres://ada@db",
            "postgres://ada@db/countersign?sslmode=perhaps",
            "postgres://ada@db/countersign?pasword=sesame",
            "postgres://ada:p@ss/word@db:x/countersign",
            "postgres://ada:1/ss@db/countersign",
            "postgres://ada:p#ss@db/countersign",
            "postgres://ada:p?ss@db/countersign",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ada:sesame@db.example.com:5433/countersign",
                "postgres://ada@db.example.com:5433/countersign",
            ),
            (
                "postgres://ada@db.example.com/countersign?password=sesame&sslmode=require",
                "postgres://ada@db.example.com/countersign?sslmode=require",
            ),
        ] {
            let Some(Database::Postgres(parsed)) = parse(url) else { panic!("{url}") };
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?} {:?}", DatabaseText::new(url)).contains("sesame"));
            assert!(parsed.expose().contains("sesame"), "the client needs it");
            assert!(DatabaseText::new(url).has_password());
        }
        assert!(!DatabaseText::new("postgres://ada@db/countersign").has_password());
    }
}
