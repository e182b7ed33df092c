//! Raw frames of a camera in every format, and grids of modules drawn large, which come much further than noise does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner::{Luma, decode, decode::Live};

/// Larger pictures are left alone, so that many inputs are tried in a minute.
const PIXELS_MAX: usize = 1 << 15;

/// Frames of one picture that the live plan gets, each with other stages.
const FRAMES: usize = 3;

/// Most modules of a side: a version 8 code and its border.
const MODULES_MAX: usize = 57;

fuzz_target!(
    // A panic in a decoder of others is caught by the scanner and is no finding; one of ours still ends the run.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return };
        let [format, width, height, stride] = head.map(usize::from);
        let (w, h) = (width as u32, height as u32);
        let luma = match format % 5 {
            0 => Luma::from_yuyv(w, h, stride * 2, rest),
            1 => Luma::from_planar(w, h, stride, rest),
            2 => Luma::from_rgba(w, h, rest, 255),
            3 => Luma::from_jpeg(rest),
            _ => drawn(width % MODULES_MAX, 2 + height % 2, stride, rest),
        };
        let Ok(luma) = luma else { return };
        if luma.data().len() > PIXELS_MAX {
            return;
        }
        let reads = if format < 128 {
            decode(&luma)
        } else {
            let mut live = Live::default();
            (0..FRAMES).flat_map(|_| live.decode(&luma)).collect()
        };
        for read in reads {
            assert!(!read.bytes.is_empty());
            assert!(read.corners.iter().all(|(x, y)| x.is_finite() && y.is_finite()), "{:?}", read.corners);
        }
    }
);

/// Modules, one bit each, row after row, inside of a light border of four modules; `contrast` from 0 to 255.
fn drawn(side: usize, module: usize, contrast: usize, bits: &[u8]) -> Result<Luma, scanner::FrameError> {
    let whole = (side + 8) * module;
    let is_dark = |x: usize, y: usize| {
        let (Some(column), Some(row)) = ((x / module).checked_sub(4), (y / module).checked_sub(4)) else {
            return false;
        };
        let at = row * side + column;
        column < side && row < side && bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    };
    let light = 128 + contrast / 2;
    let pixels = (0..whole * whole)
        .map(|at| if is_dark(at % whole, at / whole) { 255 - light } else { light } as u8)
        .collect();
    Luma::new(whole as u32, whole as u32, pixels)
}
