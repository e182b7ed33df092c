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

/// A film of one picture: a desk, and on it a screen that shows `page`, a little turned and tilted.
pub(crate) fn hold_up(page: &Path, folder: &Path) -> Result<()> {
    let page = image::open(page).with_context(|| format!("cannot read {}", page.display()))?.to_rgb8();
    let mut noise = Noise(1);
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        // Four by four points a pixel, so that edges are as soft as a lens makes them.
        let mut sum = [0.0; 3];
        for at in 0..16_u8 {
            let offset = |part: u8| f64::from(part) / 4.0 + 0.125;
            let seen = scene(&page, f64::from(x) + offset(at % 4), f64::from(y) + offset(at / 4));
            sum = [0, 1, 2].map(|channel| sum[channel] + seen[channel] / 16.0);
        }
        Rgb(sum.map(|value| to_byte(value + f64::from(noise.next()) - 8.0)))
    });
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&picture)?;
    // Whole at once: the camera is there as soon as its folder is.
    let hidden = folder.with_extension("new");
    let kept = hidden.join("film");
    fs::create_dir_all(&kept)?;
    fs::write(kept.join("0.jpg"), jpeg)?;
    fs::rename(&kept, folder)?;
    fs::remove_dir(hidden).context("cannot tidy up")
}

/// The light that comes from a point of the picture.
fn scene(page: &RgbImage, x: f64, y: f64) -> [f64; 3] {
    let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
    // Darker towards the corners, as lenses are.
    let (dx, dy) = (x / width - 0.5, y / height - 0.5);
    let lens = 1.0 - 0.5 * (dx * dx + dy * dy);
    let wall = [150.0, 156.0, 166.0].map(|value| value * (1.05 - 0.5 * y / height));
    let desk = [96.0, 76.0, 62.0].map(|value| value * (0.6 + 0.5 * y / height));
    let ground = if y > 0.86 * height { desk } else { wall };
    // Onto the screen: turned by some degrees, and farther away on its right.
    let (u, v) = (x - 0.5 * width, y - 0.47 * height);
    let (u, v) = (u * 0.996 + v * 0.087, v * 0.996 - u * 0.087);
    let depth = 1.0 - 0.00028 * u;
    let scale = f64::from(page.height()) / 590.0;
    let (u, v) = (
        u / depth * scale + f64::from(page.width()) / 2.0,
        v / depth * scale + f64::from(page.height()) / 2.0,
    );
    let outside = (-u).max(u - f64::from(page.width())).max(-v).max(v - f64::from(page.height()));
    let seen = if outside <= 0.0 {
        sampled(page, u, v).map(|value| 0.88 * value + 14.0)
    } else if outside < 22.0 {
        [26.0, 28.0, 32.0]
    } else {
        ground
    };
    seen.map(|value| value * lens)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture")]
fn sampled(page: &RgbImage, u: f64, v: f64) -> [f64; 3] {
    let x = (u as u32).min(page.width() - 1);
    let y = (v as u32).min(page.height() - 1);
    page.get_pixel(x, y).0.map(f64::from)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn to_byte(value: f64) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

/// The noise of a sensor: what matters is that no two pixels and no two frames are alike.
struct Noise(u32);

impl Noise {
    /// 0 to 15.
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) / 16
    }
}

fn frame(number: u32) -> RgbImage {
    let mut noise = Noise(0x9e37_79b9 ^ number);
    let shift = number * WIDTH / FRAMES;
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let grain = noise.next();
        let wave = |period: u32, at: u32| (at % period).abs_diff(period / 2) * 200 / period;
        let [red, green, blue] =
            [wave(640, x + shift) + 40, wave(320, x + y) + 60, wave(480, y + shift) + 70]
                .map(|value| u8::try_from((value + grain).min(255)).unwrap_or(u8::MAX));
        Rgb([red, green, blue])
    })
}
