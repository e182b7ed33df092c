//! Which of the offered formats is taken.

use std::cmp::Reverse;

use nokhwa::utils::{CameraFormat, FrameFormat};

use super::{Encoding, Format};

/// Below this a login code at arm's length has modules of less than two pixels.
const USEFUL_PIXELS: u64 = 640 * 480;
/// Below this the live picture lags behind the hand, in frames a second.
const USEFUL_RATE: u32 = 15;
const SMOOTH_RATE: u32 = 24;

/// The offered formats that can be read here, the best first: large and fast enough, near the wished size, smooth, cheap to
/// show.
pub(super) fn ranked(offered: &[CameraFormat], wished: (u32, u32)) -> Vec<CameraFormat> {
    let mut usable: Vec<CameraFormat> =
        offered.iter().copied().filter(|format| pixels(format) > 0 && format.frame_rate() > 0).collect();
    usable.sort_by_key(|format| {
        let rate = format.frame_rate();
        let large = pixels(format) >= USEFUL_PIXELS;
        (
            Reverse(2 * u8::from(large) + u8::from(rate >= USEFUL_RATE)),
            distance(pixels(format), u64::from(wished.0) * u64::from(wished.1)),
            Reverse(rate >= SMOOTH_RATE),
            cost(encoding(format.format())),
            // More than 30 frames a second only cost.
            rate.abs_diff(30),
        )
    });
    usable.dedup();
    usable
}

fn pixels(format: &CameraFormat) -> u64 {
    u64::from(format.width()) * u64::from(format.height())
}

/// How far apart two sizes are, as a ratio in percent.
fn distance(a: u64, b: u64) -> u64 {
    let (small, large) = (a.min(b).max(1), a.max(b));
    large.saturating_mul(100) / small
}

/// Showing a JPEG costs nothing, the others are encoded first.
fn cost(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Mjpeg => 0,
        Encoding::Nv12 | Encoding::Yuyv => 1,
        Encoding::Rgb | Encoding::Bgr => 2,
        Encoding::Gray => 3,
    }
}

pub(super) fn encoding(format: FrameFormat) -> Encoding {
    match format {
        FrameFormat::MJPEG => Encoding::Mjpeg,
        FrameFormat::YUYV => Encoding::Yuyv,
        FrameFormat::NV12 => Encoding::Nv12,
        FrameFormat::GRAY => Encoding::Gray,
        FrameFormat::RAWRGB => Encoding::Rgb,
        FrameFormat::RAWBGR => Encoding::Bgr,
    }
}

pub(super) fn format(format: CameraFormat) -> Format {
    Format {
        width: format.width(),
        height: format.height(),
        rate: format.frame_rate(),
        encoding: encoding(format.format()),
    }
}

#[cfg(test)]
mod tests {
    use nokhwa::utils::{FrameFormat::*, Resolution};

    use super::*;

    fn of(format: FrameFormat, width: u32, height: u32, rate: u32) -> CameraFormat {
        CameraFormat::new(Resolution::new(width, height), format, rate)
    }

    fn best(offered: &[CameraFormat]) -> Option<CameraFormat> {
        ranked(offered, (1280, 720)).first().copied()
    }

    #[test]
    fn the_wished_size_at_a_smooth_rate_as_jpeg_wins() {
        let wished = of(MJPEG, 1280, 720, 30);
        let offered = [
            of(YUYV, 1280, 720, 10),
            of(YUYV, 640, 480, 30),
            of(MJPEG, 1920, 1080, 30),
            of(MJPEG, 1280, 720, 15),
            of(MJPEG, 1280, 720, 60),
            wished,
        ];
        assert_eq!(best(&offered), Some(wished));
    }

    #[test]
    fn a_slow_large_picture_loses_to_a_quick_smaller_one() {
        let quick = of(YUYV, 640, 480, 30);
        assert_eq!(best(&[of(YUYV, 1280, 720, 10), quick, of(YUYV, 160, 120, 30)]), Some(quick));
    }

    #[test]
    fn a_slow_useful_picture_beats_a_quick_stamp() {
        let useful = of(YUYV, 640, 480, 5);
        assert_eq!(best(&[of(YUYV, 160, 120, 30), useful]), Some(useful));
    }

    #[test]
    fn nothing_usable_is_nothing() {
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[of(MJPEG, 0, 0, 30), of(MJPEG, 640, 480, 0)]), None);
    }
}
