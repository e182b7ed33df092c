//! Single pictures: the bytes of a file, a clipboard or a drop.

use std::{
    io::{Cursor, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};

use crate::{
    decode::{Read, decode},
    frame::{FrameError, Luma, MAX_PIXELS},
};

/// The largest file taken, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// Memory that a decoder may take for one picture, in bytes: [`MAX_PIXELS`] of RGBA.
const MAX_ALLOC: u64 = 4 * MAX_PIXELS;

/// Why bytes could not be looked at. A picture without a code is no error.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Neither PNG, JPEG, WebP, GIF nor BMP.
    #[error("this is not a picture")]
    NotAPicture,
    /// More than [`MAX_FILE_BYTES`] or [`MAX_PIXELS`].
    #[error("the picture is too large")]
    TooLarge,
    /// It begins as a picture and cannot be decoded; the text is the decoder's.
    #[error("the picture is damaged")]
    Damaged(String),
    /// The file could not be read.
    #[error("the file could not be read")]
    Unreadable(#[source] std::io::Error),
}

/// Reads every code in the bytes of a PNG, JPEG, WebP, GIF (its first frame) or BMP file. Blocking, up to some 100 ms.
///
/// # Errors
/// [`PictureError`], all but `Unreadable`.
pub fn read(bytes: &[u8]) -> Result<Vec<Read>, PictureError> {
    match decoded(bytes)? {
        Decoded::Luma(luma) => Ok(decode(&luma)),
        Decoded::Image(image) if image.color().has_alpha() => {
            // A code may be drawn on nothing, black or white; paper is the better guess.
            let on_white = decode(&Luma::from_image(image.clone(), 255)?);
            if on_white.is_empty() { Ok(decode(&Luma::from_image(image, 0)?)) } else { Ok(on_white) }
        }
        Decoded::Image(image) => Ok(decode(&Luma::from_image(image, 255)?)),
    }
}

/// The luma of such a file, see-through parts white.
///
/// # Errors
/// [`PictureError`], all but `Unreadable`.
pub fn luma(bytes: &[u8]) -> Result<Luma, PictureError> {
    match decoded(bytes)? {
        Decoded::Luma(luma) => Ok(luma),
        Decoded::Image(image) => Ok(Luma::from_image(image, 255)?),
    }
}

/// Reads every code in RGBA pixels, as a clipboard hands them over. Blocking like [`read`].
///
/// # Errors
/// [`PictureError::TooLarge`], or [`PictureError::Damaged`] when `rgba` is not `4 * width * height` bytes.
pub fn read_rgba(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<Read>, PictureError> {
    let on_white = decode(&Luma::from_rgba(width, height, rgba, 255)?);
    if !on_white.is_empty() || rgba.iter().skip(3).step_by(4).all(|alpha| *alpha == 255) {
        return Ok(on_white);
    }
    Ok(decode(&Luma::from_rgba(width, height, rgba, 0)?))
}

/// Reads every code in a picture file. Blocking like [`read`].
///
/// # Errors
/// [`PictureError`].
pub fn read_file(path: &Path) -> Result<Vec<Read>, PictureError> {
    let size = std::fs::metadata(path).map_err(PictureError::Unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(PictureError::TooLarge);
    }
    read(&std::fs::read(path).map_err(PictureError::Unreadable)?)
}

enum Decoded {
    Luma(Luma),
    Image(DynamicImage),
}

fn decoded(bytes: &[u8]) -> Result<Decoded, PictureError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(PictureError::TooLarge);
    }
    let format = image::guess_format(bytes).map_err(|_| PictureError::NotAPicture)?;
    if format == ImageFormat::Jpeg {
        return Ok(Decoded::Luma(Luma::from_jpeg(bytes)?));
    }
    // Decoders of others on bytes from outside: whatever they do ends as an error.
    catch_unwind(AssertUnwindSafe(|| open(bytes, format)))
        .unwrap_or_else(|_| Err(PictureError::Damaged("the decoder gave up".to_owned())))
        .map(Decoded::Image)
}

fn open(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, PictureError> {
    if !matches!(format, ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif | ImageFormat::Bmp) {
        return Err(PictureError::NotAPicture);
    }
    let reader = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_ALLOC);
        reader.limits(limits);
        reader
    };
    // The size stands in the header: judged before anything is unpacked.
    let (width, height) = reader().into_dimensions()?;
    let size = u64::from(width) * u64::from(height);
    if size > MAX_PIXELS {
        return Err(PictureError::TooLarge);
    }
    if size == 0 {
        return Err(PictureError::Damaged("a side is zero".to_owned()));
    }
    Ok(reader().decode()?)
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::IoError(source) if source.kind() == ErrorKind::OutOfMemory => Self::TooLarge,
            ImageError::Decoding(_)
            | ImageError::Encoding(_)
            | ImageError::Parameter(_)
            | ImageError::Unsupported(_)
            | ImageError::IoError(_) => Self::Damaged(error.to_string()),
        }
    }
}

impl From<FrameError> for PictureError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Size { width: 0, .. } | FrameError::Size { height: 0, .. } => {
                Self::Damaged(error.to_string())
            }
            FrameError::Size { .. } => Self::TooLarge,
            FrameError::Short { .. } | FrameError::Jpeg(_) => Self::Damaged(error.to_string()),
        }
    }
}
