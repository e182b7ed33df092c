//! Where a caller is: its address, how far that can be believed, and what it is limited by.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A caller's network address after the proxy rule (docs/protocol.md, "HTTP interface").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    ip: IpAddr,
    certain: bool,
}

/// What a limit counts: one IPv4 address, or the /64 of an IPv6 address, since a customer gets at least that many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Neighbourhood(IpAddr);

impl ClientAddress {
    /// Takes an address; `certain` is false when a proxy that is not listed may stand in between.
    pub const fn new(ip: IpAddr, certain: bool) -> Self {
        Self { ip: ip.to_canonical(), certain }
    }

    /// Whether it can be compared with another one.
    pub const fn is_certain(self) -> bool {
        self.certain
    }

    /// What limits count it as.
    pub const fn neighbourhood(self) -> Neighbourhood {
        Neighbourhood::of(self.ip)
    }

    /// Whether `page` (the text of an address, as a request keeps it) and this address share a network; `None` when
    /// that cannot be told.
    ///
    /// Source: docs/protocol.md, `same_network`. Loopback never equals loopback under a public origin: both are then
    /// marked as uncertain where the address is taken.
    pub fn same_network(self, page: &str, page_is_certain: bool) -> Option<bool> {
        let page: IpAddr = page.parse().ok()?;
        if !self.certain || !page_is_certain {
            return None;
        }
        match (self.ip, page.to_canonical()) {
            (IpAddr::V4(here), IpAddr::V4(there)) => {
                Some(here == there || (here.is_loopback() && there.is_loopback()))
            }
            (IpAddr::V6(here), IpAddr::V6(there)) => Some(prefix_64(here) == prefix_64(there)),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

impl Neighbourhood {
    const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self(ip),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits((prefix_64(address) as u128) << 64))),
        }
    }
}

impl fmt::Display for Neighbourhood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Stands for "nowhere"; used where a peer has no address, as behind a Unix socket.
pub const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

const fn prefix_64(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> ClientAddress {
        ClientAddress::new(ip.parse().unwrap(), true)
    }

    #[test]
    fn a_network_is_one_ipv4_address_or_one_ipv6_prefix() {
        for (device, page, same) in [
            ("203.0.113.7", "203.0.113.7", Some(true)),
            ("203.0.113.7", "203.0.113.8", Some(false)),
            ("::ffff:203.0.113.7", "203.0.113.7", Some(true)),
            ("2001:db8:1:2::5", "2001:db8:1:2:ffff::", Some(true)),
            ("2001:db8:1:2::5", "2001:db8:1:3::5", Some(false)),
            ("203.0.113.7", "2001:db8:1:3::5", None),
            ("127.0.0.1", "127.0.0.2", Some(true)),
            ("203.0.113.7", "", None),
        ] {
            assert_eq!(at(device).same_network(page, true), same, "{device} {page}");
        }
    }

    #[test]
    fn what_a_foreign_proxy_said_is_not_compared() {
        assert_eq!(at("203.0.113.7").same_network("203.0.113.7", false), None);
        let uncertain = ClientAddress::new("203.0.113.7".parse().unwrap(), false);
        assert_eq!(uncertain.same_network("203.0.113.7", true), None);
    }

    #[test]
    fn limits_count_a_whole_ipv6_prefix_as_one() {
        assert_eq!(at("2001:db8:1:2::5").neighbourhood(), at("2001:db8:1:2:9::").neighbourhood());
        assert_ne!(at("2001:db8:1:2::5").neighbourhood(), at("2001:db8:1:3::5").neighbourhood());
        assert_eq!(at("2001:db8:1:2::5").neighbourhood().to_string(), "2001:db8:1:2::");
    }
}
