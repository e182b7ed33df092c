//! The link grammar by itself: what is taken is spelled in one way only, and a frame is believed by its tag alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{
    frame::{FrameCode, FrameKey},
    link::{EnrolCode, Payload, Pin},
    origin::Origin,
    secret::Secret,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some((origin, written)) = match Payload::parse(text) {
        Payload::Login(link) => Some((link.origin.clone(), link.to_string())),
        Payload::Enrol(link) => Some((link.origin.clone(), link.to_string())),
        Payload::Other(_) => None,
    } {
        // Only the case of letters, white space around it and the app's scheme are anybody's choice.
        let spelled = text.trim().to_ascii_uppercase();
        assert_eq!(spelled.strip_prefix("COUNTERSIGN:").unwrap_or(&spelled), written);
        assert!(origin.is_https() || origin.is_loopback());
        assert_eq!(Origin::parse(origin.as_str()).as_ref(), Ok(&origin));
        assert!(written.starts_with(&origin.as_str().to_ascii_uppercase()));
    }
    if let Ok(origin) = Origin::parse(text) {
        assert_eq!(origin.as_str(), text);
        assert!(origin.is_https() || origin.is_loopback());
    }
    let spelled = text.to_ascii_uppercase();
    if let Some(code) = EnrolCode::parse(text) {
        assert_eq!(code.expose(), spelled);
    }
    if let Some(pin) = Pin::parse(text) {
        assert_eq!(pin.to_string(), spelled);
    }
    if let Some(code) = FrameCode::parse(text) {
        assert_eq!(code.to_string(), spelled);
        // Whatever tag was read: it is good exactly when it is the one that the server would have made.
        let key = FrameKey::derive(&Secret::new([7; 32]), &code.handle);
        let ours = key.code(code.handle, code.counter);
        assert!(key.made(&ours));
        assert_eq!(key.made(&code), code == ours);
        let other = FrameKey::derive(&Secret::new([8; 32]), &code.handle);
        assert!(!other.made(&ours));
    }
});
