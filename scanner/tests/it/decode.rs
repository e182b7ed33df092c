//! What is drawn is read back, whatever its version, polarity and turn; what is not a code is not read.

use fast_qr::ECL;
use proptest::prelude::*;
use scanner::{Luma, Read, Reader, decode, decode::Live};

use crate::drawing::{Canvas, Code, LEVELS, VERSIONS};

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_back(
        text in "[ -~]{1,200}|[0-9]{1,300}|[A-Z0-9 $%*+./:-]{1,200}|\\PC{1,60}",
        level in 0..LEVELS.len(),
        module in 2..7_u32,
        dark_mode: bool,
        turns in 0..4_u32,
    ) {
        let code = Code::of(&text, LEVELS[level], None);
        let luma = code.draw(module, dark_mode).turned(turns).luma();
        let reads = decode(&luma);
        prop_assert_eq!(reads.len(), 1, "{:?}", reads);
        prop_assert_eq!(&reads[0].bytes, text.as_bytes());
        prop_assert_eq!(reads[0].text.as_deref(), Some(text.as_str()));
        prop_assert!(is_near(&reads[0], code.outline(module, turns), 2.0 * f64::from(module)), "{:?}", reads[0].corners);
    }
}

#[test]
fn every_version_is_read_back() {
    for version in VERSIONS {
        let code = Code::of("HTTPS://A.EXAMPLE", ECL::L, Some(version));
        for dark_mode in [false, true] {
            let reads = decode(&code.draw(4, dark_mode).luma());
            assert_eq!(texts(&reads), ["HTTPS://A.EXAMPLE"], "version {version:?}, dark mode {dark_mode}");
        }
    }
}

#[test]
fn a_login_link_is_read_by_the_first_frames_of_a_camera() {
    let code = Code::of("HTTPS://LOGIN.EXAMPLE.COM/Q/GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBV", ECL::M, None);
    for dark_mode in [false, true] {
        let luma = code.draw(4, dark_mode).luma();
        let mut live = Live::default();
        let first = (1..=4).find(|_| !live.decode(&luma).is_empty());
        assert_eq!(first, Some(1), "dark mode {dark_mode}");
    }
}

#[test]
fn a_small_blurred_code_is_read_within_one_round_of_a_camera() {
    // Modules of three pixels behind a soft focus: nothing for the whole frame, a matter of sharpening for its region.
    let code = Code::of("HTTPS://LOGIN.EXAMPLE.COM/Q/GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBV", ECL::M, None);
    let mut canvas = Canvas::new(640, 480, 150);
    canvas.paste(&code.draw(3, false), 240, 180);
    let soft = canvas.blurred(4).luma();
    let mut live = Live::default();
    let readers: Vec<_> = (0..6).flat_map(|_| live.decode(&soft)).map(|read| read.reader).collect();
    assert!(readers.iter().any(|reader| *reader != Reader::Zxing), "{readers:?}");
    let corner = decode(&soft)[0].corners[0];
    assert!((corner.0 - 252.0).abs() < 3.0 && (corner.1 - 192.0).abs() < 3.0, "{corner:?}");
}

#[test]
fn two_codes_in_a_picture_are_both_reported() {
    let (one, two) = (Code::of("one", ECL::M, None), Code::of("two", ECL::M, None));
    let mut canvas = Canvas::new(600, 300, 255);
    canvas.paste(&one.draw(5, false), 20, 40);
    canvas.paste(&two.draw(6, true), 330, 60);
    let reads = decode(&canvas.luma());
    let mut texts = texts(&reads);
    texts.sort_unstable();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn the_same_code_twice_is_two_reads() {
    let code = Code::of("same", ECL::M, None).draw(4, false);
    let mut canvas = Canvas::new(500, 200, 255);
    canvas.paste(&code, 20, 20);
    canvas.paste(&code, 270, 20);
    assert_eq!(texts(&decode(&canvas.luma())), ["same", "same"]);
}

#[test]
fn fifty_codes_are_all_read() {
    let mut canvas = Canvas::new(1700, 900, 255);
    for n in 0..50 {
        let code = Code::of(&format!("code {n}"), ECL::M, None).draw(4, false);
        canvas.paste(&code, 20 + 165 * (n % 10), 20 + 165 * (n / 10));
    }
    let reads = decode(&canvas.luma());
    let mut seen: Vec<_> = texts(&reads);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((reads.len(), seen.len()), (50, 50));
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are() {
    let bytes = [0_u8, 255, 128, 7, 200, 201, 0, 1, 2, 250];
    let reads = decode(&Code::of_bytes(&bytes).draw(5, false).luma());
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].bytes, bytes);
    assert_eq!(reads[0].text, None);
}

#[test]
fn a_large_picture_of_a_small_and_a_huge_code_gives_both() {
    let mut canvas = Canvas::new(5000, 3600, 255);
    canvas.paste(&Code::of("huge", ECL::M, None).draw(90, false), 100, 100);
    canvas.paste(&Code::of("small", ECL::M, None).draw(3, false), 4000, 3000);
    let reads = decode(&canvas.luma());
    let mut texts = texts(&reads);
    texts.sort_unstable();
    assert_eq!(texts, ["huge", "small"]);
}

#[test]
fn noise_and_patterns_hold_no_code() {
    let mut seed = 1_u32;
    let mut noise = |_: u32, _: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(seed >> 24).unwrap()
    };
    let pictures: [(&str, Luma); 5] = [
        ("one pixel", picture(1, 1, |_, _| 0)),
        ("one row", picture(3000, 1, |x, _| if x % 2 == 0 { 0 } else { 255 })),
        ("flat", picture(640, 480, |_, _| 128)),
        ("checkers", picture(640, 480, |x, y| if (x / 3 + y / 3) % 2 == 0 { 0 } else { 255 })),
        ("noise", picture(1280, 720, &mut noise)),
    ];
    for (name, luma) in pictures {
        assert_eq!(decode(&luma), [], "{name}");
    }
}

#[test]
fn a_picture_full_of_finder_patterns_ends() {
    // Every 8 x 8 cell is a finder pattern of one-pixel modules: thousands of triples to try.
    let finder = |x: u32, y: u32| {
        let ring = |v: u32| v.abs_diff(3);
        let r = ring(x % 8).max(ring(y % 8));
        if x % 8 == 7 || y % 8 == 7 || r == 2 { 255 } else { 0 }
    };
    for module in [1, 2, 3] {
        let luma = picture(1280, 720, |x, y| finder(x / module, y / module));
        assert_eq!(decode(&luma), [], "module {module}");
    }
}

fn picture(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> u8) -> Luma {
    let mut data = Vec::new();
    for y in 0..height {
        data.extend((0..width).map(|x| pixel(x, y)));
    }
    Luma::new(width, height, data).unwrap()
}

fn texts(reads: &[Read]) -> Vec<&str> {
    reads.iter().map(|read| read.text.as_deref().unwrap()).collect()
}

fn is_near(read: &Read, outline: [(f64, f64); 4], tolerance: f64) -> bool {
    read.corners.iter().zip(outline).all(|(corner, expected)| {
        (f64::from(corner.0) - expected.0).abs() <= tolerance
            && (f64::from(corner.1) - expected.1).abs() <= tolerance
    })
}
