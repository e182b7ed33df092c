//! The one kind of picture that decoders look at: 8-bit luma, row after row, no padding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// The largest picture taken, in pixels; a source checks it before it takes memory for one.
pub const MAX_PIXELS: u64 = 64 << 20;

/// A brightness picture: 0 is black, 255 is white; `width * height` bytes, neither of them zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Luma {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

/// Why bytes are not a picture of the size they claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A side is zero or there are more than [`MAX_PIXELS`].
    #[error("a picture of {width}x{height} pixels is not taken")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Fewer bytes than the size needs.
    #[error("{got} bytes where the picture needs {needed}")]
    Short {
        /// Bytes that the size and stride need.
        needed: u64,
        /// Bytes that were there.
        got: usize,
    },
    /// A JPEG that cannot be decoded; the text is the decoder's.
    #[error("the JPEG is damaged: {0}")]
    Jpeg(String),
}

impl std::fmt::Debug for Luma {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Luma")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl Luma {
    /// Takes pixels that are luma already.
    ///
    /// # Errors
    /// [`FrameError::Size`], or [`FrameError::Short`] when `data` is not exactly `width * height` bytes.
    pub fn new(width: u32, height: u32, data: Vec<u8>) -> Result<Self, FrameError> {
        let needed = pixels(width, height)?;
        if data.len() as u64 != needed {
            return Err(FrameError::Short { needed, got: data.len() });
        }
        Ok(Self { width, height, data })
    }

    /// Luma of YUYV (YUY2): every second byte. `stride` is bytes a row, at least `2 * width`.
    ///
    /// # Errors
    /// [`FrameError::Size`] and [`FrameError::Short`].
    pub fn from_yuyv(width: u32, height: u32, stride: usize, bytes: &[u8]) -> Result<Self, FrameError> {
        Self::from_rows(width, height, 2, stride, bytes, |row, out| out.extend(row.iter().step_by(2)))
    }

    /// Luma of NV12, NV21, I420 or grey: the first `height` rows. `stride` is bytes a row, at least `width`.
    ///
    /// # Errors
    /// [`FrameError::Size`] and [`FrameError::Short`].
    pub fn from_planar(width: u32, height: u32, stride: usize, bytes: &[u8]) -> Result<Self, FrameError> {
        Self::from_rows(width, height, 1, stride, bytes, |row, out| out.extend_from_slice(row))
    }

    /// Luma of a JPEG, as a camera sends it or a file holds it. Bytes after the end-of-image marker are ignored.
    ///
    /// # Errors
    /// [`FrameError::Jpeg`] for anything damaged, [`FrameError::Size`] for more than [`MAX_PIXELS`], before it is decoded.
    pub fn from_jpeg(bytes: &[u8]) -> Result<Self, FrameError> {
        // The decoder is other people's code on bytes from outside: whatever it does ends as an error.
        catch_unwind(AssertUnwindSafe(|| decode_jpeg(bytes)))
            .unwrap_or_else(|_| Err(FrameError::Jpeg("the decoder gave up".to_owned())))
    }

    /// Luma of a decoded picture, see-through parts over `ground` (255: white).
    ///
    /// # Errors
    /// [`FrameError::Size`].
    pub fn from_image(image: DynamicImage, ground: u8) -> Result<Self, FrameError> {
        let (width, height) = (image.width(), image.height());
        let needed = pixels(width, height)?;
        let data = match image {
            DynamicImage::ImageLuma8(grey) => grey.into_raw(),
            opaque if !opaque.color().has_alpha() => opaque.into_luma8().into_raw(),
            see_through => {
                see_through.into_luma_alpha8().pixels().map(|p| blend(p.0[0], p.0[1], ground)).collect()
            }
        };
        debug_assert_eq!(data.len() as u64, needed, "one byte a pixel");
        Ok(Self { width, height, data })
    }

    /// Luma of RGBA bytes as a clipboard hands them over, see-through parts over `ground` (255: white).
    ///
    /// # Errors
    /// [`FrameError::Size`] and [`FrameError::Short`].
    pub fn from_rgba(width: u32, height: u32, bytes: &[u8], ground: u8) -> Result<Self, FrameError> {
        Self::from_rows(width, height, 4, 4 * width as usize, bytes, |row, out| {
            out.extend(row.chunks_exact(4).map(|p| blend(brightness(p[0], p[1], p[2]), p[3], ground)));
        })
    }

