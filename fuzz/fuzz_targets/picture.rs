//! Bytes of a picture file, as they are opened, dropped or pasted: opened and decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner::{decode, picture};

/// Larger pictures are opened and not decoded, so that many inputs are tried in a minute.
const DECODED_PIXELS_MAX: usize = 1 << 15;

fuzz_target!(
    // A panic in a decoder of others is caught by the scanner and is no finding; one of ours still ends the run.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let Ok(luma) = picture::luma(bytes) else { return };
        if luma.data().len() > DECODED_PIXELS_MAX {
            return;
        }
        for read in decode(&luma) {
            assert!(!read.bytes.is_empty());
        }
    }
);
