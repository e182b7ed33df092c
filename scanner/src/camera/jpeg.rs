//! Frames for the eye: a camera's JPEG cut to its length, or one made from raw pixels.

use std::{borrow::Cow, sync::LazyLock};

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

use super::{Encoding, Format};

/// Quality of made frames; they are looked at for a thirtieth of a second.
const QUALITY: u8 = 75;

/// The JPEG at the start of a camera's buffer, which is longer than the picture. `None` when it does not begin or end as one.
///
/// Many cameras leave the Huffman tables out, since every motion JPEG has the same; they are put in, so that any decoder
/// can show the frame. Otherwise not a byte changes.
pub(super) fn whole(buffer: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !buffer.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut has_tables = false;
    let mut first_scan = None;
    // Behind the picture the buffer holds zeros or the tail of an older, longer frame, so the first end marker counts.
    // Inside the compressed data a 0xff is always followed by 0 or a restart marker; header segments name their length.
    let mut at = 2;
    loop {
        let [0xff, marker, rest @ ..] = buffer.get(at..)? else { return None };
        match marker {
            0xd9 => break,
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let [high, low, ..] = rest else { return None };
                has_tables |= *marker == 0xc4;
                let segment = at;
                at += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
                if *marker == 0xda {
                    first_scan.get_or_insert(segment);
                    at = end_of_scan(buffer, at)?;
                }
            }
        }
    }
    let jpeg = &buffer[..at + 2];
    match first_scan {
        Some(scan) if !has_tables => Some([&jpeg[..scan], &HUFFMAN_TABLES, &jpeg[scan..]].concat().into()),
        Some(_) | None => Some(jpeg.into()),
    }
}

/// The four tables of ITU-T T.81 Annex K as DHT segments, taken from a JPEG of an encoder that uses no others.
static HUFFMAN_TABLES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let gray = Format { width: 8, height: 8, rate: 0, encoding: Encoding::Rgb };
    let jpeg = made_of(gray, &[128; 3 * 64]).unwrap_or_default();
    let mut tables = Vec::new();
    let mut at = 2;
    while let Some([0xff, marker, high, low, ..]) = jpeg.get(at..) {
        if *marker == 0xda {
            break;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([*high, *low]));
        if *marker == 0xc4 {
            tables.extend(jpeg.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    tables
});

/// Where the compressed data that starts at `from` gives way to a marker.
fn end_of_scan(buffer: &[u8], from: usize) -> Option<usize> {
    let data = buffer.get(from..)?;
    let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7);
    data.windows(2).position(ends).map(|offset| from + offset)
}

/// A JPEG of raw pixels; `None` when there are too few of them or the frame is a JPEG already.
pub(super) fn made_of(format: Format, bytes: &[u8]) -> Option<Vec<u8>> {
    let (width, height) = (format.width as usize, format.height as usize);
    let (rgb, color) = match format.encoding {
        Encoding::Mjpeg => return None,
        Encoding::Gray => (bytes.get(..width * height)?.to_vec(), ExtendedColorType::L8),
        Encoding::Rgb => (bytes.get(..3 * width * height)?.to_vec(), ExtendedColorType::Rgb8),
        Encoding::Bgr => {
            let pixels = bytes.get(..3 * width * height)?.chunks_exact(3);
            (pixels.flat_map(|p| [p[2], p[1], p[0]]).collect(), ExtendedColorType::Rgb8)
        }
        Encoding::Yuyv => {
            let pairs = bytes.get(..2 * width * height)?.chunks_exact(4);
            let rgb = pairs.flat_map(|p| [rgb(p[0], p[1], p[3]), rgb(p[2], p[1], p[3])]).flatten().collect();
            (rgb, ExtendedColorType::Rgb8)
        }
        Encoding::Nv12 => (nv12(width, height, bytes)?, ExtendedColorType::Rgb8),
    };
    let mut out = Vec::with_capacity(rgb.len() / 8);
    JpegEncoder::new_with_quality(&mut out, QUALITY).encode(&rgb, format.width, format.height, color).ok()?;
    Some(out)
}