    /// Luma of three bytes a pixel; `order` names which of them are red, green and blue.
    ///
    /// # Errors
    /// [`FrameError::Size`] and [`FrameError::Short`].
    pub(crate) fn from_rgb(
        width: u32,
        height: u32,
        bytes: &[u8],
        order: [usize; 3],
    ) -> Result<Self, FrameError> {
        let [r, g, b] = order;
        Self::from_rows(width, height, 3, 3 * width as usize, bytes, |row, out| {
            out.extend(row.chunks_exact(3).map(|p| brightness(p[r], p[g], p[b])));
        })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels, `width * height` bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The negative: what a reader needs for light modules on a dark ground.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { width: self.width, height: self.height, data: self.data.iter().map(|v| 255 - v).collect() }
    }

    /// Other pixels in a picture of the same size.
    pub(crate) fn with(&self, data: Vec<u8>) -> Self {
        debug_assert_eq!(data.len(), self.data.len(), "as many as before");
        Self { data, ..*self }
    }

    /// Half of each side, each pixel the mean of four. `None` when a side would vanish.
    pub fn halved(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width == 0 || height == 0 {
            return None;
        }
        let stride = self.width as usize;
        let mut data = Vec::with_capacity(width as usize * height as usize);
        for pair in self.data.chunks_exact(2 * stride).take(height as usize) {
            let (upper, lower) = pair.split_at(stride);
            data.extend(upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(a, b)| {
                let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
                u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
            }));
        }
        Some(Self { width, height, data })
    }

    /// One `factor`-th of each side, each pixel the mean of a square. `None` when a side would vanish.
    pub(crate) fn shrunk(&self, factor: u32) -> Option<Self> {
        let (width, height) = (self.width.checked_div(factor)?, self.height.checked_div(factor)?);
        if width == 0 || height == 0 {
            return None;
        }
        let (stride, step) = (self.width as usize, factor as usize);
        let mut data = Vec::with_capacity(width as usize * height as usize);
        let mut sums = vec![0_u32; width as usize];
        for rows in self.data.chunks_exact(step * stride).take(height as usize) {
            sums.fill(0);
            for row in rows.chunks_exact(stride) {
                for (sum, part) in sums.iter_mut().zip(row.chunks_exact(step)) {
                    *sum += part.iter().map(|value| u32::from(*value)).sum::<u32>();
                }
            }
            let area = factor * factor;
            data.extend(sums.iter().map(|sum| u8::try_from((sum + area / 2) / area).unwrap_or(u8::MAX)));
        }
        Some(Self { width, height, data })
    }

    fn from_rows(
        width: u32,
        height: u32,
        bytes_per_pixel: usize,
        stride: usize,
        bytes: &[u8],
        take: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Result<Self, FrameError> {
        let size = pixels(width, height)?;
        let row = width as usize * bytes_per_pixel;
        // The last row need not be padded.
        let needed = stride as u64 * u64::from(height - 1) + row as u64;
        if stride < row || (bytes.len() as u64) < needed {
            return Err(FrameError::Short { needed, got: bytes.len() });
        }
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        for start in (0..height as usize).map(|y| y * stride) {
            take(&bytes[start..start + row], &mut data);
        }
        Ok(Self { width, height, data })
    }
}

