use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};
use serde::{Deserialize, Deserializer};
use url::Url;
use zeroize::Zeroizing;

/// What is allowed, for people.
pub const ALLOWED: &str = "redis://HOST[:PORT][/DATABASE], rediss:// for TLS, or unix:/PATH, with user and password as in \
                           redis://USER:PASSWORD@HOST";

/// Where Redis or Valkey is, as it was written; judged by `RedisAddress::parse`, so that no parser quotes the password in
/// an error. Shows itself without user, password and query.
#[derive(Clone)]
pub struct RedisAddress(Zeroizing<String>);

impl RedisAddress {
    /// Takes the text of the setting.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// What to connect to; `None` unless it is one of [`ALLOWED`].
    pub(super) fn parse(&self) -> Option<ConnectionInfo> {
        let url = Url::parse(&self.0).ok()?;
        let known = match url.scheme() {
            "redis" | "rediss" => url.query().is_none() && url.host().is_some(),
            "unix" => !url.path().trim_matches('/').is_empty() && url.host().is_none(),
            _ => false,
        };
        if !known || url.fragment().is_some() {
            return None;
        }
        let info = url.into_connection_info().ok()?;
        let redis =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        Some(info.set_redis_settings(redis).set_tcp_settings(tcp))
    }

    /// Whether there is a password in it, also where it cannot be used otherwise.
    pub fn has_password(&self) -> bool {
        let url = Url::parse(&self.0);
        url.is_ok_and(|url| url.password().is_some() || url.query_pairs().any(|(name, _)| name == "pass"))
    }

    /// Whether it can be used at all.
    pub fn is_allowed(&self) -> bool {
        self.parse().is_some()
    }
}

impl<'de> Deserialize<'de> for RedisAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(info) = self.parse() else { return f.write_str("an address that cannot be used") };
        let database = info.redis_settings().db();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => write!(f, "redis://{}:{port}/{database}", bracketed(host)),
            ConnectionAddr::TcpTls { host, port, .. } => {
                write!(f, "rediss://{}:{port}/{database}", bracketed(host))
            }
            ConnectionAddr::Unix(path) => write!(f, "unix:{} (database {database})", path.display()),
            _ => f.write_str("Redis"),
        }
    }
}

/// As [`fmt::Display`]: without a password.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_itself_without_its_password() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost:6379/0"),
            ("redis://:hunter2@10.0.0.5:6380/3", "redis://10.0.0.5:6380/3"),
            ("rediss://ada:hunter2@redis.example.com", "rediss://redis.example.com:6379/0"),
            ("redis://[::1]:7000", "redis://[::1]:7000/0"),
            #[cfg(unix)]
            ("unix:/run/redis.sock?db=2&pass=hunter2", "unix:/run/redis.sock (database 2)"),
        ] {
            let address = RedisAddress::new(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), format!("RedisAddress({shown})"));
        }
    }

    #[test]
    fn what_is_no_such_address_is_refused_and_not_repeated() {
        for text in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis://localhost/hunter2",
            "redis://:hunter2@localhost?protocol=resp2",
            "rediss://:hunter2@localhost/#insecure",
            "unix:",
            "/run/redis.sock",
        ] {
            let address = RedisAddress::new(text);
            assert!(!address.is_allowed(), "{text}");
            assert!(!format!("{address} {address:?}").contains("hunter2"), "{text}");
        }
    }
}
