//! Any login link is read back, at any version, level, polarity, size and rotation.

use proptest::prelude::*;
use scanner::{decode, decode::Live};

use crate::drawing::{Code, LEVELS, VERSIONS};

/// Turns of the live plan within which every stage has had the picture.
const LIVE_FRAMES: usize = 12;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_login_link_is_read_back_at_any_version_polarity_and_rotation(
        link in link(),
        level in 0..LEVELS.len(),
        version in 0..VERSIONS.len(),
        dark_mode: bool,
        module in 3.0..7.0_f64,
        degrees in 0.0..360.0_f64,
    ) {
        let code = Code::of_at_least(&link, LEVELS[level], version);
        let luma = code.draw_rotated(module, degrees, dark_mode).luma();
        let texts: Vec<_> = decode(&luma).into_iter().map(|read| read.text).collect();
        prop_assert_eq!(texts, [Some(link)]);
    }

    #[test]
    fn a_camera_reads_any_login_link_of_a_usual_version(
        link in link(),
        level in 0..LEVELS.len(),
        dark_mode: bool,
        module in 3.0..7.0_f64,
        degrees in 0.0..360.0_f64,
    ) {
        let code = Code::of_at_least(&link, LEVELS[level], 0);
        let luma = code.draw_rotated(module, degrees, dark_mode).luma();
        let mut live = Live::default();
        let first = (0..LIVE_FRAMES).find_map(|_| live.decode(&luma).into_iter().next());
        prop_assert_eq!(first.and_then(|read| read.text), Some(link));
    }
}

/// `ORIGIN/Q/CODE` in upper case, as a login page shows it.
fn link() -> impl Strategy<Value = String> {
    let name = "([A-Z0-9]([A-Z0-9-]{0,14}[A-Z0-9])?[.]){0,3}[A-Z]{2,10}";
    let port = prop_oneof![Just(String::new()), (1..=u16::MAX).prop_map(|port| format!(":{port}"))];
    (prop_oneof![Just("HTTPS"), Just("HTTP")], name, port, "[A-Z2-7]{40}")
        .prop_map(|(scheme, name, port, code)| format!("{scheme}://{name}{port}/Q/{code}"))
}
