//! The one spelling of a username: what the store compares byte for byte.

/// Longest username, in characters.
pub const LENGTH_MAX: usize = 64;

/// What is allowed, as a phrase for people.
pub const ALLOWED: &str =
    "1 to 64 of the letters a to z, digits and . _ - + @, starting with a letter or digit";

/// Brings `text` to the one spelling: without white space around it, in lower case. `None` for what is no username.
///
/// ASCII alone, so that two names that look the same are the same.
pub fn spelled(text: &str) -> Option<String> {
    let name = text.trim().to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'@');
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    (starts_well && name.len() <= LENGTH_MAX && name.bytes().all(allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_around_make_no_other_name() {
        for text in ["ada", "Ada", " ADA\n"] {
            assert_eq!(spelled(text).as_deref(), Some("ada"));
        }
        assert_eq!(spelled("ada.l+x@example.com").as_deref(), Some("ada.l+x@example.com"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(LENGTH_MAX + 1);
        for text in ["", " ", "-x", "--help", "a b", "ädа", "a/b", "a\u{202e}", &long] {
            assert_eq!(spelled(text), None, "{text}");
        }
    }
}
