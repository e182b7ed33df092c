//! The check number: shown by the page, typed into the authenticator, so that a person looks at both screens.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many numbers may be tried for one scan; the last wrong one denies the request.
pub const TRIES: u8 = 3;

/// A number from 10 to 99; two digits everywhere. Made at the first scan, never sent to the authenticator.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct CheckNumber(u8);

impl CheckNumber {
    /// Takes 64 random bits; the bias is below 2^-57.
    pub const fn from_random(bits: u64) -> Self {
        Self(10 + (bits % 90) as u8)
    }

    /// Reads exactly two ASCII digits from 10 to 99.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 2] = text.as_bytes().try_into().ok()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = (digits[0] - b'0') * 10 + (digits[1] - b'0');
        (number >= 10).then_some(Self(number))
    }
}

impl fmt::Display for CheckNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Silent: the number must not reach a log before it is typed.
impl fmt::Debug for CheckNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckNumber(..)")
    }
}

impl Serialize for CheckNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CheckNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a check number is two digits from 10 to 99"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_from_10_to_99() {
        assert_eq!(CheckNumber::from_random(0).to_string(), "10");
        assert_eq!(CheckNumber::from_random(89).to_string(), "99");
        assert_eq!(CheckNumber::parse("47").map(|n| n.to_string()).as_deref(), Some("47"));
        for bad in ["", "4", "09", "+9", "100", "4a", "４７"] {
            assert_eq!(CheckNumber::parse(bad), None, "{bad}");
        }
    }
}
