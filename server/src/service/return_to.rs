//! Where a page goes after signing in: a path of the own origin, whatever it is spelled like.

use protocol::origin::Origin;
use url::Url;

use crate::oauth::TRANSACTION_LENGTH_MAX;

/// Longest `return_to` that a page may ask for, in bytes.
const LENGTH_MAX: usize = 2_048;
/// Longest one that leads on with a site's question.
const WITH_TRANSACTION_MAX: usize = TRANSACTION_LENGTH_MAX + 64;

/// Judges `text` as a browser will resolve it (WHATWG), and gives what the page may follow.
///
/// `None`: another origin, a backslash, a control character, too long, or a path that would name a host when it is
/// taken alone (`//host`).
pub(crate) fn checked(text: &str, origin: &Origin) -> Option<String> {
    checked_up_to(LENGTH_MAX, text, origin)
}

/// As [`checked`], with room for a transaction.
pub(crate) fn checked_with_transaction(text: &str, origin: &Origin) -> Option<String> {
    checked_up_to(WITH_TRANSACTION_MAX, text, origin)
}

fn checked_up_to(length_max: usize, text: &str, origin: &Origin) -> Option<String> {
    if text.len() > length_max || text.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    let base = Url::parse(origin.as_str()).ok()?;
    let url = base.join(text).ok()?;
    // `Url::origin` of a `blob:` is the inner one, so each part is compared.
    let same = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    if !same || url.path().starts_with("//") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if text.starts_with('/') {
        return Some(text.to_owned());
    }
    Some(url[url::Position::BeforePath..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Option<String> {
        checked(text, &Origin::parse("https://login.example.com").unwrap())
    }

    #[test]
    fn paths_of_the_own_origin_are_kept() {
        for (given, kept) in [
            ("/", "/"),
            ("/inbox?x=1#top", "/inbox?x=1#top"),
            ("/ü", "/ü"),
            ("inbox", "/inbox"),
            ("https://login.example.com/a", "/a"),
            ("https://login.example.com:443/a?b", "/a?b"),
            ("?x", "/?x"),
            // A scheme without slashes is relative to a base of the same scheme, however it looks.
            ("https:evil.example", "/evil.example"),
            ("https:/evil.example", "/evil.example"),
            ("", "/"),
        ] {
            assert_eq!(check(given).as_deref(), Some(kept), "{given}");
        }
    }

    #[test]
    fn everything_that_leads_elsewhere_is_refused() {
        let long = format!("/{}", "a".repeat(LENGTH_MAX));
        for bad in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            " //evil.example",
            "https://evil.example",
            "http://login.example.com/",
            "https://login.example.com:444/",
            "https://login.example.com@evil.example/",
            "https://user@login.example.com/",
            "https://login.example.com.evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "blob:https://login.example.com/x",
            "/a\nb",
            "\t//evil.example",
            "/a\u{7f}",
            &long,
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
