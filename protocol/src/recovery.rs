//! The recovery code: kept on paper, it makes a device an authenticator when the only one is lost (docs/protocol.md,
//! Additions).

use std::fmt;

use crate::encoding;
use crate::secret::{SecretHash, sha256};

/// Codes that are made at once.
pub const CODES: usize = 10;
const BYTES: usize = 10;
const GROUP: usize = 4;
/// What keeps the hash of a code apart from every other hash of ten bytes.
const LABEL: &[u8] = b"countersign recovery v1";

/// 80 random bits, shown as four groups of four base32 characters: `ABCD-EFGH-IJKL-MNOP`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCode([u8; BYTES]);

impl RecoveryCode {
    /// Takes 16 bytes from the operating system's generator and keeps ten.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(std::array::from_fn(|at| bytes[at]))
    }

    /// Reads what a person typed: case, blanks and dashes do not matter, and the digits 0, 1 and 8, which no code has, are
    /// taken for the letters O, I and B. `None` unless exactly sixteen characters remain.
    pub fn parse(typed: &str) -> Option<Self> {
        let meant = |c: char| match c {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other.to_ascii_uppercase(),
        };
        let is_between = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
        let text: String = typed.chars().filter(|c| !is_between(c)).map(meant).take(2 * BYTES).collect();
        encoding::array_from_base32(&text).map(Self)
    }

    /// The text form, in groups.
    pub fn expose(&self) -> String {
        let text = encoding::base32(&self.0);
        let groups: Vec<_> = (0..text.len()).step_by(GROUP).map(|at| &text[at..at + GROUP]).collect();
        groups.join("-")
    }

    /// SHA-256 of a label and the ten bytes: what a store may keep. 80 random bits need no slow hash.
    pub fn hash(&self) -> SecretHash {
        SecretHash::from_bytes(sha256(&[LABEL, &self.0].concat()))
    }
}

/// Silent.
impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_people_type_it() {
        let code = RecoveryCode::from_random([0xA7; 16]);
        let text = code.expose();
        assert_eq!(text, "U6T2-PJ5H-U6T2-PJ5H");
        for typed in
            [text.as_str(), "u6t2pj5hu6t2pj5h", " U6T2 PJ5H\tU6T2 – PJ5H\n", "u6t2 - pj5h - u6t2 - pj5h"]
        {
            assert_eq!(RecoveryCode::parse(typed), Some(code), "{typed}");
        }
        assert_eq!(RecoveryCode::parse("0018-0018-0018-0018"), RecoveryCode::parse("OOIB-OOIB-OOIB-OOIB"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let long = "A".repeat(10_000);
        for text in [
            "",
            "----",
            "AAAA-AAAA-AAAA-AAA",
            "AAAA-AAAA-AAAA-AAAAA",
            "AAAA-AAAA-AAAA-AAA9",
            "ÄAAA-AAAA-AAAA-AAAA",
            &long,
        ] {
            assert_eq!(RecoveryCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn its_hash_and_its_debug_do_not_show_it() {
        let code = RecoveryCode::from_random([1; 16]);
        assert_eq!(format!("{code:?}"), "RecoveryCode(..)");
        assert_ne!(code.hash(), SecretHash::from_bytes(sha256(&[1; 10])));
        assert_ne!(code.hash(), RecoveryCode::from_random([2; 16]).hash());
    }
}
