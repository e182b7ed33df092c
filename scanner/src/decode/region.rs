//! Where in a picture a code may be: places with edges in both directions, whether or not a finder pattern can be seen.

use super::{Corner, grid::length};
use crate::frame::Luma;

/// Side of the squares that the picture is judged in, in pixels.
const BLOCK: usize = 16;
/// The same in the half of the picture.
const HALF_BLOCK: usize = BLOCK / 2;
/// Regions given at most, the strongest first.
const MAX_REGIONS: usize = 4;
/// Blocks of the smallest region; less is a speck.
const MIN_BLOCKS: usize = 4;
/// Brightness steps a pixel, in each direction, below which a place is smooth.
const MIN_TEXTURE: u32 = 3;
/// Parts of the strongest texture, in percent, from which a block belongs to a region: from a strict to a generous reading.
const LEVELS: [u32; 3] = [70, 50, 28];

/// A rectangle of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// The textured regions of a picture, with a margin around each.
pub(super) fn find(luma: &Luma) -> Vec<Region> {
    // Half the size: noise, which is finer than any module that can be read, averages out.
    let Some(half) = luma.halved() else { return Vec::new() };
    let (columns, rows) = (half.width() as usize / HALF_BLOCK, half.height() as usize / HALF_BLOCK);
    if columns < 3 || rows < 3 {
        return Vec::new();
    }
    let texture = smoothed(&texture(&half, columns, rows), columns, rows);
    let strongest = texture.iter().copied().max().unwrap_or(0);
    let area = u32::try_from(HALF_BLOCK * HALF_BLOCK).unwrap_or(u32::MAX);
    if strongest < MIN_TEXTURE * area {
        return Vec::new();
    }
    let mut found: Vec<(f32, Region)> = Vec::new();
    for level in LEVELS {
        let least = (strongest / 100 * level).max(MIN_TEXTURE * area);
        for (rank, region) in components(&texture, columns, rows, least) {
            let region = region.in_pixels(luma);
            if !found.iter().any(|(_, other)| region.is_much_like(other)) {
                found.push((rank, region));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(MAX_REGIONS).map(|(_, region)| region).collect()
}

/// For each block the smaller of its horizontal and vertical brightness steps: text and stripes have one of them only.
fn texture(half: &Luma, columns: usize, rows: usize) -> Vec<u32> {
    let stride = half.width() as usize;
    let data = half.data();
    let mut across = vec![0_u32; columns * rows];
    let mut down = vec![0_u32; columns * rows];
    for y in 0..rows * HALF_BLOCK - 1 {
        let row = &data[y * stride..][..stride];
        let below = &data[(y + 1) * stride..][..stride];
        let first = y / HALF_BLOCK * columns;
        for column in 0..columns {
            let start = column * HALF_BLOCK;
            let end = (start + HALF_BLOCK + 1).min(stride);
            let steps =
                |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
            across[first + column] += steps(&row[start..end - 1], &row[start + 1..end]);
            down[first + column] += steps(&row[start..start + HALF_BLOCK], &below[start..start + HALF_BLOCK]);
        }
    }
    across.into_iter().zip(down).map(|(across, down)| across.min(down)).collect()
}

/// The mean of each block and its neighbours, so that a code's calm parts do not split it.
fn smoothed(texture: &[u32], columns: usize, rows: usize) -> Vec<u32> {
    let around = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    let mut mean = Vec::with_capacity(texture.len());
    for y in 0..rows {
        for x in 0..columns {
            let cells = around(y, rows).flat_map(|y| around(x, columns).map(move |x| y * columns + x));
            let (sum, count) = cells.fold((0, 0), |(sum, count), at| (sum + texture[at], count + 1));
            mean.push(sum / count);
        }
    }
    mean
}

/// Connected blocks of at least this texture: the rank and the box of each, in blocks.
fn components(texture: &[u32], columns: usize, rows: usize, least: u32) -> Vec<(f32, Region)> {
    let mut seen = vec![false; texture.len()];
    let mut found = Vec::new();
    for start in 0..texture.len() {
        if seen[start] || texture[start] < least {
            continue;
        }
        seen[start] = true;
        let mut open = vec![start];
        let (mut strength, mut blocks) = (0_u64, 0);
        let (mut left, mut top, mut right, mut bottom) = (columns, rows, 0, 0);
        while let Some(at) = open.pop() {
            let (x, y) = (at % columns, at / columns);
            (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x), bottom.max(y));
            strength += u64::from(texture[at]);
            blocks += 1;
            for next_y in y.saturating_sub(1)..(y + 2).min(rows) {
                for next_x in x.saturating_sub(1)..(x + 2).min(columns) {
                    let next = next_y * columns + next_x;
                    if !seen[next] && texture[next] >= least {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
        }
        let region = Region { x: left, y: top, width: right + 1 - left, height: bottom + 1 - top };
        // Even seen from the side a code is no ribbon.
        let is_ribbon = region.width.max(region.height) > 4 * region.width.min(region.height);
        if blocks >= MIN_BLOCKS && !is_ribbon {
            found.push((rank(strength, region.area()), region));
        }
    }
    found
}

/// How soon a region is worth a look: the densest first, since what lies around a code only costs time, unless it is tiny.
#[expect(clippy::cast_precision_loss, reason = "an order needs no more")]
fn rank(strength: u64, blocks: usize) -> f32 {
    strength as f32 / length(blocks).powf(0.85)
}

impl Region {
    /// Pixels within.
    pub(super) fn area(&self) -> usize {
        self.width * self.height
    }

    /// The part of a picture around a code, with room for it to move.
    pub(super) fn around(corners: &[Corner; 4], luma: &Luma) -> Option<Self> {
        let span = |values: [f32; 4], end: usize| {
            let (low, high) = values
                .iter()
                .fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
            let margin = (high - low) / 6.0 + 12.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the picture"
            )]
            let inside = |value: f32| value.clamp(0.0, length(end)) as usize;
            let (from, to) = (inside(low - margin), inside(high + margin));
            (to > from + BLOCK).then_some((from, to - from))
        };
        let (x, width) = span(corners.map(|corner| corner.0), luma.width() as usize)?;
        let (y, height) = span(corners.map(|corner| corner.1), luma.height() as usize)?;
        Some(Self { x, y, width, height })
    }

    /// Whether most of the region is taken by a code.
    pub(super) fn is_filled_by(&self, corners: &[Corner; 4]) -> bool {
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        for (x, y) in corners {
            low = (low.0.min(*x), low.1.min(*y));
            high = (high.0.max(*x), high.1.max(*y));
        }
        let shared = |from: usize, length_of: usize, low: f32, high: f32| {
            (length(from + length_of).min(high) - length(from).max(low)).max(0.0)
        };
        let both = shared(self.x, self.width, low.0, high.0) * shared(self.y, self.height, low.1, high.1);
        both * 3.0 > length(self.area())
    }

    /// From blocks to pixels, with a margin for the quiet zone.
    fn in_pixels(self, luma: &Luma) -> Self {
        let span = |start: usize, length: usize, end: usize| {
            let from = (start * BLOCK).saturating_sub(BLOCK + BLOCK / 2);
            let to = ((start + length) * BLOCK + BLOCK + BLOCK / 2).min(end);
            (from, to - from)
        };
        let (x, width) = span(self.x, self.width, luma.width() as usize);
        let (y, height) = span(self.y, self.height, luma.height() as usize);
        Self { x, y, width, height }
    }

    /// Whether both share most of their area.
    fn is_much_like(&self, other: &Self) -> bool {
        let shared = |a: usize, a_length: usize, b: usize, b_length: usize| {
            (a + a_length).min(b + b_length).saturating_sub(a.max(b))
        };
        let both = shared(self.x, self.width, other.x, other.width)
            * shared(self.y, self.height, other.y, other.height);
        let larger = (self.width * self.height).max(other.width * other.height);
        both * 10 > larger * 7
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn picture(pixel: impl Fn(u32, u32) -> u8) -> Luma {
        let pixel = &pixel;
        Luma::new(640, 480, (0..480).flat_map(|y| (0..640).map(move |x| pixel(x, y))).collect()).unwrap()
    }

    #[test]
    fn the_box_sits_on_the_texture() {
        let inside = |x: u32, y: u32| (200..360).contains(&x) && (160..320).contains(&y);
        let luma = picture(|x, y| if inside(x, y) && (x / 4 * 7 + y / 4 * 5) % 3 == 0 { 0 } else { 200 });
        let found = find(&luma);
        let best = found[0];
        assert!(best.x <= 200 && best.y <= 160, "{best:?}");
        assert!(best.x + best.width >= 360 && best.y + best.height >= 320, "{best:?}");
        assert!(best.width <= 260 && best.height <= 260, "{best:?}");
    }

    #[test]
    fn noise_does_not_hide_the_texture() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(state >> 26).unwrap()
        };
        let inside = |x: u32, y: u32| (200..328).contains(&x) && (160..288).contains(&y);
        let luma = picture(|x, y| if inside(x, y) && (x / 3 * 7 + y / 3 * 5) % 3 == 0 { 130 } else { 20 });
        let luma = luma.with(luma.data().iter().map(|value| value + noise()).collect());
        let best = find(&luma)[0];
        assert!(best.x <= 200 && best.x + best.width >= 328 && best.width <= 240, "{best:?}");
        assert!(best.y <= 160 && best.y + best.height >= 288 && best.height <= 240, "{best:?}");
    }

    #[test]
    fn smooth_and_striped_pictures_have_none() {
        assert_eq!(find(&picture(|_, _| 90)), []);
        assert_eq!(find(&picture(|x, _| if x / 4 % 2 == 0 { 0 } else { 255 })), []);
        assert_eq!(find(&Luma::new(20, 20, vec![0; 400]).unwrap()), []);
    }
}
