//! Films: folders of JPEG files that a camera sends one after the other.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// One second, then it begins again.
const FRAMES: u32 = 30;
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// Webcams send between 50 and 250 kB at this size.
const QUALITY: u8 = 85;

/// Puts a made film into `folder`: soft colours that move, and the noise of a sensor. Returns the bytes of a frame on average.
pub(crate) fn make(folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let mut total = 0;
    for number in 0..FRAMES {
        let frame = frame(number);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&frame)?;
        total += jpeg.len();
        fs::write(folder.join(format!("{number:04}.jpg")), jpeg)?;
    }
    Ok(total / FRAMES as usize)
}

/// Takes the JPEG files of another folder. Returns the bytes of a frame on average.
pub(crate) fn link(frames: &Path, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let (mut total, mut count) = (0, 0);
    for entry in fs::read_dir(frames).with_context(|| format!("cannot read {}", frames.display()))?.flatten()
    {
        if entry.path().extension().is_some_and(|extension| extension == "jpg") {
            total += usize::try_from(fs::copy(entry.path(), folder.join(entry.file_name()))?)?;
            count += 1;
        }
    }
    ensure!(count > 0, "{} holds no .jpg", frames.display());
    Ok(total / count)
}

fn frame(number: u32) -> RgbImage {
    // A generator of one line: what matters is that no two pixels and no two frames are alike.
    let mut state = 0x9e37_79b9_u32 ^ number;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) / 16
    };
    let shift = number * WIDTH / FRAMES;
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let grain = noise();
        let wave = |period: u32, at: u32| (at % period).abs_diff(period / 2) * 200 / period;
        let [red, green, blue] =
            [wave(640, x + shift) + 40, wave(320, x + y) + 60, wave(480, y + shift) + 70]
                .map(|value| u8::try_from((value + grain).min(255)).unwrap_or(u8::MAX));
        Rgb([red, green, blue])
    })
}
