//! The mean around each pixel, at the same cost for every reach.

/// Bits of fraction in the reciprocals below; a sum of brightness times one of them fits in 32 bits.
const BITS: u32 = 23;

/// The mean of the square around each pixel that reaches so far to every side, within the picture; twice is close to a Gaussian.
pub(super) fn blurred(data: &[u8], width: usize, height: usize, radius: usize) -> Vec<u8> {
    let mut columns = vec![0_u32; width];
    let row = |y: usize| &data[y * width..][..width];
    for y in 0..radius.min(height) {
        columns.iter_mut().zip(row(y)).for_each(|(sum, value)| *sum += u32::from(*value));
    }
    let mut out = Vec::with_capacity(data.len());
    let mut sums = vec![0_u32; width + 1];
    for y in 0..height {
        if y + radius < height {
            columns.iter_mut().zip(row(y + radius)).for_each(|(sum, value)| *sum += u32::from(*value));
        }
        if let Some(gone) = y.checked_sub(radius + 1) {
            columns.iter_mut().zip(row(gone)).for_each(|(sum, value)| *sum -= u32::from(*value));
        }
        let tall = (y + radius + 1).min(height) - y.saturating_sub(radius);
        let mut sum = 0;
        for (total, column) in sums[1..].iter_mut().zip(&columns) {
            sum += column;
            *total = sum;
        }
        let inner = radius.min(width)..width.saturating_sub(radius).max(radius.min(width));
        let mean = |from: usize, to: usize| scaled(sums[to] - sums[from], reciprocal(tall * (to - from)));
        out.extend((0..inner.start).map(|x| mean(0, (x + radius + 1).min(width))));
        let whole = reciprocal(tall * (2 * radius + 1));
        out.extend(
            sums.get(2 * radius + 1..)
                .unwrap_or_default()
                .iter()
                .zip(&sums)
                .map(|(to, from)| scaled(to - from, whole)),
        );
        out.extend((inner.end..width).map(|x| mean(x.saturating_sub(radius), width)));
    }
    out
}

fn reciprocal(area: usize) -> u32 {
    u32::try_from((1 << BITS) / area).unwrap_or(0)
}

fn scaled(sum: u32, reciprocal: u32) -> u8 {
    // Half a step more, since the reciprocal is rounded down.
    u8::try_from((sum * reciprocal + (1 << (BITS - 1))) >> BITS).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn the_blur_is_the_mean_around() {
        let (width, height) = (23, 17);
        let data: Vec<u8> = (0..width * height).map(|i| u8::try_from(i * 53 % 256).unwrap()).collect();
        for radius in [1, 2, 5, 9, 30] {
            let blurred = blurred(&data, width, height, radius);
            assert_eq!(blurred.len(), data.len());
            for (at, blurred) in blurred.iter().enumerate() {
                let (x, y) = (at % width, at / width);
                let near = |other: &usize| {
                    (other % width).abs_diff(x) <= radius && (other / width).abs_diff(y) <= radius
                };
                let cells: Vec<u32> =
                    (0..data.len()).filter(near).map(|other| u32::from(data[other])).collect();
                let mean = cells.iter().sum::<u32>() / u32::try_from(cells.len()).unwrap();
                assert!(u32::from(*blurred).abs_diff(mean) <= 1, "at {x}, {y} within {radius}");
            }
        }
    }
}
