//! The same contrast everywhere, whatever the light: glare, haze, bands and shadows taken out.

use super::blur::blurred;
use crate::frame::Luma;

/// Contrast that is not lifted further, in steps of brightness: noise.
const LEAST: i32 = 6;
/// What the mean difference from the mean becomes.
const LIFTED_TO: i32 = 56;

/// Each pixel as its difference from the mean within `radius`, in units of the mean difference there.
pub(super) fn evened(luma: &Luma, radius: usize) -> Luma {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let means = blurred(luma.data(), width, height, radius);
    let differences: Vec<u8> =
        luma.data().iter().zip(&means).map(|(value, mean)| value.abs_diff(*mean)).collect();
    let spreads = blurred(&differences, width, height, radius);
    let data = luma.data().iter().zip(means).zip(spreads).map(|((value, mean), spread)| {
        let lifted = (i32::from(*value) - i32::from(mean)) * LIFTED_TO / i32::from(spread).max(LEAST);
        u8::try_from((128 + lifted).clamp(0, 255)).unwrap_or(u8::MAX)
    });
    luma.with(data.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_dim_half_gets_the_contrast_of_a_bright_one() {
        let stripes = |x: usize| u8::from((x / 4).is_multiple_of(2));
        let pixel = |at: usize| {
            if at % 120 < 60 { 30 + 14 * stripes(at % 120) } else { 90 + 120 * stripes(at % 120) }
        };
        let luma = Luma::new(120, 60, (0..120 * 60).map(pixel).collect()).unwrap();
        let evened = evened(&luma, 12);
        let contrast =
            |left: usize| evened.data()[30 * 120 + left].abs_diff(evened.data()[30 * 120 + left + 4]);
        let (dim, bright) = (contrast(26), contrast(90));
        assert!(dim > 80 && bright > 80, "{dim} and {bright}");
    }
}
