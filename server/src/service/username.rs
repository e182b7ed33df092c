/// Longest name for signing in, in characters.
pub const USERNAME_LENGTH_MAX: usize = 64;

/// The one spelling of a name for signing in: lower case, without white space around it. Accounts are made and looked
/// up with it, and compared byte for byte.
///
/// `None` for anything but 1 to 64 of the letters a to z, digits and `. _ - + @` that start with a letter or digit:
/// ASCII alone, so that two names that look the same are the same.
pub fn username(text: &str) -> Option<String> {
    let name = text.trim().to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'@');
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    (starts_well && name.len() <= USERNAME_LENGTH_MAX && name.bytes().all(allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_around_make_no_other_name() {
        for text in ["ada", "Ada", " ADA\n"] {
            assert_eq!(username(text).as_deref(), Some("ada"));
        }
        assert_eq!(username("ada.l+x@example.com").as_deref(), Some("ada.l+x@example.com"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(USERNAME_LENGTH_MAX + 1);
        for text in ["", " ", "-x", "--help", "a b", "ädа", "a/b", "a\u{202e}", &long] {
            assert_eq!(username(text), None, "{text}");
        }
    }
}
