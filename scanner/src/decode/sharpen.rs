//! A region of a picture at twice its size and with its edges lifted: what small modules and a soft focus need.

use super::region::Region;
use crate::frame::Luma;

/// Reach of the blur that edges are measured against, in pixels of the enlarged picture.
const RADIUS: usize = 5;
/// How much edges are lifted, as a factor.
const AMOUNT: i32 = 4;

/// The region, twice as large: Catmull-Rom, then an unsharp mask.
pub(super) fn enlarged(luma: &Luma, region: Region) -> Option<Luma> {
    let (width, height) = (2 * region.width, 2 * region.height);
    let doubled = doubled(luma, region);
    let blurred = blurred(&blurred(&doubled, width, height), width, height);
    let sharp = doubled.iter().zip(blurred).map(|(value, mean)| {
        let value = i32::from(*value);
        clamped(value + AMOUNT * (value - i32::from(mean)))
    });
    Luma::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?, sharp.collect()).ok()
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

/// The mean of the square around each pixel; twice is close to a Gaussian.
fn blurred(data: &[u8], width: usize, height: usize) -> Vec<u8> {
    let span = |at: usize, end: usize| (at.saturating_sub(RADIUS), (at + RADIUS + 1).min(end));
    let mut across = vec![0_u32; data.len()];
    let mut sums = vec![0_u32; width + 1];
    for (row, out) in data.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        for (x, value) in row.iter().enumerate() {
            sums[x + 1] = sums[x] + u32::from(*value);
        }
        for (x, value) in out.iter_mut().enumerate() {
            let (from, to) = span(x, width);
            *value = sums[to] - sums[from];
        }
    }
    let mut columns = vec![0_u32; width];
    let add = |columns: &mut [u32], y: usize| {
        columns.iter_mut().zip(&across[y * width..][..width]).for_each(|(sum, value)| *sum += value);
    };
    (0..RADIUS.min(height)).for_each(|y| add(&mut columns, y));
    let widths: Vec<u32> =
        (0..width).map(|x| span(x, width)).map(|(from, to)| u32::try_from(to - from).unwrap_or(1)).collect();
    let mut out = Vec::with_capacity(data.len());
    for y in 0..height {
        if y + RADIUS < height {
            add(&mut columns, y + RADIUS);
        }
        if let Some(gone) = y.checked_sub(RADIUS + 1) {
            columns.iter_mut().zip(&across[gone * width..][..width]).for_each(|(sum, value)| *sum -= value);
        }
        let (from, to) = span(y, height);
        let tall = u32::try_from(to - from).unwrap_or(1);
        out.extend(
            columns
                .iter()
                .zip(&widths)
                .map(|(sum, wide)| u8::try_from(sum / (wide * tall)).unwrap_or(u8::MAX)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn an_even_picture_stays_even() {
        let luma = Luma::new(20, 12, vec![77; 240]).unwrap();
        let region = Region { x: 3, y: 2, width: 9, height: 7 };
        let large = enlarged(&luma, region).unwrap();
        assert_eq!((large.width(), large.height()), (18, 14));
        assert!(large.data().iter().all(|value| *value == 77), "{:?}", large.data());
    }

    #[test]
    fn the_blur_is_the_mean_around() {
        let (width, height) = (23, 17);
        let data: Vec<u8> = (0..width * height).map(|i| u8::try_from(i * 53 % 256).unwrap()).collect();
        let blurred = blurred(&data, width, height);
        for y in 0..height {
            for x in 0..width {
                let rows = y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height);
                let cells: Vec<u32> = rows
                    .flat_map(|y| {
                        (x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width)).map(move |x| (x, y))
                    })
                    .map(|(x, y)| u32::from(data[y * width + x]))
                    .collect();
                let mean = cells.iter().sum::<u32>() / u32::try_from(cells.len()).unwrap();
                assert_eq!(u32::from(blurred[y * width + x]), mean, "at {x}, {y}");
            }
        }
    }

    #[test]
    fn an_edge_gets_steeper() {
        let ramp: Vec<u8> = (0..40 * 40_u32).map(|i| u8::try_from(100 + (i % 40) * 2).unwrap()).collect();
        let soft_step: Vec<u8> = ramp
            .iter()
            .map(|v| {
                if *v < 130 {
                    100
                } else if *v > 146 {
                    160
                } else {
                    130
                }
            })
            .collect();
        let luma = Luma::new(40, 40, soft_step).unwrap();
        let large = enlarged(&luma, Region { x: 0, y: 0, width: 40, height: 40 }).unwrap();
        let row = &large.data()[40 * 80..41 * 80];
        let (darkest, lightest) = (row.iter().min().unwrap(), row.iter().max().unwrap());
        assert!(*darkest < 80 && *lightest > 180, "{darkest} to {lightest}");
    }
}
