//! Edges lifted again that a lens or a movement took away.

use super::blur::blurred;
use crate::frame::Luma;

/// Each pixel moved away from the mean around it: `amount` times what it differs by. The mean is that of two squares after each
/// other that reach `radius` pixels, which is close to a Gaussian.
pub(super) fn unsharp(luma: &Luma, radius: usize, amount: i32) -> Luma {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let soft = blurred(&blurred(luma.data(), width, height, radius), width, height, radius);
    let data = luma.data().iter().zip(soft).map(|(value, mean)| {
        let value = i32::from(*value);
        clamped(value + amount * (value - i32::from(mean)))
    });
    luma.with(data.collect())
}

/// Van Cittert's deconvolution: what a blur of the result lacks of the picture is added, again and again.
pub(super) fn deconvolved(luma: &Luma, radius: usize, rounds: usize) -> Luma {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let mut sharp = luma.data().to_vec();
    for _ in 0..rounds {
        let soft = blurred(&blurred(&sharp, width, height, radius), width, height, radius);
        for ((value, seen), soft) in sharp.iter_mut().zip(luma.data()).zip(soft) {
            *value = clamped(i32::from(*value) + i32::from(*seen) - i32::from(soft));
        }
    }
    luma.with(sharp)
}

fn clamped(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}
