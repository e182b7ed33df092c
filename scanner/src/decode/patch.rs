//! A part of a picture, at its own size or at twice that, and the way back to the picture.

use super::{Corner, grid::length, region::Region};
use crate::frame::Luma;

/// A part of a picture to be looked at for itself.
pub(super) struct Patch {
    pub(super) luma: Luma,
    region: Region,
    /// Pixels of the patch for one of the picture.
    scale: f32,
}

impl Patch {
    /// The region at its own size.
    pub(super) fn cut(luma: &Luma, region: Region) -> Option<Self> {
        let stride = luma.width() as usize;
        let rows = (region.y..region.y + region.height)
            .map(|y| &luma.data()[y * stride + region.x..][..region.width]);
        let data = rows.flatten().copied().collect();
        Some(Self { luma: sized(region.width, region.height, data)?, region, scale: 1.0 })
    }

    /// The region at twice its size, by Catmull-Rom.
    pub(super) fn doubled(luma: &Luma, region: Region) -> Option<Self> {
        let data = doubled(luma, region);
        Some(Self { luma: sized(2 * region.width, 2 * region.height, data)?, region, scale: 2.0 })
    }

    /// The same part, made into another picture.
    pub(super) fn with(&self, make: impl FnOnce(&Luma) -> Luma) -> Self {
        Self { luma: make(&self.luma), ..*self }
    }

    /// From a place in the patch to one in the picture.
    pub(super) fn back(&self, (x, y): Corner) -> Corner {
        (x / self.scale + length(self.region.x), y / self.scale + length(self.region.y))
    }
}

fn sized(width: usize, height: usize, data: Vec<u8>) -> Option<Luma> {
    Luma::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?, data).ok()
}

/// Catmull-Rom at a quarter and three quarters of the way between two pixels, in 128ths.
const WEIGHTS: [i32; 4] = [-9, 111, 29, -3];

fn doubled(luma: &Luma, region: Region) -> Vec<u8> {
    let stride = luma.width() as usize;
    let (width, height) = (region.width, region.height);
    // Across first, one row of 16-bit values for each of the region; then down.
    let mut across = vec![0_i32; 2 * width * height];
    for (y, out) in across.chunks_exact_mut(2 * width).enumerate() {
        let row = &luma.data()[(region.y + y) * stride + region.x..][..width];
        let at = |x: usize, step: isize| i32::from(row[x.saturating_add_signed(step).min(width - 1)]);
        for (x, pair) in out.chunks_exact_mut(2).enumerate() {
            let [before_last, before, here, after, after_next] = [-2, -1, 0, 1, 2].map(|step| at(x, step));
            pair[0] = weighted([after, here, before, before_last]);
            pair[1] = weighted([before, here, after, after_next]);
        }
    }
    let row = |y: usize, step: isize| {
        &across[y.saturating_add_signed(step).min(height - 1) * 2 * width..][..2 * width]
    };
    let mut out = Vec::with_capacity(4 * width * height);
    for y in 0..height {
        let rows = [-2, -1, 0, 1, 2].map(|step| row(y, step));
        let [before_last, before, here, after, after_next] = rows;
        for [a, b, c, d] in [[after, here, before, before_last], [before, here, after, after_next]] {
            out.extend((0..2 * width).map(|x| clamped(weighted([a[x], b[x], c[x], d[x]]))));
        }
    }
    out
}

fn weighted(values: [i32; 4]) -> i32 {
    let sum: i32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    (sum + 64) >> 7
}

fn clamped(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn both_sizes_lead_back_to_the_picture() {
        let luma = Luma::new(30, 20, (0..600).map(|at| u8::try_from(at % 256).unwrap()).collect()).unwrap();
        let region = Region { x: 7, y: 5, width: 12, height: 9 };
        let (cut, doubled) = (Patch::cut(&luma, region).unwrap(), Patch::doubled(&luma, region).unwrap());
        assert_eq!(cut.luma.data()[0], luma.data()[5 * 30 + 7]);
        assert_eq!((doubled.luma.width(), doubled.luma.height()), (24, 18));
        assert_eq!(cut.back((2.0, 3.0)), (9.0, 8.0));
        assert_eq!(doubled.back((2.0, 3.0)), (8.0, 6.5));
    }

    #[test]
    fn an_even_picture_stays_even() {
        let luma = Luma::new(20, 12, vec![77; 240]).unwrap();
        let doubled = Patch::doubled(&luma, Region { x: 3, y: 2, width: 9, height: 7 }).unwrap();
        assert!(doubled.luma.data().iter().all(|value| *value == 77));
    }
}