/// Brightness of an RGB pixel, ITU-R BT.601 weights.
pub(crate) fn brightness(r: u8, g: u8, b: u8) -> u8 {
    let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

fn blend(value: u8, alpha: u8, ground: u8) -> u8 {
    let alpha = u32::from(alpha);
    let sum = u32::from(value) * alpha + u32::from(ground) * (255 - alpha);
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}

fn pixels(width: u32, height: u32) -> Result<u64, FrameError> {
    let size = u64::from(width) * u64::from(height);
    if size == 0 || size > MAX_PIXELS { Err(FrameError::Size { width, height }) } else { Ok(size) }
}

fn decode_jpeg(bytes: &[u8]) -> Result<Luma, FrameError> {
    let damaged = |error: zune_jpeg::errors::DecodeErrors| FrameError::Jpeg(error.to_string());
    // Strict: a frame with half of its data missing is an error, not a picture with a grey half.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| FrameError::Jpeg("no size".to_owned()))?;
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let (width, height) = (side(width), side(height));
    pixels(width, height)?;
    Luma::new(width, height, decoder.decode().map_err(damaged)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn yuyv_takes_every_second_byte_and_minds_the_stride() {
        let bytes = [1, 99, 2, 99, 0, 0, 3, 99, 4, 99];
        let luma = Luma::from_yuyv(2, 2, 6, &bytes).unwrap();
        assert_eq!(luma.data(), [1, 2, 3, 4]);
    }

    #[test]
    fn planar_takes_the_first_rows_and_minds_the_stride() {
        let bytes = [1, 2, 9, 3, 4, 9, 77, 77, 77];
        let luma = Luma::from_planar(2, 2, 3, &bytes).unwrap();
        assert_eq!(luma.data(), [1, 2, 3, 4]);
    }

    #[test]
    fn short_and_senseless_frames_are_errors() {
        assert_eq!(Luma::from_yuyv(4, 4, 8, &[0; 31]), Err(FrameError::Short { needed: 32, got: 31 }));
        assert_eq!(Luma::from_planar(4, 4, 3, &[0; 16]), Err(FrameError::Short { needed: 13, got: 16 }));
        assert_eq!(Luma::from_planar(0, 4, 0, &[]), Err(FrameError::Size { width: 0, height: 4 }));
        let (width, height) = (u32::MAX, u32::MAX);
        assert_eq!(Luma::from_planar(width, height, 0, &[]), Err(FrameError::Size { width, height }));
        assert!(Luma::new(2, 2, vec![0; 5]).is_err());
    }

    #[test]
    fn halving_averages_and_drops_an_odd_edge() {
        let luma = Luma::new(3, 3, vec![0, 4, 9, 4, 8, 9, 9, 9, 9]).unwrap();
        let half = luma.halved().unwrap();
        assert_eq!((half.width(), half.height(), half.data()), (1, 1, &[4][..]));
        assert!(half.halved().is_none());
    }

    #[test]
    fn shrinking_averages_and_drops_what_is_left_over() {
        let luma = Luma::new(7, 4, (0..28).collect()).unwrap();
        let third = luma.shrunk(3).unwrap();
        assert_eq!((third.width(), third.height(), third.data()), (2, 1, &[8, 11][..]));
        assert!(luma.shrunk(5).is_none() && luma.shrunk(0).is_none());
    }

    #[test]
    fn see_through_pixels_take_the_ground() {
        let clear_and_black = [0, 0, 0, 0, 0, 0, 0, 255];
        assert_eq!(Luma::from_rgba(2, 1, &clear_and_black, 255).unwrap().data(), [255, 0]);
        assert_eq!(Luma::from_rgba(2, 1, &clear_and_black, 0).unwrap().data(), [0, 0]);
    }

    #[test]
    fn damaged_jpegs_are_errors() {
        let whole = jpeg_of(
            &Luma::new(64, 64, (0..64 * 64).map(|i| u8::try_from(i % 251).unwrap()).collect()).unwrap(),
        );
        assert!(Luma::from_jpeg(&whole).is_ok());
        let mut padded = whole.clone();
        padded.resize(whole.len() + 100_000, 0);
        assert!(Luma::from_jpeg(&padded).is_ok(), "a camera hands over its whole buffer");
        for cut in 0..whole.len() - 2 {
            assert!(Luma::from_jpeg(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
        assert!(Luma::from_jpeg(&[0; 5000]).is_err());
    }

    fn jpeg_of(luma: &Luma) -> Vec<u8> {
        let mut out = Vec::new();
        image::codecs::jpeg::JpegEncoder::new(&mut out)
            .encode(luma.data(), luma.width(), luma.height(), image::ExtendedColorType::L8)
            .unwrap();
        out
    }
}
