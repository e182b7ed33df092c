//! What a code holds: the grammar of links, then what the app makes of everything else before it is shown.

#![no_main]

use authenticator::foreign::Foreign;
use libfuzzer_sys::fuzz_target;
use protocol::{
    link::{LENGTH_MAX, Payload},
    origin::Origin,
    text::is_unsafe,
};

fuzz_target!(|bytes: &[u8]| {
    assert_is_safe(&Foreign::binary(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Payload::parse(text) {
        Payload::Login(link) => {
            assert!(text.len() <= LENGTH_MAX || text.trim().len() <= LENGTH_MAX);
            assert_eq!(Payload::parse(&link.to_string()), Payload::Login(link.clone()));
            assert_eq!(Payload::parse(&link.to_string().to_lowercase()), Payload::Login(link.clone()));
            assert_eq!(Origin::parse(link.origin.as_str()).ok().as_ref(), Some(&link.origin));
            let enrolled = Origin::parse("https://login.example.com").expect("a plain origin");
            assert_is_safe(&Foreign::login(text, &link, &[enrolled]));
        }
        Payload::Enrol(link) => {
            let written = link.to_string();
            assert_eq!(Payload::parse(&written), Payload::Enrol(link.clone()));
            assert_eq!(Payload::parse(&format!("countersign:{written}")), Payload::Enrol(link));
        }
        Payload::Other(kind) => assert_is_safe(&Foreign::text(text, kind)),
    }
});

fn assert_is_safe(shown: &Foreign) {
    let unsafe_one = shown.text.chars().find(|c| is_unsafe(*c) && !matches!(c, '\n' | '\t'));
    assert_eq!(unsafe_one, None, "{:?}", shown.text);
}
