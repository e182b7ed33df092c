//! The language of a page without a script, from `Accept-Language` (RFC 9110, 12.5.4).

use axum::http::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    /// The one of the two that the browser prefers; English when it wants neither.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (german, english) = (weight_of(wanted, "de"), weight_of(wanted, "en"));
        if german > english { Self::German } else { Self::English }
    }

    /// Its tag, RFC 5646.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// The greatest weight that `list` gives to a language or one of its regions; 0 when it is not there. Of equal weights
/// the earlier entry counts a little more.
fn weight_of(list: &str, language: &str) -> f32 {
    let mut best = 0.0_f32;
    for (place, entry) in list.split(',').take(20).enumerate() {
        let (tag, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        let primary = tag.trim().split('-').next().unwrap_or_default();
        if !primary.eq_ignore_ascii_case(language) {
            continue;
        }
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(0.0);
        let place = f32::from(u8::try_from(place).unwrap_or(u8::MAX));
        if weight > 0.0 {
            best = best.max(weight - place * 0.000_01);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_one_of_two_is_chosen() {
        for (wanted, language) in [
            ("de-DE,de;q=0.9,en;q=0.8", Language::German),
            ("en-US,en;q=0.9,de;q=0.8", Language::English),
            ("fr,de;q=0.5,en;q=0.3", Language::German),
            ("de,en", Language::German),
            ("fr", Language::English),
            ("de;q=0", Language::English),
            ("DE", Language::German),
            ("", Language::English),
            (";;q=,,de;q=x", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, wanted.parse().unwrap());
            assert_eq!(Language::of(&headers), language, "{wanted}");
        }
    }
}
