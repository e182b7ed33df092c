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
