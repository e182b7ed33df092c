//! The link grammar: ours is read, everything else is text.

use proptest::prelude::*;
use protocol::frame::FrameKey;
use protocol::id::Handle;
use protocol::link::{EnrolCode, EnrolLink, Kind, LoginLink, Payload, Pin};
use protocol::origin::Origin;
use protocol::secret::Secret;

fn login(origin: &str) -> LoginLink {
    let handle = Handle::from_random([0xC3; 16]);
    let code = FrameKey::derive(&Secret::new([1; 32]), &handle).code(handle, 2);
    LoginLink { origin: Origin::parse(origin).unwrap(), code }
}

fn code() -> String {
    login("https://a.example").code.to_string()
}

#[test]
fn a_login_link_reads_back_in_every_spelling_that_a_reader_hands_out() {
    for origin in
        ["https://login.example.com", "https://a.example:8443", "http://127.0.0.1:8080", "http://[::1]:80"]
    {
        let Ok(origin) = Origin::parse(origin) else {
            continue;
        };
        let link = login(origin.as_str());
        let text = link.to_string();
        assert_eq!(text, text.to_ascii_uppercase());
        for text in [text.clone(), text.to_lowercase(), format!("countersign:{text}"), format!(" {text}\n")] {
            assert_eq!(Payload::parse(&text), Payload::Login(link.clone()), "{text}");
        }
    }
}

#[test]
fn an_enrolment_link_reads_back_with_and_without_pin() {
    for pin in [None, Some(Pin::of_spki(b"key"))] {
        let origin = Origin::parse("https://192.168.1.9:8443").unwrap();
        let link = EnrolLink { origin, code: EnrolCode::from_random([4; 16]), pin };
        assert_eq!(Payload::parse(&link.to_string()), Payload::Enrol(link));
    }
}

/// Must hold 10: whatever else a QR holds is text.
#[test]
fn what_only_looks_like_ours_is_not_ours() {
    let code = code();
    let texts = [
        format!("HTTP://LOGIN.EXAMPLE.COM/Q/{code}"),
        format!("https://user@login.example.com/Q/{code}"),
        format!("https://login.example.com\\@evil.example/Q/{code}"),
        format!("https://login.example.com:443/Q/{code}"),
        format!("https://login.example.com./../Q/{code}"),
        format!("https://login.example.com/Q/{code}/"),
        format!("https://login.example.com/Q/{code}?x"),
        format!("https://login.example.com/Q/{code}#x"),
        format!("https://login.example.com/x/Q/{code}"),
        format!("https://login.example.com/Q/{}", &code[1..]),
        format!("https://login.example.com/Q/{code}A"),
        format!("https://lоgin.example.com/Q/{code}"),
        format!("https://0x7f000001/Q/{code}"),
        format!("https://2130706433/Q/{code}"),
        format!("https://0177.0.0.1/Q/{code}"),
        format!("https://[::ffff:7f00:0001]/Q/{code}"),
        format!("https:/login.example.com/Q/{code}"),
        format!("https:login.example.com/Q/{code}"),
        format!("ftp://login.example.com/Q/{code}"),
        format!("countersign:countersign:https://a.example/Q/{code}"),
        format!("https://login.example.com/\nQ/{code}"),
        format!("https://login.example.com/%51/{code}"),
        "https://login.example.com/Q/".to_owned(),
        "HTTPS:///Q/X".to_owned(),
        "javascript:alert(1)".to_owned(),
        "file:///etc/passwd".to_owned(),
        "x".repeat(3_000),
        String::new(),
    ];
    for text in texts {
        assert!(matches!(Payload::parse(&text), Payload::Other(_)), "{text}");
    }
}

#[test]
fn foreign_text_is_named_by_its_kind() {
    let kinds = [
        ("https://example.com/", Kind::WebAddress),
        ("http://example.com/Q/abc", Kind::WebAddress),
        ("https://example.com/Q/ABCDEFGHIJKLMNOPQRSTUVWXYZ", Kind::Damaged),
        ("countersign:hello", Kind::Damaged),
        ("mailto:a@b.example", Kind::Scheme),
        ("WIFI:S:home;;", Kind::Scheme),
        ("javascript:alert(1)", Kind::Scheme),
        ("Note: buy milk", Kind::Text),
        ("hello", Kind::Text),
        ("", Kind::Text),
    ];
    for (text, kind) in kinds {
        assert_eq!(Payload::parse(text), Payload::Other(kind), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = Payload::parse(&text);
    }

    /// What is read as ours is, written again, the very same link: nothing was repaired on the way.
    #[test]
    fn what_is_ours_is_spelled_by_us(prefix in "(HTTPS?|https?|countersign:https)", host in "[A-Za-z0-9.\\[\\]:-]{1,20}", path in "[QqEe]") {
        let text = format!("{prefix}://{host}/{path}/{}", code());
        if let Payload::Login(link) = Payload::parse(&text) {
            let bare = text.strip_prefix("countersign:").unwrap_or(&text);
            prop_assert_eq!(link.to_string(), bare.to_ascii_uppercase());
        }
    }
}
