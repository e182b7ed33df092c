//! From the bytes of a code to text.

use rxing::{DecodeHints, common::string_utils::guessCharset};

/// Text of a payload that declares no encoding: UTF-8 where it is that, else the legacy encoding that fits best.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => plain(text.to_owned()),
        Err(_) => guessCharset(bytes, &DecodeHints::default())
            .and_then(|charset| charset.decode(bytes).ok())
            .and_then(plain),
    }
}

/// Lets text pass, and nothing with control characters that no text has: such a payload is data.
pub(super) fn plain(text: String) -> Option<String> {
    let foreign = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.is_empty() || text.contains(foreign) { None } else { Some(text) }
}
