//! Where a call comes from: the peer, or what a listed proxy says of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use protocol::hole;
use protocol::origin::Origin;

use crate::config::ProxySettings;
use crate::service::{ClientAddress, NOWHERE};

/// Headers by which proxies name clients; from a peer that is not listed they mean that it is one.
const FORWARDING: [&str; 4] = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"];

/// The proxy rule (docs/protocol.md, "HTTP interface"), and what it has warned about.
#[derive(Debug)]
pub(super) struct ProxyRule {
    settings: ProxySettings,
    origin_is_loopback: bool,
    warned_of_proxy: AtomicBool,
    warned_of_loopback: AtomicBool,
}

impl ProxyRule {
    pub(super) fn new(settings: &ProxySettings, origin: &Origin) -> Self {
        Self {
            settings: settings.clone(),
            origin_is_loopback: origin.is_loopback(),
            warned_of_proxy: AtomicBool::new(false),
            warned_of_loopback: AtomicBool::new(false),
        }
    }

    /// The address of whoever called.
    pub(super) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> ClientAddress {
        let Some(peer) = peer.map(|peer| peer.ip().to_canonical()) else {
            return ClientAddress::new(NOWHERE, false);
        };
        if hole!("proxy_list") || self.is_listed(peer) {
            return match self.named(headers) {
                Some(ip) => ClientAddress::new(ip, !self.is_hidden(ip)),
                None => ClientAddress::new(peer, false),
            };
        }
        let foreign_proxy = headers.contains_key(self.settings.header.as_str())
            || FORWARDING.iter().any(|name| headers.contains_key(*name));
        if foreign_proxy {
            warn_once(&self.warned_of_proxy, || {
                tracing::warn!(
                    "A peer that is not listed in proxies.trusted sends a forwarding header; networks are not compared \
                     for its calls. List the proxy, or have it removed"
                );
            });
        }
        let hidden = self.is_hidden(peer);
        if hidden {
            warn_once(&self.warned_of_loopback, || {
                tracing::warn!(
                    "Calls arrive from this machine although the origin is public; networks are not compared for them. \
                     List the proxy in proxies.trusted"
                );
            });
        }
        ClientAddress::new(peer, !foreign_proxy && !hidden)
    }

    /// The right-most address in the one header that is not a listed proxy: everything left of it is hearsay.
    fn named(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let forwarded = self.settings.header.eq_ignore_ascii_case("forwarded");
        let lines: Vec<&str> = headers
            .get_all(self.settings.header.as_str())
            .iter()
            .map(|line| line.to_str())
            .collect::<Result<_, _>>()
            .ok()?;
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let ip = address(if forwarded { for_parameter(entry)? } else { entry })?;
            if !self.is_listed(ip) {
                return Some(ip);
            }
        }
        None
    }

    /// Whether whoever called cannot really be at this address: loopback, while the server is public.
    fn is_hidden(&self, ip: IpAddr) -> bool {
        ip.is_loopback() && !self.origin_is_loopback
    }

    fn is_listed(&self, ip: IpAddr) -> bool {
        self.settings.trusted.iter().any(|network| network.contains(ip))
    }
}

/// The `for` of one element of the header `Forwarded` (RFC 7239 §4).
fn for_parameter(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
    })
}

/// Reads an address, with or without port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = match bare.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(ip.to_canonical())
}

fn warn_once(warned: &AtomicBool, warn: impl FnOnce()) {
    if !warned.swap(true, Ordering::Relaxed) {
        warn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn rule(trusted: &[&str], header: &str, origin: &str) -> ProxyRule {
        let mut settings = Settings::in_memory().proxies;
        settings.trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        settings.header = header.to_owned();
        ProxyRule::new(&settings, &Origin::parse(origin).unwrap())
    }

    fn client(rule: &ProxyRule, peer: &str, lines: &[(&'static str, &str)]) -> (String, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4_000);
        let client = rule.client(Some(peer), &headers);
        (client.to_string(), client.is_certain())
    }

    const PUBLIC: &str = "https://login.example.com";

    #[test]
    fn a_listed_proxy_is_believed_up_to_the_first_address_that_is_not_listed() {
        let rule = rule(&["10.0.0.0/8"], "x-forwarded-for", PUBLIC);
        for (lines, expected) in [
            (vec![("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            (vec![("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.7")], "203.0.113.9"),
            (vec![("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            (vec![("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1"),
            (vec![("x-forwarded-for", "203.0.113.9:1234")], "203.0.113.9"),
        ] {
            assert_eq!(client(&rule, "10.0.0.1", &lines), (expected.to_owned(), true), "{lines:?}");
        }
    }

    #[test]
    fn a_listed_proxy_without_a_usable_word_is_not_compared() {
        let rule = rule(&["10.0.0.0/8"], "x-forwarded-for", PUBLIC);
        for lines in [
            vec![],
            vec![("x-forwarded-for", "unknown")],
            vec![("x-forwarded-for", "203.0.113.9, unknown")],
            vec![("x-forwarded-for", "10.0.0.9")],
            vec![("x-real-ip", "203.0.113.9")],
        ] {
            assert_eq!(client(&rule, "10.0.0.1", &lines), ("10.0.0.1".to_owned(), false), "{lines:?}");
        }
    }

    #[test]
    fn a_peer_that_is_not_listed_is_itself_whatever_it_says() {
        let rule = rule(&["10.0.0.1"], "x-forwarded-for", PUBLIC);
        assert_eq!(client(&rule, "203.0.113.9", &[]), ("203.0.113.9".to_owned(), true));
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let lines = [(name, "10.0.0.1")];
            assert_eq!(client(&rule, "203.0.113.9", &lines), ("203.0.113.9".to_owned(), false), "{name}");
        }
    }

    #[test]
    fn loopback_counts_under_a_loopback_origin_only() {
        let public = rule(&[], "x-forwarded-for", PUBLIC);
        assert_eq!(client(&public, "127.0.0.1", &[]), ("127.0.0.1".to_owned(), false));
        let local = rule(&[], "x-forwarded-for", "http://127.0.0.1:8080");
        assert_eq!(client(&local, "127.0.0.1", &[]), ("127.0.0.1".to_owned(), true));
    }

    #[test]
    fn loopback_behind_a_listed_proxy_counts_under_a_loopback_origin_only() {
        let named = [("x-forwarded-for", "127.0.0.1")];
        let public = rule(&["10.0.0.1"], "x-forwarded-for", PUBLIC);
        assert_eq!(client(&public, "10.0.0.1", &named), ("127.0.0.1".to_owned(), false));
        let local = rule(&["10.0.0.1"], "x-forwarded-for", "http://127.0.0.1:8080");
        assert_eq!(client(&local, "10.0.0.1", &named), ("127.0.0.1".to_owned(), true));
    }

    #[test]
    fn a_peer_without_an_address_is_not_compared() {
        let rule = rule(&[], "x-forwarded-for", PUBLIC);
        assert!(!rule.client(None, &HeaderMap::new()).is_certain());
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let rule = rule(&["10.0.0.1"], "forwarded", PUBLIC);
        let lines = [("forwarded", "for=6.6.6.6, proto=https;For=\"[2001:db8::5]:80\"")];
        assert_eq!(client(&rule, "10.0.0.1", &lines), ("2001:db8::5".to_owned(), true));
    }
}
