//! The user code: typing is forgiving, yet each code has one form, and no typing gives two of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{check::CheckNumber, user_code::UserCode};

const ALPHABET: &str = "BCDFGHJKLMNPQRSTVWXZ";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(random) = <[u8; 16]>::try_from(bytes) {
        assert_is_canonical(UserCode::from_random(random));
    }
    let Ok(typed) = std::str::from_utf8(bytes) else { return };
    let letters: String =
        typed.chars().map(|c| c.to_ascii_uppercase()).filter(|c| ALPHABET.contains(*c)).collect();
    match UserCode::parse(typed) {
        Some(code) => {
            assert_is_canonical(code);
            assert_eq!(code.to_string().replace('-', ""), letters);
            assert_eq!(UserCode::parse(&format!("{typed}B")), None);
            let json = serde_json::to_string(&code).expect("a code is a string");
            assert_eq!(serde_json::from_str::<UserCode>(&json).ok(), Some(code));
            assert!(!format!("{code:?}").contains(&letters[..4]));
        }
        None => assert_ne!(letters.len(), 8),
    }
    if let Some(number) = CheckNumber::parse(typed) {
        assert_eq!(number.to_string(), typed);
        assert!((10..=99).contains(&typed.parse::<u8>().expect("two digits")));
    }
});

fn assert_is_canonical(code: UserCode) {
    let shown = code.to_string();
    assert_eq!((shown.len(), shown.find('-')), (9, Some(4)), "{shown}");
    assert!(shown.chars().all(|c| c == '-' || ALPHABET.contains(c)), "{shown}");
    assert_eq!(UserCode::parse(&shown), Some(code));
    assert_eq!(UserCode::parse(&shown.to_lowercase()), Some(code));
}