fn nv12(width: usize, height: usize, bytes: &[u8]) -> Option<Vec<u8>> {
    let luma = bytes.get(..width * height)?;
    let chroma_row = width.next_multiple_of(2);
    let chroma = bytes.get(width * height..)?.get(..chroma_row * height.div_ceil(2))?;
    let mut out = Vec::with_capacity(3 * width * height);
    for (y, row) in luma.chunks_exact(width).enumerate() {
        let start = y / 2 * chroma_row;
        let colors = chroma[start..start + chroma_row].chunks_exact(2);
        for (pair, color) in row.chunks(2).zip(colors) {
            out.extend(pair.iter().flat_map(|value| rgb(*value, color[0], color[1])));
        }
    }
    Some(out)
}

/// ITU-R BT.601, limited range, in 8-bit fixed point.
fn rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (298 * (i32::from(y) - 16), i32::from(u) - 128, i32::from(v) - 128);
    [y + 409 * v, y - 100 * u - 208 * v, y + 516 * u]
        .map(|value| u8::try_from(((value + 128) >> 8).clamp(0, 255)).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::frame::Luma;

    fn format(encoding: Encoding, width: u32, height: u32) -> Format {
        Format { width, height, rate: 30, encoding }
    }

    #[test]
    fn raw_frames_become_jpegs_of_the_same_brightness() {
        let (width, height) = (48_u32, 32_u32);
        let size = (width * height) as usize;
        let frames = [
            (Encoding::Yuyv, [200, 128, 200, 128].repeat(size / 2)),
            (Encoding::Nv12, [vec![200; size], vec![128; size / 2]].concat()),
            (Encoding::Gray, vec![214; size]),
            (Encoding::Rgb, vec![214; 3 * size]),
            (Encoding::Bgr, vec![214; 3 * size]),
        ];
        for (encoding, bytes) in frames {
            let jpeg = made_of(format(encoding, width, height), &bytes).unwrap();
            let luma = Luma::from_jpeg(&jpeg).unwrap();
            assert_eq!((luma.width(), luma.height()), (width, height), "{encoding:?}");
            assert!(luma.data().iter().all(|value| value.abs_diff(214) <= 2), "{encoding:?}");
            assert_eq!(made_of(format(encoding, width, height), &bytes[..size / 2]), None, "{encoding:?}");
        }
    }

    #[test]
    fn a_buffer_is_cut_behind_its_first_picture() {
        let gray: Vec<u8> = (0..64 * 64_u32).map(|i| u8::try_from(i * 37 % 256).unwrap()).collect();
        let jpeg = made_of(format(Encoding::Gray, 64, 64), &gray).unwrap();
        assert_eq!(whole(&jpeg).as_deref(), Some(&jpeg[..]));
        let mut buffer = jpeg.clone();
        buffer.extend([0; 1000]);
        // The tail of an older frame, with its own end marker.
        buffer.extend(&jpeg[jpeg.len() / 2..]);
        assert_eq!(whole(&buffer).as_deref(), Some(&jpeg[..]));
        for cut in 0..jpeg.len() {
            assert_eq!(whole(&jpeg[..cut]), None);
        }
        assert_eq!(whole(&[0; 100]), None);
        assert_eq!(whole(&[0xff; 100]), None);
    }

    #[test]
    fn missing_huffman_tables_are_put_in() {
        // Four segments, each two bytes of marker, two of length, and the tables' 17 + 12 or 17 + 162 bytes.
        assert_eq!(HUFFMAN_TABLES.len(), 2 * (4 + 17 + 12) + 2 * (4 + 17 + 162));
        let rgb: Vec<u8> = (0..3 * 64 * 64_u32).map(|i| u8::try_from(i * 37 % 256).unwrap()).collect();
        let jpeg = made_of(format(Encoding::Rgb, 64, 64), &rgb).unwrap();
        let expected = Luma::from_jpeg(&jpeg).unwrap();
        let mut without = Vec::new();
        let mut at = 0;
        while at < jpeg.len() {
            let tables = jpeg[at..].starts_with(&[0xff, 0xc4]);
            let length =
                if tables { 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]])) } else { 1 };
            if !tables {
                without.push(jpeg[at]);
            }
            at += length;
        }
        assert!(without.len() < jpeg.len() - 400);
        assert_eq!(Luma::from_jpeg(&whole(&without).unwrap()).unwrap(), expected);
    }
}
