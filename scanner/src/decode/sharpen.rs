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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn picture(pixel: impl Fn(usize, usize) -> u8) -> Luma {
        let pixel = &pixel;
        Luma::new(40, 40, (0..40).flat_map(|y| (0..40).map(move |x| pixel(x, y))).collect()).unwrap()
    }

    fn range(luma: &Luma) -> (u8, u8) {
        (*luma.data().iter().min().unwrap(), *luma.data().iter().max().unwrap())
    }

    #[test]
    fn an_even_picture_stays_even() {
        let even = picture(|_, _| 77);
        assert!(unsharp(&even, 5, 4) == even);
        assert!(deconvolved(&even, 2, 6) == even);
    }

    #[test]
    fn a_soft_edge_gets_steeper() {
        let soft = picture(|x, _| [100, 130, 160][(x / 10).clamp(1, 3) - 1]);
        let (darkest, lightest) = range(&unsharp(&soft, 5, 4));
        assert!(darkest < 80 && lightest > 180, "{darkest} to {lightest}");
    }

    #[test]
    fn stripes_that_a_blur_hid_come_back() {
        let sharp = picture(|x, _| if x % 6 < 3 { 60 } else { 200 });
        let (width, height) = (40, 40);
        let soft = sharp.with(blurred(&blurred(sharp.data(), width, height, 1), width, height, 1));
        let contrast = |luma: &Luma| luma.data()[20 * 40 + 16].abs_diff(luma.data()[20 * 40 + 19]);
        let back = deconvolved(&soft, 1, 6);
        assert!(contrast(&back) > contrast(&soft) + 20, "{} and {}", contrast(&back), contrast(&soft));
    }
}
