//! What a browser says of itself, in the two or three words that a person can check against what they see.

use protocol::context::Claimed;
use protocol::text::clean;

/// Longest header that is looked at, in bytes.
const HEADER_LENGTH_MAX: usize = 1_024;
/// Longest word pair kept, in characters.
const CLAIM_LENGTH_MAX: usize = 40;
/// Longest language tag kept, in characters (BCP 47 §4.4.1 advises 35).
const LANGUAGE_LENGTH_MAX: usize = 35;

/// Token in the user agent, name for people. The first that occurs wins: browsers list those they resemble later.
const BROWSERS: [(&str, &str); 15] = [
    ("Vivaldi/", "Vivaldi"),
    ("OPR/", "Opera"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("EdgiOS/", "Edge"),
    ("EdgA/", "Edge"),
    ("Edg/", "Edge"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome (headless)"),
    ("Chrome/", "Chrome"),
    ("Epiphany/", "GNOME Web"),
    ("Version/", "Safari"),
];

/// Reads `User-Agent` and `Accept-Language`; whatever cannot be read is empty.
pub(crate) fn claimed(user_agent: Option<&str>, accept_language: Option<&str>) -> Claimed {
    let agent = cut(user_agent.unwrap_or_default());
    Claimed {
        browser: clean(&browser(agent), CLAIM_LENGTH_MAX),
        system: clean(&system(agent), CLAIM_LENGTH_MAX),
        language: language(cut(accept_language.unwrap_or_default())),
    }
}

fn cut(header: &str) -> &str {
    let mut end = header.len().min(HEADER_LENGTH_MAX);
    while !header.is_char_boundary(end) {
        end -= 1;
    }
    &header[..end]
}

fn browser(agent: &str) -> String {
    for (token, name) in BROWSERS {
        let Some((_, rest)) = agent.split_once(token) else {
            continue;
        };
        if name == "Safari" && !agent.contains("Safari/") {
            continue;
        }
        return match major(rest) {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        };
    }
    String::new()
}

fn system(agent: &str) -> String {
    let after = |token: &str| agent.split_once(token).map(|(_, rest)| rest);
    if let Some(rest) = after("Windows NT ") {
        return match version(rest).as_str() {
            "6.3" => "Windows 8.1".to_owned(),
            "6.1" => "Windows 7".to_owned(),
            // Browsers have frozen this word: Windows 11 says 10.0 as well as Windows 10.
            _ => "Windows".to_owned(),
        };
    }
    for device in ["iPhone", "iPad"] {
        if after(device).is_some() {
            return match after(" OS ").and_then(major) {
                Some(version) => format!("{device}, iOS {version}"),
                None => device.to_owned(),
            };
        }
    }
    if let Some(rest) = after("Android ") {
        return major(rest).map_or_else(|| "Android".to_owned(), |version| format!("Android {version}"));
    }
    for (token, name) in [
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Ubuntu", "Ubuntu"),
        ("Fedora", "Fedora"),
        ("Linux", "Linux"),
        ("FreeBSD", "FreeBSD"),
        ("OpenBSD", "OpenBSD"),
    ] {
        if after(token).is_some() {
            return name.to_owned();
        }
    }
    String::new()
}

/// The first language asked for (RFC 9110 §12.5.4), if it has the form of a tag.
fn language(accept: &str) -> String {
    let first = accept.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = first.len() <= LANGUAGE_LENGTH_MAX
        && first.starts_with(|c: char| c.is_ascii_alphabetic())
        && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_tag { first.to_owned() } else { String::new() }
}

fn version(rest: &str) -> String {
    rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').take(8).collect()
}

fn major(rest: &str) -> Option<String> {
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_named_as_people_know_them() {
        for (agent, browser, system) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
                "Firefox 153",
                "Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0",
                "Edge 149",
                "Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/149.0.0.0 Safari/537.36",
                "Chrome (headless) 149",
                "Linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
                "Safari 26",
                "macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/149.0 Mobile/15E148 Safari/604.1",
                "Chrome 149",
                "iPhone, iOS 26",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Mobile Safari/537.36",
                "Chrome 149",
                "Android 16",
            ),
            ("curl/8.5.0", "", ""),
            ("", "", ""),
        ] {
            let claimed = claimed(Some(agent), None);
            assert_eq!((claimed.browser.as_str(), claimed.system.as_str()), (browser, system), "{agent}");
        }
    }

    #[test]
    fn a_hostile_header_gives_short_clean_words() {
        let evil =
            format!("Firefox/{}\u{202E}<script> Windows NT \u{0}{}", "9".repeat(9_000), "é".repeat(9_000));
        let claimed = claimed(Some(&evil), Some("de\u{202E};q=1"));
        assert_eq!(claimed.browser, "Firefox 9999");
        assert_eq!(claimed.language, "");
    }

    #[test]
    fn the_first_language_counts() {
        assert_eq!(claimed(None, Some("de-CH, de;q=0.9, en;q=0.8")).language, "de-CH");
        assert_eq!(claimed(None, Some("*")).language, "");
        assert_eq!(claimed(None, None).language, "");
    }
}
