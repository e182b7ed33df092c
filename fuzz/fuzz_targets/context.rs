//! The context: the bytes that are signed are those that came, in one spelling, and no claim of a page hides a warning.

#![no_main]

use authenticator::view::{Severity, WarningCode};
use authenticator::warnings::warnings;
use libfuzzer_sys::fuzz_target;
use protocol::{
    context::{Context, VERSION, Via, hash},
    encoding::{base64url, from_base64url},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some((context, signed)) = Context::parse(text)
    {
        assert_eq!(base64url(&signed), text, "another spelling of the same bytes");
        assert_holds(&context, &signed);
    }
    if let Some((context, signed)) = Context::parse(&base64url(bytes)) {
        assert_eq!(signed, bytes);
        assert_holds(&context, &signed);
    }
});

fn assert_holds(context: &Context, signed: &[u8]) {
    assert_eq!(context.v, VERSION);
    let written = context.to_bytes();
    let (again, bytes) = Context::parse(&base64url(&written)).expect("what we write can be read");
    assert_eq!((&again, &bytes), (context, &written));
    assert_eq!(hash(signed) == hash(&written), signed == written.as_slice());
    assert_eq!(from_base64url(&base64url(signed)).as_deref(), Some(signed));

    let warned = warnings(context);
    let has = |code, severity| warned.iter().any(|one| one.code == code && one.severity == severity);
    let seen = &context.seen;
    assert_eq!(seen.same_network == Some(false), has(WarningCode::DifferentNetwork, Severity::Danger));
    assert_eq!(seen.same_network.is_none(), has(WarningCode::NetworkUnknown, Severity::Caution));
    assert_eq!(!seen.known_browser, has(WarningCode::BrowserFirstSeen, Severity::Caution));
    for (via, code) in [
        (Via::Link, WarningCode::CameByLink),
        (Via::Image, WarningCode::CameByImage),
        (Via::Typed, WarningCode::CameByTyping),
    ] {
        assert_eq!(context.via == via, has(code, Severity::Danger));
    }
    let mut gravest_first = warned.clone();
    gravest_first.sort_by_key(|one| std::cmp::Reverse(one.severity));
    assert_eq!(warned, gravest_first);
}
