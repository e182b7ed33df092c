//! From the bytes of a code to text.

use rxing::{
    DecodeHints,
    common::{cpp_essentials::DecoderResult, string_utils::guessCharset},
};

use super::soft::Payload;

/// What a decoded bit stream holds; `None` when it is damaged or holds nothing.
pub(super) fn of(decoded: &DecoderResult<bool>) -> Option<Payload> {
    let content = decoded.content();
    if !decoded.isValid() || content.bytes().is_empty() {
        return None;
    }
    let bytes = content.bytes().to_vec();
    // A declared encoding is the code's word; without one UTF-8 wins over the reader's guess.
    let text = if content.has_eci || std::str::from_utf8(&bytes).is_err() {
        believable(decoded.text())
    } else {
        text_of(&bytes)
    };
    Some(Payload { bytes, text })
}

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
fn believable(text: String) -> Option<String> {
    let foreign = |c: char| matches!(c, '\0' | '\u{80}'..='\u{9f}' | char::REPLACEMENT_CHARACTER);
    if text.is_empty() || text.contains(foreign) { None } else { Some(text) }
}
