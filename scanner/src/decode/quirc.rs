//! The quirc family: rqrr, strong where the perspective is.

use rqrr::PreparedImage;

use super::{Read, Reader, payload};
use crate::frame::Luma;

/// Grids that are decoded in a picture; a picture with more of them is noise.
const MAX_GRIDS: usize = 100;

pub(super) fn read(luma: &Luma, reader: Reader) -> Vec<Read> {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let data = luma.data();
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| data[y * width + x]);
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
