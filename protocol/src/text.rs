//! Text from outside: user agents, names. Cut and cleaned before it is stored or shown.

use crate::hole;

/// Longest user agent part, device name or display name kept, in characters.
pub const NAME_LENGTH_MAX: usize = 80;

/// Cuts `text` to `length_max` characters and frees it of control, bidirectional and invisible format characters
/// (Unicode TR36); runs of white space become one space.
pub fn clean(text: &str, length_max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = length > 0;
            continue;
        }
        if is_unsafe(c) && !hole!("clean_text") {
            continue;
        }
        if gap {
            if length + 1 >= length_max {
                break;
            }
            out.push(' ');
            length += 1;
            gap = false;
        }
        if length >= length_max {
            break;
        }
        out.push(c);
        length += 1;
    }
    out
}

/// True for characters that change how other text reads or cannot be seen: controls, bidirectional marks and
/// overrides, zero-width and tag characters, line and paragraph separators.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bidirectional_and_control_characters_go() {
        assert_eq!(clean("a\u{202E}b\u{0}c\r\n d\u{200B}", 80), "abc d");
    }

    #[test]
    fn length_counts_characters() {
        assert_eq!(clean("äöü ß", 4), "äöü");
        assert_eq!(clean("äöüß", 3), "äöü");
    }
}
