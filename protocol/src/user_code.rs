//! The user code: a request to be typed where there is no camera (RFC 8628 §6.1).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// Eight letters without vowels, shown as `XXXX-XXXX`; 34.5 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    /// Takes 128 random bits; the bias is below 2^-93.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(bytes);
        Self(std::array::from_fn(|_| {
            let letter = ALPHABET[usize::try_from(rest % 20).expect("below 20")];
            rest /= 20;
            letter
        }))
    }

    /// Reads what a person typed: upper-cases it and drops every other character (RFC 8628 §6.1); `None` unless
    /// exactly eight letters of the alphabet remain.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut letters = typed.bytes().map(|b| b.to_ascii_uppercase()).filter(|b| ALPHABET.contains(b));
        let mut code = [0; LENGTH];
        for slot in &mut code {
            *slot = letters.next()?;
        }
        letters.next().is_none().then_some(Self(code))
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.0.iter().enumerate() {
            if at == LENGTH / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// Silent: a live code in a log could be typed by its reader.
impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

impl Serialize for UserCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UserCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a user code is eight letters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_forgiving_about_case_and_signs_only() {
        let code = UserCode::from_random(*b"0123456789abcdef");
        let shown = code.to_string();
        assert_eq!(shown.len(), 9);
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), format!(" {shown}.\n")] {
            assert_eq!(UserCode::parse(&typed), Some(code), "{typed}");
        }
        for bad in ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI"] {
            assert_eq!(UserCode::parse(bad), None, "{bad}");
        }
    }
}
