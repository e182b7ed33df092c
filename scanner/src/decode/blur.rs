//! The mean around each pixel, at the same cost for every reach.

/// The mean of the square around each pixel; twice is close to a Gaussian.
pub(super) fn blurred(data: &[u8], width: usize, height: usize, radius: usize) -> Vec<u8> {
    let span = |at: usize, end: usize| (at.saturating_sub(radius), (at + radius + 1).min(end));
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
    (0..radius.min(height)).for_each(|y| add(&mut columns, y));
    let widths: Vec<u32> =
        (0..width).map(|x| span(x, width)).map(|(from, to)| u32::try_from(to - from).unwrap_or(1)).collect();
    let mut out = Vec::with_capacity(data.len());
    for y in 0..height {
        if y + radius < height {
            add(&mut columns, y + radius);
        }
        if let Some(gone) = y.checked_sub(radius + 1) {
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
