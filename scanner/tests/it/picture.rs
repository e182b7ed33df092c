//! Picture files: every format is read, and hostile bytes end as an error of a kind, soon and in little memory.

use std::io::Cursor;

use fast_qr::ECL;
use image::{DynamicImage, GrayImage, ImageFormat, Luma as Grey, Rgba, RgbaImage};
use scanner::picture::{self, PictureError};

use crate::drawing::{Canvas, Code};

const TEXT: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBV";

#[test]
fn every_format_is_read() {
    for format in FORMATS {
        assert_eq!(texts(&encoded(&grey(&drawn()), format)), [TEXT], "{format:?}");
    }
}

#[test]
fn a_code_on_nothing_is_read() {
    let code = drawn();
    for ink in [0, 255] {
        let picture = RgbaImage::from_fn(code.width, code.height, |x, y| {
            if code.get(x, y) == 0 { Rgba([ink, ink, ink, 255]) } else { Rgba([0, 0, 0, 0]) }
        });
        let (width, height) = picture.dimensions();
        let from_clipboard = picture::read_rgba(width, height, picture.as_raw()).unwrap();
        assert_eq!(from_clipboard[0].text.as_deref(), Some(TEXT), "ink {ink}");
        assert_eq!(
            texts(&encoded(&DynamicImage::ImageRgba8(picture), ImageFormat::Png)),
            [TEXT],
            "ink {ink}"
        );
    }
}

#[test]
fn a_picture_without_a_code_is_no_error() {
    let blank = grey(&Canvas::new(300, 200, 200));
    for format in FORMATS {
        assert!(picture::read(&encoded(&blank, format)).unwrap().is_empty(), "{format:?}");
    }
    assert!(picture::read(&encoded(&grey(&Canvas::new(1, 1, 0)), ImageFormat::Png)).unwrap().is_empty());
}

#[test]
fn what_is_no_picture_is_said_to_be_none() {
    for bytes in [&b""[..], b"x", b"hello, this is text", b"%PDF-1.7", b"II*\0\x08\0\0\0", &[0; 4096]] {
        assert!(matches!(picture::read(bytes), Err(PictureError::NotAPicture)), "{bytes:?}");
    }
}

#[test]
fn cut_off_files_are_damaged() {
    let image = grey(&drawn());
    for format in FORMATS {
        let whole = encoded(&image, format);
        for parts in 1..16 {
            let cut = &whole[..whole.len() * parts / 16];
            // A GIF or WebP may be whole enough before its end; what matters is that nothing wrong comes out.
            match picture::read(cut) {
                Ok(reads) => {
                    assert!(
                        reads.iter().all(|read| read.text.as_deref() == Some(TEXT)),
                        "{format:?} {parts}"
                    );
                }
                Err(PictureError::Damaged(_) | PictureError::NotAPicture) => {}
                Err(other) => panic!("{format:?} {parts}: {other:?}"),
            }
        }
    }
    let jpeg = encoded(&image, ImageFormat::Jpeg);
    assert!(matches!(picture::read(&jpeg[..jpeg.len() / 2]), Err(PictureError::Damaged(_))));
}

#[test]
fn scribbled_files_end_in_a_result() {
    let image = grey(&drawn());
    for format in FORMATS {
        let whole = encoded(&image, format);
        for start in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            let mut bytes = whole.clone();
            bytes.iter_mut().skip(start).take(40).for_each(|byte| *byte ^= 0x55);
            if let Ok(reads) = picture::read(&bytes) {
                assert!(reads.iter().all(|read| read.text.as_deref() == Some(TEXT)), "{format:?} at {start}");
            }
        }
    }
}

