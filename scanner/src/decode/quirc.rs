//! The quirc family: rqrr, strong where the perspective is.

use rqrr::PreparedImage;

use super::{Read, Reader, blur::blurred, payload, zxing::Polarity};
use crate::frame::Luma;

/// Grids that are decoded in a picture; a picture with more of them is noise.
const MAX_GRIDS: usize = 100;

/// Difference from the mean below which a pixel counts as ground.
const NOISE: i16 = 3;

/// What makes a pixel dark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Threshold {
    /// rqrr's own, which follows the light from row to row.
    Own,
    /// The mean around it.
    Local,
}

pub(super) fn read(luma: &Luma, threshold: Threshold, polarity: Polarity, reader: Reader) -> Vec<Read> {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let data = luma.data();
    let mut prepared = match threshold {
        Threshold::Own => {
            let flip = match polarity {
                Polarity::Dark => 0,
                Polarity::Light => 255,
            };
            PreparedImage::prepare_from_greyscale(width, height, |x, y| data[y * width + x] ^ flip)
        }
        Threshold::Local => {
            let means = blurred(data, width, height, (width.min(height) / 10).max(6));
            PreparedImage::prepare_from_bitmap(width, height, |x, y| {
                let difference = i16::from(means[y * width + x]) - i16::from(data[y * width + x]);
                match polarity {
                    Polarity::Dark => difference > NOISE,
                    Polarity::Light => difference < -NOISE,
                }
            })
        }
    };
    let grids = prepared.detect_grids();
    grids
        .iter()
        .take(MAX_GRIDS)
        .filter_map(|grid| {
            let mut bytes = Vec::new();
            grid.decode_to(&mut bytes).ok()?;
            if bytes.is_empty() {
                return None;
            }
            let text = payload::text_of(&bytes);
            #[expect(clippy::cast_precision_loss, reason = "a coordinate within a picture is far below 2^24")]
            let corners = grid.bounds.map(|point| (point.x as f32, point.y as f32));
            Some(Read { bytes, text, corners, reader })
        })
        .collect()
}
