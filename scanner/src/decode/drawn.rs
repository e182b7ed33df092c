//! Codes drawn for the tests of single stages.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fast_qr::{ECL, QRBuilder, Version};

use super::blur::blurred;
use crate::frame::Luma;

/// A code's modules, row by row.
pub(super) struct Drawn {
    pub(super) side: usize,
    pub(super) dark: Vec<bool>,
}

/// Where the code lies in the picture that [`Drawn::seen`] draws, in pixels from each border.
pub(super) const MARGIN: f32 = 40.0;

impl Drawn {
    pub(super) fn of(text: &str, version: Version) -> Self {
        let code = QRBuilder::new(text).ecl(ECL::M).version(version).build().unwrap();
        let dark =
            (0..code.size * code.size).map(|at| code[at / code.size][at % code.size].value()).collect();
        Self { side: code.size, dark }
    }

    /// 1 for dark and -1 for light modules.
    pub(super) fn modules(&self) -> Vec<f32> {
        self.dark.iter().map(|dark| if *dark { 1.0 } else { -1.0 }).collect()
    }

    /// A picture of it: so many pixels a module, blurred over so many pixels to each side, with noise of that size.
    pub(super) fn seen(&self, module: f32, blur: usize, noise: u8, seed: u32) -> Luma {
        const FINE: u32 = 4;
        let side = u16::try_from(self.side).unwrap();
        let length = (f32::from(side) * module + 2.0 * MARGIN).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small picture")]
        let length = length as u32;
        let is_dark = |x: f32, y: f32| {
            let inside = |v: f32| (v >= 0.0 && v < f32::from(side)).then_some(v);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the code")]
            inside(x).zip(inside(y)).is_some_and(|(x, y)| self.dark[y as usize * self.side + x as usize])
        };
        let mut data = Vec::new();
        for at in 0..length * length {
            let dark: u32 = (0..FINE * FINE)
                .map(|part| {
                    let place = |pixel: u32, part: u32| {
                        let fine = u16::try_from(pixel * FINE + part).unwrap();
                        (((f32::from(fine) + 0.5) / 4.0) - MARGIN) / module
                    };
                    u32::from(is_dark(place(at % length, part % FINE), place(at / length, part / FINE)))
                })
                .sum();
            data.push(u8::try_from(220 - 10 * dark).unwrap());
        }
        let width = usize::try_from(length).unwrap();
        if blur > 0 {
            data = blurred(&data, width, width, blur);
        }
        let mut state = seed;
        for value in &mut data {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let step = u8::try_from(state >> 24).unwrap() % (2 * noise + 1);
            *value = value.saturating_sub(noise).saturating_add(step);
        }
        Luma::new(length, length, data).unwrap()
    }
}