#[test]
fn a_huge_size_in_the_header_is_refused_before_memory_is_taken() {
    let bytes = |parts: &[&[u8]]| parts.concat();
    let side = 60_000_u32;
    let png = {
        let data = bytes(&[&side.to_be_bytes(), &side.to_be_bytes(), &[8, 0, 0, 0, 0]]);
        let ihdr = bytes(&[b"IHDR", &data]);
        bytes(&[
            b"\x89PNG\r\n\x1a\n",
            &13_u32.to_be_bytes(),
            &ihdr,
            &crc32(&ihdr).to_be_bytes(),
            &[0, 0, 0, 0],
        ])
    };
    let bmp = {
        let info = bytes(&[
            &40_u32.to_le_bytes(),
            &side.to_le_bytes(),
            &side.to_le_bytes(),
            &[1, 0, 24, 0],
            &[0; 24],
        ]);
        bytes(&[b"BM", &[0; 8], &54_u32.to_le_bytes(), &info])
    };
    let gif = bytes(&[b"GIF89a", &60_000_u16.to_le_bytes(), &60_000_u16.to_le_bytes(), &[0, 0, 0]]);
    let jpeg = bytes(&[
        &[0xff, 0xd8, 0xff, 0xc0, 0, 11, 8],
        &60_000_u16.to_be_bytes(),
        &60_000_u16.to_be_bytes(),
        &[1, 1, 0x11, 0],
        &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0, 0, 0],
    ]);
    for (name, hostile) in [("png", png), ("bmp", bmp), ("gif", gif), ("jpeg", jpeg)] {
        let result = picture::read(&hostile);
        assert!(
            matches!(result, Err(PictureError::TooLarge | PictureError::Damaged(_))),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    // 20,000 x 20,000 equal pixels fit into a file of two megabytes.
    let side = 20_000;
    let bomb = encoded(&DynamicImage::ImageLuma8(GrayImage::new(side, side)), ImageFormat::Png);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    assert!(matches!(picture::read(&bomb), Err(PictureError::TooLarge)));
}

#[test]
fn a_file_too_large_or_not_there_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let sparse = dir.path().join("sparse.png");
    std::fs::File::create(&sparse).unwrap().set_len(picture::MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(picture::read_file(&sparse), Err(PictureError::TooLarge)));
    assert!(matches!(picture::read_file(&dir.path().join("none.png")), Err(PictureError::Unreadable(_))));
    let file = dir.path().join("code.webp");
    std::fs::write(&file, encoded(&grey(&drawn()), ImageFormat::WebP)).unwrap();
    assert_eq!(picture::read_file(&file).unwrap().len(), 1);
}

/// Real photographs, where a folder with `SET/NAME.jpg` and `truth.json` is named: nothing may be read wrong.
#[test]
fn real_pictures_are_never_read_wrong() {
    let Some(dir) = std::env::var_os("COUNTERSIGN_SCANNER_PICTURES").map(std::path::PathBuf::from) else {
        eprintln!("skipped: COUNTERSIGN_SCANNER_PICTURES is not set");
        return;
    };
    let truth: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("truth.json")).unwrap()).unwrap();
    let truth: Vec<(&String, Option<&str>)> =
        truth.as_object().unwrap().iter().map(|(name, entry)| (name, entry["text"].as_str())).collect();
    let (mut readable, mut right) = (0, 0);
    let mut wrong = Vec::new();
    for (name, expected) in &truth {
        let mut is_right = false;
        for read in picture::read_file(&dir.join(format!("{name}.jpg"))).unwrap() {
            // The list has one line end for all.
            let text = read.text.map(|text| text.replace("\r\n", "\n").replace('\r', "\n"));
            if text.as_deref() == *expected {
                is_right = true;
            } else if !truth.iter().any(|(_, other)| text.as_deref() == *other) {
                // A code inside of another is listed by one of the two; a misread is listed nowhere.
                wrong.push(format!("{name}: {text:?} by {:?}, expected {expected:?}", read.reader));
            }
        }
        right += usize::from(is_right);
        readable += usize::from(expected.is_some());
    }
    eprintln!("{right} of {readable} readable pictures read, {} wrong", wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
}

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp];

fn drawn() -> Canvas {
    Code::of(TEXT, ECL::M, None).draw(4, false)
}

fn grey(canvas: &Canvas) -> DynamicImage {
    DynamicImage::ImageLuma8(GrayImage::from_fn(canvas.width, canvas.height, |x, y| Grey([canvas.get(x, y)])))
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let image = match format {
        ImageFormat::Gif => DynamicImage::ImageRgba8(image.to_rgba8()),
        ImageFormat::WebP if !image.color().has_alpha() => DynamicImage::ImageRgb8(image.to_rgb8()),
        _ => image.clone(),
    };
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn texts(bytes: &[u8]) -> Vec<String> {
    picture::read(bytes).unwrap().into_iter().map(|read| read.text.unwrap()).collect()
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
