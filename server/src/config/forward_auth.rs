//! Hosts that this server stands guard for.

use std::fmt;
use std::str::FromStr;

use protocol::origin::Origin;
use serde::{Deserialize, Deserializer};
use url::Url;

/// A host behind a proxy that asks this server who comes: exact, with its port unless that is 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedHost(Origin);

/// What is no [`ProtectedHost`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no host; allowed is as in \"files.example.com\" or \"files.example.com:8443\", in lower case"
)]
pub struct NotAHost(String);

impl ProtectedHost {
    /// Its origin: https, but http on loopback.
    pub const fn origin(&self) -> &Origin {
        &self.0
    }

    /// Host and port as browsers write them.
    pub fn name(&self) -> &str {
        self.0.host_and_port()
    }
}

impl FromStr for ProtectedHost {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let text = text.trim();
        let of = |address: &str| Url::parse(address).ok().and_then(|url| Origin::of(&url).ok());
        let exact = |origin: &Origin| origin.host_and_port() == text;
        let on_loopback = of(&format!("http://{text}")).filter(Origin::is_loopback);
        let origin = on_loopback.or_else(|| of(&format!("https://{text}")));
        origin.filter(exact).map(Self).ok_or_else(|| NotAHost(text.to_owned()))
    }
}

impl fmt::Display for ProtectedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ProtectedHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::tests::with_file;

    #[test]
    fn a_host_is_exact() {
        for (text, origin) in [
            ("files.example.com", "https://files.example.com"),
            ("files.example.com:8443", "https://files.example.com:8443"),
            ("127.0.0.1:8090", "http://127.0.0.1:8090"),
            ("localhost:8090", "http://localhost:8090"),
            ("[::1]:8090", "http://[::1]:8090"),
        ] {
            let host: ProtectedHost = text.parse().unwrap();
            assert_eq!((host.origin().as_str(), host.name()), (origin, text));
        }
        for bad in [
            "",
            "*.example.com",
            "Files.example.com",
            "files.example.com:443",
            "https://files.example.com",
            "files.example.com/",
            "files.example.com/a",
            "ada@files.example.com",
            "files example",
            "files.example.com:port",
        ] {
            assert!(bad.parse::<ProtectedHost>().is_err(), "{bad}");
        }
    }

    /// Cookies know no ports: a site at the same host would be given those of the login.
    #[test]
    fn a_guarded_host_shares_its_name_with_no_other() {
        let with = |hosts: &str| {
            let origin = "origin = \"https://login.example.com\"";
            with_file(&format!("{origin}\n[forward_auth]\nhosts = [{hosts}]\n"))
        };
        with("\"files.example.com\", \"wiki.example.com:8443\", \"127.0.0.1:8090\", \"127.0.0.1:8091\"")
            .unwrap();
        for hosts in [
            "\"login.example.com\"",
            "\"login.example.com:8443\"",
            "\"files.example.com\", \"files.example.com\"",
            "\"files.example.com\", \"files.example.com:8443\"",
            "\"127.0.0.1:8090\", \"127.0.0.1:8090\"",
        ] {
            let error = with(hosts).unwrap_err().to_string();
            assert!(error.contains("forward_auth.hosts is"), "{hosts}: {error}");
        }
    }
}
