//! From the bytes of a code to text.

use rxing::{DecodeHints, common::string_utils::guessCharset};

/// Text of a payload that declares no encoding: UTF-8 where it is that, else the legacy encoding that fits best.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    guessCharset(bytes, &DecodeHints::default())
        .and_then(|charset| charset.decode(bytes).ok())
        .and_then(believable)
}

/// Lets decoded text pass, and nothing that no legacy text has: such a payload is data, whatever it decodes to.
pub(super) fn believable(text: String) -> Option<String> {
    let foreign = |c: char| matches!(c, '\0' | '\u{80}'..='\u{9f}' | char::REPLACEMENT_CHARACTER);
    if text.is_empty() || text.contains(foreign) { None } else { Some(text) }
}
