//! Hostile pictures: whatever the bytes claim, the answer comes, and it takes memory for the pixels that are there.
//!
//! One test in a binary of its own, since the allocator counts for the whole process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and tells what it saw"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io::Cursor,
    sync::atomic::{AtomicUsize, Ordering},
};

use image::{DynamicImage, GrayImage, ImageFormat};
use scanner::{Luma, decode, decode::Live, picture};

const MIB: usize = 1 << 20;

/// Memory above the picture's own bytes that any of them may take for each pixel, in bytes.
const BYTES_A_PIXEL: usize = 64;

/// The same for a single frame of a camera.
const LIVE_BYTES_A_PIXEL: usize = 8;

#[test]
fn hostile_pictures_cost_bounded_memory() {
    claims_are_refused_for_nothing();
    bombs_cost_what_their_pixels_cost();
    strange_pixels_cost_what_their_number_costs();
}

/// A header of sixty thousand pixels a side and hardly a byte behind it.
fn claims_are_refused_for_nothing() {
    for (name, bytes) in claims() {
        let (outcome, peak) = peak_of(|| picture::read(&bytes).map(|reads| reads.len()));
        println!("{name}: {outcome:?}, {} KiB", peak >> 10);
        assert!(!matches!(outcome, Ok(1..)), "{name}");
        assert!(peak < MIB, "{name}: {peak} bytes");
    }
}

/// Small files that unpack to many pixels: above the limit nothing is unpacked, below it memory follows the pixels.
fn bombs_cost_what_their_pixels_cost() {
    let image = |side: u32| DynamicImage::ImageLuma8(GrayImage::new(side, side));
    let too_large = encoded(&image(9_000), ImageFormat::Png);
    let (outcome, peak) = peak_of(|| picture::read(&too_large).is_err());
    println!("png of 9000 x 9000 in {} KiB: refused {outcome}, {} KiB", too_large.len() >> 10, peak >> 10);
    assert!(outcome && peak < MIB, "{peak} bytes");
    for (format, side) in [(ImageFormat::Png, 7_000), (ImageFormat::Jpeg, 7_000), (ImageFormat::Gif, 4_000)] {
        let bytes = encoded(&image(side), format);
        let (reads, peak) = peak_of(|| picture::read(&bytes).map(|reads| reads.len()).ok());
        println!("{format:?} of {side} x {side} in {} KiB: {reads:?}, {} MiB", bytes.len() >> 10, peak / MIB);
        assert_eq!(reads, Some(0), "{format:?}");
        let bound = BYTES_A_PIXEL * (side * side) as usize + MIB;
        assert!(peak < bound, "{format:?}: {peak} bytes, {bound} allowed");
    }
}

fn strange_pixels_cost_what_their_number_costs() {
    for (width, height) in [(1, 1), (1, 5_000), (5_000, 1), (3, 3), (1280, 720), (4_000, 3_000)] {
        // Of the largest size only what keeps a reader busiest.
        for (name, pixel) in STRANGE.into_iter().skip(if width > 1280 && height > 1 { 5 } else { 0 }) {
            let data = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect();
            let luma = Luma::new(width, height, data).unwrap();
            let pixels = luma.data().len();
            let (reads, peak) = peak_of(|| decode(&luma).len());
            println!("{name}, {width} x {height}: {reads} reads, {} KiB", peak >> 10);
            assert_eq!(reads, 0, "{name}, {width} x {height}");
            let bound = BYTES_A_PIXEL * pixels + 4 * MIB;
            assert!(peak < bound, "{name}, {width} x {height}: {peak} bytes, {bound} allowed");
            if width > 1280 {
                continue;
            }
            let mut live = Live::default();
            let (reads, peak) = peak_of(|| (0..6).map(|_| live.decode(&luma).len()).sum::<usize>());
            println!("{name}, {width} x {height}, live: {reads} reads, {} KiB", peak >> 10);
            let bound = LIVE_BYTES_A_PIXEL * pixels + 4 * MIB;
            assert!(reads == 0 && peak < bound, "{name}, {width} x {height}, live: {peak}, {bound} allowed");
        }
    }
}

type Pixel = fn(u32, u32) -> u8;

const STRANGE: [(&str, Pixel); 7] = [
    ("flat", |_, _| 128),
    ("noise", |x, y| noise(x, y)),
    ("coarse noise", |x, y| if noise(x / 3, y / 3) & 1 == 0 { 0 } else { 255 }),
    ("checkers", |x, y| if (x / 3 + y / 3) % 2 == 0 { 0 } else { 255 }),
    ("stripes", |x, _| if x / 2 % 2 == 0 { 0 } else { 255 }),
    ("finder patterns of one pixel", |x, y| finder(x, y)),
    ("finder patterns of four pixels", |x, y| finder(x / 4, y / 4)),
];

fn noise(x: u32, y: u32) -> u8 {
    let mut hash = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77);
    hash = (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d);
    hash = (hash ^ hash >> 12).wrapping_mul(0x297a_2d39);
    u8::try_from(hash >> 24).unwrap()
}

/// Every 8 x 8 cell is a finder pattern.
fn finder(x: u32, y: u32) -> u8 {
    let ring = (x % 8).abs_diff(3).max((y % 8).abs_diff(3));
    if x % 8 == 7 || y % 8 == 7 || ring == 2 { 255 } else { 0 }
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let rgba = || DynamicImage::ImageRgba8(image.to_rgba8());
    let image = if format == ImageFormat::Gif { &rgba() } else { image };
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// Headers of a kind each that claim 60,000 pixels a side (WebP: 16,383, nearly its most).
fn claims() -> Vec<(&'static str, Vec<u8>)> {
    let side = 60_000_u32;
    let side_16 = 60_000_u16;
    let ihdr = [&b"IHDR"[..], &side.to_be_bytes(), &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let png = [b"\x89PNG\r\n\x1a\n", &13_u32.to_be_bytes()[..], &ihdr, &crc32(&ihdr).to_be_bytes()].concat();
    let bmp = [
        &b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"[..],
        &side.to_le_bytes(),
        &side.to_le_bytes(),
        &[1, 0, 24, 0],
        &[0; 24],
    ]
    .concat();
    let gif = [&b"GIF89a"[..], &side_16.to_le_bytes(), &side_16.to_le_bytes(), &[0, 0, 0]].concat();
    let frame =
        [&[0xff, 0xc0, 0, 11, 8][..], &side_16.to_be_bytes(), &side_16.to_be_bytes(), &[1, 1, 0x11, 0]];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0, 0, 0];
    let jpeg = [&[0xff, 0xd8][..], &frame.concat(), &scan].concat();
    // VP8L: 14 bits a side, less one.
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xfe\xbf\xff\x0f\0\0\0\0\0\0\0\0\0".to_vec();
    vec![("png", png), ("bmp", bmp), ("gif", gif), ("jpeg", jpeg), ("webp", webp)]
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

/// What `work` returns, and how far memory rose above its begin meanwhile, in bytes.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = USED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (result, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

/// The system's allocator, and how much of it is in use.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one hands every call on as it came")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is the one that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from `System.alloc` with this `layout`, as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
