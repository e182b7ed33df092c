//! Dots grown together: the gaps between round modules closed.

use crate::frame::Luma;

/// The darkest pixel within one pixel of each, then the lightest of those: dark dots touch, light gaps vanish.
pub(super) fn closed(luma: &Luma) -> Luma {
    spread(&spread(luma, u8::min), u8::max)
}

fn spread(luma: &Luma, choose: impl Fn(u8, u8) -> u8) -> Luma {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let across: Vec<u8> = luma
        .data()
        .chunks_exact(width)
        .flat_map(|row| {
            let choose = &choose;
            (0..width)
                .map(move |x| choose(choose(row[x.saturating_sub(1)], row[x]), row[(x + 1).min(width - 1)]))
        })
        .collect();
    let row = |y: usize| &across[y * width..][..width];
    let data = (0..height).flat_map(|y| {
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        let choose = &choose;
        above.iter().zip(here).zip(below).map(move |((a, b), c)| choose(choose(*a, *b), *c))
    });
    luma.with(data.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_gap_between_dots_closes_and_a_wide_one_does_not() {
        let pixel =
            |x: usize| if [4..8, 9..13, 18..22].iter().any(|dot| dot.contains(&x)) { 10 } else { 240 };
        let luma = Luma::new(26, 8, (0..26 * 8).map(|at| pixel(at % 26)).collect()).unwrap();
        let row = &closed(&luma).data()[3 * 26..4 * 26].to_vec();
        assert_eq!((row[8], row[15]), (10, 240));
        assert_eq!((row[4], row[21], row[3], row[22]), (10, 10, 240, 240), "nothing grows: {row:?}");
    }
}
