//! What to mind before approving: a pure function of the context.

use protocol::context::{Context, Via};

use crate::view::{Severity, Warning, WarningCode};

/// A frame older than this was not just shown: a fresh one comes every 15 s, and reading one takes a moment.
const FRESH_FRAME_S_MAX: i64 = 30;

/// The warnings for `context`, gravest first.
///
/// A mailed link, a sent picture, a dictated code and a shared screen are how somebody far away gets his own page
/// approved, so these stand above everything but a different network.
pub fn warnings(context: &Context) -> Vec<Warning> {
    let seen = &context.seen;
    let mut found = Vec::new();
    let mut warn = |severity, code| found.push(Warning { code, severity });
    match seen.same_network {
        Some(true) => {}
        Some(false) => warn(Severity::Danger, WarningCode::DifferentNetwork),
        None => warn(Severity::Caution, WarningCode::NetworkUnknown),
    }
    match context.via {
        Via::Camera => {}
        Via::Link => warn(Severity::Danger, WarningCode::CameByLink),
        Via::Image => warn(Severity::Danger, WarningCode::CameByImage),
        Via::Typed => warn(Severity::Danger, WarningCode::CameByTyping),
        // On one network the shown page is most likely this person's own; elsewhere it may be shared by another.
        Via::Screen if seen.same_network == Some(true) => warn(Severity::Caution, WarningCode::CameByScreen),
        Via::Screen => warn(Severity::Danger, WarningCode::CameByScreen),
    }
    // Of a device of RFC 8628 nothing can be known before.
    if !seen.known_browser && !context.is_of_device() {
        warn(Severity::Caution, WarningCode::BrowserFirstSeen);
    }
    if seen.frame_age_s.is_some_and(|age_s| age_s > FRESH_FRAME_S_MAX) {
        warn(Severity::Info, WarningCode::OldFrame);
    }
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.code.cmp(&b.code)));
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use protocol::context::{Claimed, Client, Seen};
    use protocol::id::RequestId;
    use protocol::time::Timestamp;

    #[test]
    fn the_usual_login_has_no_warning() {
        assert_eq!(warnings(&context(Via::Camera, Some(true), true, Some(3))), []);
    }

    #[test]
    fn a_different_network_comes_first() {
        let found = codes(&context(Via::Link, Some(false), false, Some(3)));
        assert_eq!(
            found,
            [
                (WarningCode::DifferentNetwork, Severity::Danger),
                (WarningCode::CameByLink, Severity::Danger),
                (WarningCode::BrowserFirstSeen, Severity::Caution),
            ]
        );
    }

    #[test]
    fn an_unknown_network_is_told() {
        assert_eq!(
            codes(&context(Via::Camera, None, true, None)),
            [(WarningCode::NetworkUnknown, Severity::Caution)]
        );
    }

    #[test]
    fn link_image_and_typed_are_dangers_even_on_the_same_network() {
        for (via, code) in [
            (Via::Link, WarningCode::CameByLink),
            (Via::Image, WarningCode::CameByImage),
            (Via::Typed, WarningCode::CameByTyping),
        ] {
            assert_eq!(codes(&context(via, Some(true), true, None)), [(code, Severity::Danger)]);
        }
    }

    #[test]
    fn a_shared_screen_is_a_danger_unless_the_network_is_the_same() {
        assert_eq!(
            codes(&context(Via::Screen, Some(true), true, Some(0))),
            [(WarningCode::CameByScreen, Severity::Caution)]
        );
        assert_eq!(
            codes(&context(Via::Screen, None, true, Some(0)))[0],
            (WarningCode::CameByScreen, Severity::Danger)
        );
    }

    #[test]
    fn an_old_frame_is_told_from_31_seconds_on() {
        assert_eq!(codes(&context(Via::Camera, Some(true), true, Some(30))), []);
        assert_eq!(
            codes(&context(Via::Camera, Some(true), true, Some(31))),
            [(WarningCode::OldFrame, Severity::Info)]
        );
    }

    #[test]
    fn a_device_that_asks_is_a_danger_and_no_unknown_browser() {
        let client = Some(Client { id: "tool".to_owned(), name: "A tool".to_owned() });
        let of_device = Context { client, ..context(Via::Typed, Some(true), false, None) };
        assert_eq!(codes(&of_device), [(WarningCode::CameByTyping, Severity::Danger)]);
    }

    fn codes(context: &Context) -> Vec<(WarningCode, Severity)> {
        warnings(context).into_iter().map(|w| (w.code, w.severity)).collect()
    }

    fn context(
        via: Via,
        same_network: Option<bool>,
        known_browser: bool,
        frame_age_s: Option<i64>,
    ) -> Context {
        Context {
            v: 1,
            request: RequestId::from_random([1; 16]),
            origin: "https://login.example.com".to_owned(),
            page_key: None,
            client: None,
            scopes: Vec::new(),
            via,
            seen: Seen {
                address: "203.0.113.7".to_owned(),
                at: Timestamp(0),
                same_network,
                known_browser,
                frame_age_s,
            },
            claimed: Claimed::default(),
            user_verification: None,
        }
    }
}
