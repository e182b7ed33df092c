//! The one public origin of a server.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use url::{Host, Url};

/// Scheme, host and port in the exact form that `Origin` headers, `htu`, `aud`, cookies and QR links compare:
/// ASCII, lower case, default port omitted, no path (RFC 6454 §6.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    text: String,
    https: bool,
    loopback: bool,
    host_length: usize,
}

/// Why a text is not an [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not a scheme and a host with nothing behind them.
    #[error("an origin is https://HOST or https://HOST:PORT, in lower case, without a path")]
    Form,
    /// Plain http anywhere but on loopback.
    #[error("plain http works on loopback only; use https")]
    PlainHttp,
}

impl Origin {
    /// Reads the exact form.
    ///
    /// # Errors
    /// [`OriginError::Form`] for any other spelling; [`OriginError::PlainHttp`] for `http:` beyond loopback.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::Form)?;
        let origin = Self::of(&url)?;
        if origin.text == text { Ok(origin) } else { Err(OriginError::Form) }
    }

    /// The origin of a parsed URL.
    ///
    /// # Errors
    /// As [`Origin::parse`]; a URL with a user or password is [`OriginError::Form`].
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(OriginError::Form),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Form);
        }
        let host = url.host().ok_or(OriginError::Form)?;
        let loopback = match &host {
            Host::Domain(name) => *name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        if let Host::Domain(name) = &host
            && !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        {
            return Err(OriginError::Form);
        }
        if !https && !loopback {
            return Err(OriginError::PlainHttp);
        }
        let host = host.to_string();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self {
            text: format!("{}://{host}{port}", url.scheme()),
            https,
            loopback,
            host_length: host.len(),
        })
    }

    /// The exact form, for comparing.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True with TLS: cookies get the `__Host-` prefix.
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// True on `localhost`, 127.0.0.0/8 and `[::1]`.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Host without port, as a person reads it.
    pub fn host(&self) -> &str {
        let start = self.scheme_length();
        &self.text[start..start + self.host_length]
    }

    /// Host, and the port when it is not the default one.
    pub fn host_and_port(&self) -> &str {
        &self.text[self.scheme_length()..]
    }

    /// The port, the scheme's default one included.
    pub fn port(&self) -> u16 {
        self.text[self.scheme_length() + self.host_length..]
            .strip_prefix(':')
            .and_then(|port| port.parse().ok())
            .unwrap_or(if self.https { 443 } else { 80 })
    }

    const fn scheme_length(&self) -> usize {
        if self.https { "https://".len() } else { "http://".len() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.text)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_an_origin() {
        for good in [
            "https://login.example.com",
            "https://login.example.com:8443",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:9",
        ] {
            assert_eq!(Origin::parse(good).map(|o| o.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "https://Login.example.com",
            "https://a.example/",
            "https://a.example:443",
            "https://u@a.example",
            "ftp://a.example",
            "https://xn--/",
            "a.example",
            "https://a_b.example",
            "https://a.example/x",
            "https://a.example?x",
            "",
        ] {
            assert_eq!(Origin::parse(bad).err(), Some(OriginError::Form), "{bad}");
        }
        assert_eq!(Origin::parse("http://a.example"), Err(OriginError::PlainHttp));
    }

    #[test]
    fn host_and_port_are_told_apart() {
        let origin = Origin::parse("http://[::1]:9").unwrap();
        assert_eq!((origin.host(), origin.host_and_port(), origin.port()), ("[::1]", "[::1]:9", 9));
        let origin = Origin::parse("https://a.example").unwrap();
        assert_eq!((origin.host(), origin.port(), origin.is_loopback()), ("a.example", 443, false));
    }
}
