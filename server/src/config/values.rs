//! Values that settings are made of. Each names what is allowed when it is given something else.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use protocol::origin::{Origin, OriginError};
use serde::{Deserialize, Deserializer};
use url::Url;

/// Where lasting data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In this process; gone when it ends.
    Memory,
    /// In this folder, made with mode 0700 when it is missing.
    Dir(PathBuf),
}

impl FromStr for Data {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("data must be a folder or \"memory\"".to_owned()),
            "memory" => Ok(Self::Memory),
            dir => Ok(Self::Dir(PathBuf::from(dir))),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Dir(dir) => dir.display().fmt(f),
        }
    }
}

/// Reads an origin, and says how it would be written when it is not written exactly.
///
/// # Errors
/// A sentence with what is allowed. Source: docs/protocol.md, "HTTP interface".
pub(super) fn origin_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Origin, D::Error> {
    let text = String::deserialize(deserializer)?;
    Origin::parse(&text).map_err(|error| {
        let meant = Url::parse(&text)
            .ok()
            .filter(|url| url.host().is_some())
            .map(|url| url.origin().ascii_serialization());
        match (error, meant) {
            (OriginError::Form, Some(meant)) if Origin::parse(&meant).is_ok() => serde::de::Error::custom(
                format!("\"{text}\" is not written exactly, did you mean \"{meant}\"? {error}"),
            ),
            (error, _) => serde::de::Error::custom(format!("\"{text}\" is no origin; {error}")),
        }
    })
}

/// Reads an address to listen on.
///
/// # Errors
/// A sentence with what is allowed.
pub(super) fn address_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "\"{text}\" is no address to listen on; allowed is ADDRESS:PORT, as in 127.0.0.1:8080 or [::]:443"
        ))
    })
}

/// One address or a network of a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` lies in it; an IPv4 address mapped into IPv6 counts as that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// What is no [`Network`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no address or network; allowed is as in \"10.0.0.5\" or \"2001:db8::/32\"")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let text = text.trim();
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical())))
            .map(Self)
            .map_err(|_| NotANetwork(text.to_owned()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a value that is written as text.
macro_rules! deserialize_from_text {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

deserialize_from_text!(Data, Network);

/// What ties a session to the device that approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// Ends when that device is removed.
    Linked,
    /// Lives on by itself.
    Independent,
}

/// What happens to a login whose two sides are not known to share a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayGuard {
    /// The authenticator warns.
    Warn,
    /// The login ends, refused by the network rule.
    Refuse,
}

/// Whether an approval counts only after the authenticator has verified its person, by the words of `WebAuthn` (§5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationRule {
    /// Nothing is asked for: whoever sits at an authenticator approves.
    Discouraged,
    /// The authenticator asks for its PIN, and says so in what it signs.
    Required,
}

/// Whether a password alone may enrol a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordEnrolment {
    /// Only on an account that has never had a device.
    First,
    /// On any active account.
    Always,
    /// Never; links only.
    Never,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;

    use super::*;

    fn origin(text: &str) -> Result<Origin, String> {
        let value: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
        origin_from_text(value).map_err(|error| error.to_string())
    }

    #[test]
    fn an_origin_is_taken_only_as_it_will_be_compared() {
        for good in ["https://login.example.com", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            assert_eq!(origin(good).unwrap().as_str(), good);
        }
        for (wrong, meant) in [
            ("https://Login.Example.com", "https://login.example.com"),
            ("https://example.com:443", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("https://user@example.com", "https://example.com"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://example.com/login?x", "https://example.com"),
        ] {
            let error = origin(wrong).unwrap_err();
            assert!(error.contains(&format!("did you mean \"{meant}\"")), "{error}");
        }
        for wrong in ["", "example.com", "ftp://example.com", "file:///x", "javascript:1", "https://"] {
            assert!(origin(wrong).unwrap_err().contains("is no origin; an origin is"), "{wrong}");
        }
        assert!(origin("http://login.example.com").unwrap_err().contains("use https"));
    }

    #[test]
    fn a_network_is_an_address_or_a_prefix() {
        let one: Network = "10.0.0.5".parse().unwrap();
        assert!(one.contains("10.0.0.5".parse().unwrap()));
        assert!(one.contains("::ffff:10.0.0.5".parse().unwrap()));
        assert!(!one.contains("10.0.0.6".parse().unwrap()));
        let many: Network = "2001:db8::/32".parse().unwrap();
        assert!(many.contains("2001:db8:1::9".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<Network>().unwrap_err().to_string().contains("allowed is"));
    }
}
