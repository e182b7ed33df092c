//! The picture of a frame: a QR code as a one-bit PNG, one pixel a module.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::id::RequestId;

use super::modules::Encoder;

/// Modules of white around the code (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE: usize = 4;
/// Pictures kept. A frame is asked for several times within moments: by the start, the socket, further tabs.
const CACHE_LENGTH_MAX: usize = 512;

/// Draws frames and keeps the newest ones for a moment.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    encoder: Encoder,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    pictures: HashMap<(RequestId, u8), Arc<str>>,
    order: VecDeque<(RequestId, u8)>,
}

impl Pictures {
    /// The data URI of the picture of `link`, which is the frame `counter` of `request`.
    pub(super) fn of(&self, request: RequestId, counter: u8, link: &str) -> Arc<str> {
        let key = (request, counter);
        if let Some(known) = self.lock().pictures.get(&key) {
            return Arc::clone(known);
        }
        let picture: Arc<str> = data_uri(&self.encoder, link).into();
        let mut recent = self.lock();
        if recent.pictures.insert(key, Arc::clone(&picture)).is_none() {
            recent.order.push_back(key);
        }
        if recent.order.len() > CACHE_LENGTH_MAX
            && let Some(oldest) = recent.order.pop_front()
        {
            recent.pictures.remove(&oldest);
        }
        picture
    }

    /// Draws all anew from here on.
    pub(super) fn forget(&self) {
        *self.lock() = Recent::default();
    }

    /// A panic while it was held has left a usable cache.
    fn lock(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn data_uri(encoder: &Encoder, link: &str) -> String {
    let png = png(encoder, link);
    let mut uri = String::from("data:image/png;base64,");
    STANDARD.encode_string(png, &mut uri);
    uri
}

fn png(encoder: &Encoder, link: &str) -> Vec<u8> {
    let code = encoder.draw(link).expect("a link of at most 300 characters fits a QR code");
    let side = code.side + 2 * QUIET_ZONE;
    let row_length = side.div_ceil(8);
    // One bit a pixel, white is 1, the first pixel is the highest bit (PNG §7.2).
    let mut rows = vec![0xFF; row_length * side];
    for y in 0..code.side {
        for x in (0..code.side).filter(|x| code.is_dark(*x, y)) {
            let x = x + QUIET_ZONE;
            rows[(y + QUIET_ZONE) * row_length + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    encode(&rows, u32::try_from(side).expect("a QR code has at most 177 modules a side"))
}

fn encode(rows: &[u8], side: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(400);
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(rows))
        .expect("writing to memory does not fail and the rows have the size of the picture");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGH";

    #[test]
    fn a_frame_is_version_4_and_a_small_one_bit_png() {
        let bytes = png(&Encoder::default(), LINK);
        let decoder = png::Decoder::new(std::io::Cursor::new(&bytes));
        let reader = decoder.read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (33 + 8, 33 + 8));
        assert_eq!(info.bit_depth, png::BitDepth::One);
        assert!(bytes.len() < 420, "{} bytes", bytes.len());
    }

    #[test]
    fn the_quiet_zone_is_white_and_the_finder_is_black() {
        let bytes = png(&Encoder::default(), LINK);
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut rows = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rows).unwrap();
        let black = |x: usize, y: usize| rows[y * 6 + x / 8] & (0x80 >> (x % 8)) == 0;
        assert!((0..41).all(|i| !black(i, 3) && !black(3, i)));
        assert!((4..11).all(|i| black(i, 4) && black(4, i)));
    }

    #[test]
    fn a_frame_that_was_drawn_is_not_drawn_again_and_the_cache_is_bounded() {
        let pictures = Pictures::default();
        let id = RequestId::from_random([1; 16]);
        let first = pictures.of(id, 0, LINK);
        assert!(Arc::ptr_eq(&first, &pictures.of(id, 0, LINK)));
        for i in 0..=CACHE_LENGTH_MAX {
            let mut bytes = [2; 16];
            bytes[..8].copy_from_slice(&i.to_be_bytes());
            pictures.of(RequestId::from_random(bytes), 0, "HTTPS://A/Q/A");
        }
        assert!(pictures.lock().pictures.len() <= CACHE_LENGTH_MAX);
        assert!(!Arc::ptr_eq(&first, &pictures.of(id, 0, LINK)));
    }
}
