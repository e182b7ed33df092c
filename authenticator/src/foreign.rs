//! Whatever is no code of an enrolled server: what it looks like, made safe to show. Nothing here follows anything.

use std::fmt::Write as _;

use protocol::link::{Kind, LoginLink};
use protocol::origin::Origin;
use protocol::text::is_unsafe;

use crate::view::{ForeignKind, ForeignNote};

/// Most characters that are shown.
const SHOWN_CHARACTERS_MAX: usize = 4_096;

/// A foreign text, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What it looks like.
    pub kind: ForeignKind,
    /// The text with unsafe characters spelled out, cut to 4,096 characters.
    pub text: String,
    /// It was longer.
    pub truncated: bool,
    /// What to tell about it.
    pub note: ForeignNote,
}

impl Foreign {
    /// A text that is no link of ours.
    pub fn text(raw: &str, kind: Kind) -> Self {
        let (text, truncated) = made_safe(raw);
        Self { kind: kind_of(raw, kind), text, truncated, note: ForeignNote::None }
    }

    /// Bytes that are no text, as hexadecimal.
    pub fn binary(raw: &[u8]) -> Self {
        let mut hex = String::new();
        for byte in raw.iter().take(SHOWN_CHARACTERS_MAX / 3) {
            let _ = write!(hex, "{byte:02x} ");
        }
        let truncated = raw.len() > SHOWN_CHARACTERS_MAX / 3;
        Self {
            kind: ForeignKind::Binary,
            text: hex.trim_end().to_owned(),
            truncated,
            note: ForeignNote::None,
        }
    }

    /// A login code of a server that is not among `enrolled`.
    pub fn login(raw: &str, link: &LoginLink, enrolled: &[Origin]) -> Self {
        let (text, truncated) = made_safe(raw);
        let origin = link.origin.to_string();
        let note = match enrolled.iter().find(|known| looks_like(link.origin.host(), known.host())) {
            Some(known) => ForeignNote::Lookalike { origin, resembles: known.to_string() },
            None => ForeignNote::UnknownServer { origin },
        };
        Self { kind: ForeignKind::LoginCode, text, truncated, note }
    }
}

/// Spells out what cannot be seen or turns text around; line breaks and tabs stay.
fn made_safe(raw: &str) -> (String, bool) {
    let mut text = String::new();
    let mut characters = raw.chars();
    for c in characters.by_ref().take(SHOWN_CHARACTERS_MAX) {
        if is_unsafe(c) && !matches!(c, '\n' | '\t') {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    (text, characters.next().is_some())
}

fn kind_of(raw: &str, kind: Kind) -> ForeignKind {
    match kind {
        Kind::WebAddress => ForeignKind::WebAddress,
        Kind::Damaged => ForeignKind::LoginCode,
        Kind::Text => ForeignKind::Text,
        Kind::Scheme => {
            let scheme = raw.trim_start().split(':').next().unwrap_or_default().to_ascii_lowercase();
            match scheme.as_str() {
                "wifi" => ForeignKind::Wifi,
                "begin" | "mecard" | "bizcard" => ForeignKind::Contact,
                "mailto" | "matmsg" | "smtp" => ForeignKind::Email,
                "tel" | "sms" | "smsto" | "mmsto" => ForeignKind::Phone,
                "geo" => ForeignKind::Place,
                "otpauth" | "otpauth-migration" => ForeignKind::OneTimePassword,
                _ => ForeignKind::OtherScheme,
            }
        }
    }
}

/// True when a hurried eye takes `host` for `known`: one edit apart, the same after folding digits that look like
/// letters, or `known` as a label sequence inside `host` (`login.example.com.evil.net`). The host itself is no lookalike of
/// itself (another port or scheme of the same host is simply another server).
fn looks_like(host: &str, known: &str) -> bool {
    if host == known || known.parse::<std::net::IpAddr>().is_ok() || known == "localhost" {
        return false;
    }
    let dashed = known.replace('.', "-");
    host.contains(known)
        || host.contains(&dashed)
        || folded(host) == folded(known)
        || one_edit_apart(host, known)
}

fn folded(host: &str) -> String {
    host.replace("rn", "m")
        .replace("vv", "w")
        .chars()
        .filter(|c| *c != '-')
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            '3' => 'e',
            '5' => 's',
            other => other,
        })
        .collect()
}

fn one_edit_apart(a: &str, b: &str) -> bool {
    let (short, long) =
        if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same_start = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short_rest, long_rest) = (&short[same_start..], &long[same_start..]);
    if short.len() == long.len() {
        let swapped = short_rest.len() >= 2
            && short_rest[0] == long_rest[1]
            && short_rest[1] == long_rest[0]
            && short_rest[2..] == long_rest[2..];
        short_rest.get(1..) == long_rest.get(1..) || swapped
    } else {
        short_rest == &long_rest[1..]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use protocol::link::Payload;

    #[test]
    fn schemes_are_told_apart_and_never_followed() {
        for (raw, kind) in [
            ("javascript:alert(1)", ForeignKind::OtherScheme),
            ("file:///etc/passwd", ForeignKind::OtherScheme),
            ("WIFI:S:net;T:WPA;P:pw;;", ForeignKind::Wifi),
            ("BEGIN:VCARD\nFN:Ada\nEND:VCARD", ForeignKind::Contact),
            ("mailto:ada@example.com", ForeignKind::Email),
            ("otpauth://totp/x?secret=ABC", ForeignKind::OneTimePassword),
            ("https://example.com/", ForeignKind::WebAddress),
            ("just words", ForeignKind::Text),
        ] {
            let Payload::Other(seen) = Payload::parse(raw) else { panic!("{raw} is not ours") };
            assert_eq!(Foreign::text(raw, seen).kind, kind, "{raw}");
        }
    }

    #[test]
    fn what_turns_text_around_is_spelled_out() {
        let shown = Foreign::text("a\u{202E}b\u{0}c\nd", Kind::Text);
        assert_eq!(shown.text, "a\\u{202e}b\\u{0}c\nd");
    }

    #[test]
    fn three_kilobytes_are_shown_and_more_is_cut() {
        assert!(!Foreign::text(&"x".repeat(3_000), Kind::Text).truncated);
        let shown = Foreign::text(&"x".repeat(5_000), Kind::Text);
        assert_eq!((shown.text.len(), shown.truncated), (4_096, true));
    }

    #[test]
    fn lookalikes_of_an_enrolled_host_are_named() {
        for host in [
            "1ogin.example.com",
            "login.exarnple.com",
            "login.example.com.evil.net",
            "login-example-com.net",
            "login.exmaple.com",
            "login.example.co",
            "logn.example.com",
        ] {
            assert!(looks_like(host, "login.example.com"), "{host}");
        }
        for host in ["login.example.com", "other.example.com", "example.org", "127.0.0.2"] {
            assert!(!looks_like(host, "login.example.com"), "{host}");
        }
    }
}
