//! Where a client may have a browser come back to.

use std::net::IpAddr;

use url::{Host, Url};

/// Longest address, in bytes.
const LENGTH_MAX: usize = 2_048;

/// What may be registered, as a phrase.
pub const ALLOWED: &str = "https://HOST/PATH, http://127.0.0.1/PATH or another loopback address, or for native apps a scheme with a dot as in \
     com.example.app:/PATH; without a fragment, a user name, * or spaces";

/// Whether a client may register this address. Source: RFC 6749 §3.1.2, RFC 8252 §7.1 and §7.3, RFC 9700 §2.1.
pub fn may_be_registered(text: &str) -> bool {
    let is_plain = text.len() <= LENGTH_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\*#<>\"".contains(&byte));
    let Some(url) = is_plain.then(|| Url::parse(text).ok()).flatten() else { return false };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    // The parser mends what is not written exactly, and a browser may mend it in another way.
    let after = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    let names_host = url.has_host() && after.is_some_and(|host| !host.starts_with('/'));
    match url.scheme() {
        "https" => names_host,
        "http" => names_host && is_loopback(&url),
        scheme => scheme.contains('.') && text.starts_with(scheme),
    }
}

/// What this server may be told to call, as a phrase.
pub const CALLABLE: &str = "https://HOST/PATH, or http://127.0.0.1/PATH or another loopback address; without a fragment or a user name";

/// Whether this server may be told to call this address (OpenID Connect Back-Channel Logout 1.0 §2.2).
pub fn may_be_called(text: &str) -> bool {
    may_be_registered(text) && (text.starts_with("https://") || text.starts_with("http://"))
}

/// Whether a browser may be sent to `asked` when `registered` is what the client registered: byte for byte, but for the
/// port of a loopback address, which a native app gets from its system (RFC 8252 §7.3).
pub fn is_match(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    match (loopback_parts(registered), loopback_parts(asked)) {
        (Some(registered), Some(asked)) => registered == asked,
        (Some(_), None) | (None, Some(_) | None) => false,
    }
}

/// Host literal and what follows its port, of an address at a loopback literal.
fn loopback_parts(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let after = &rest[host.len()..];
    let path = match after.strip_prefix(':') {
        None => after,
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (port, path) = after.split_at(digits);
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            path
        }
    };
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((host, path))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_loopback_and_schemes_of_apps_may_be_registered() {
        for good in [
            "https://app.example.com/callback",
            "https://app.example.com:8443/cb?tenant=1",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8080/cb",
            "http://[::1]:9/cb",
            "http://localhost:3000/cb",
            "com.example.app:/callback",
            "com.example.app://callback",
        ] {
            assert!(may_be_registered(good), "{good}");
        }
        let long = format!("https://app.example.com/{}", "a".repeat(2_048));
        for bad in [
            "",
            "/callback",
            "app.example.com/cb",
            "http://app.example.com/cb",
            "http://127.0.0.1.example.com/cb",
            "http://10.0.0.1/cb",
            "https://app.example.com/cb#part",
            "https://*.example.com/cb",
            "https://ada@app.example.com/cb",
            "https://ada:pw@app.example.com/cb",
            "https:app.example.com/cb",
            "https:///app.example.com/cb",
            "https://app.example.com\\cb",
            "https://app.example.com/c b",
            "https://app.example.com/\u{e4}",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "file:///etc/passwd",
            long.as_str(),
        ] {
            assert!(!may_be_registered(bad), "{bad}");
        }
    }

    #[test]
    fn an_address_matches_byte_for_byte() {
        let registered = "https://app.example.com/cb?x=1";
        assert!(is_match(registered, registered));
        for other in [
            "https://app.example.com/cb",
            "https://app.example.com/cb?x=1&y=2",
            "https://app.example.com/cb/?x=1",
            "https://app.example.com:443/cb?x=1",
            "https://APP.example.com/cb?x=1",
            "http://app.example.com/cb?x=1",
            "https://app.example.com/%63b?x=1",
            "https://app.example.com/x/../cb?x=1",
        ] {
            assert!(!is_match(registered, other), "{other}");
        }
    }

    #[test]
    fn a_loopback_literal_matches_at_any_port() {
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb"),
            ("http://[::1]/cb?a", "http://[::1]:51004/cb?a"),
            ("http://127.0.0.1", "http://127.0.0.1:51004"),
        ] {
            assert!(is_match(registered, asked), "{asked}");
        }
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x"),
            ("http://127.0.0.1/cb", "http://[::1]:51004/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example.com/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.example.com/cb"),
            ("http://127.0.0.1", "http://127.0.0.1.example.com"),
            ("http://127.0.0.2/cb", "http://127.0.0.2:51004/cb"),
            ("http://localhost/cb", "http://localhost:51004/cb"),
        ] {
            assert!(!is_match(registered, asked), "{asked}");
        }
    }
}
