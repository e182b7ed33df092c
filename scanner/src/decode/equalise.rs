//! How dark each module is, with blur, motion and uneven light taken out: a filter is trained on the modules that every
//! code has, then applied to all of them, as a modem does with a known preamble.

use super::{
    grid::{Perspective, fine_brightness_at, length},
    layout::Layout,
};
use crate::frame::Luma;

/// Samples a module, in each direction.
const DENSE: usize = 2;
/// Samples that the filter looks at on each side of a module's middle.
const REACH: usize = 2;
/// Samples that the filter looks at, and a constant.
const TERMS: usize = (2 * REACH + 1) * (2 * REACH + 1) + 1;
/// Reach of the light that a sample is compared with, in samples.
const LIGHT: usize = 9;
/// How much the filter is held back from learning noise.
const RESTRAINT: f64 = 0.03;

/// A code's samples: a grid twice as dense as its modules, and one module more on every side.
pub(super) struct Samples {
    side: usize,
    width: usize,
    values: Vec<f32>,
}

/// What the filter makes of each module.
pub(super) struct Modules {
    /// Row by row: about 1 where dark, about -1 where light.
    pub(super) values: Vec<f32>,
    /// Mean square by which the modules that were learned from are missed: 0 is perfect, 1 is nothing.
    pub(super) error: f32,
}

impl Samples {
    pub(super) fn take(luma: &Luma, perspective: &Perspective, side: usize) -> Self {
        let width = DENSE * side + 3;
        let mut raw = Vec::with_capacity(width * width);
        for row in 0..width {
            for column in 0..width {
                let at = (length(column) / 2.0 - 0.5, length(row) / 2.0 - 0.5);
                raw.push(fine_brightness_at(luma, perspective.place(at)));
            }
        }
        Self { side, width, values: evened(&raw, width) }
    }

    /// Takes over so much of another frame's samples, from 0 for nothing to 1 for all.
    pub(super) fn blend(&mut self, other: &Self, share: f32) {
        self.values
            .iter_mut()
            .zip(&other.values)
            .for_each(|(value, other)| *value += share * (other - *value));
    }

    /// The sample so many half modules right of and below a module's middle.
    pub(super) fn beside(&self, module: usize, right: usize, below: usize) -> f32 {
        let (x, y) = (module % self.side, module / self.side);
        self.values[(DENSE * y + 2 + below) * self.width + DENSE * x + 2 + right]
    }

    /// The samples around a module, and a constant.
    fn around(&self, module: usize) -> [f32; TERMS] {
        let (x, y) = (module % self.side, module / self.side);
        let mut terms = [1.0; TERMS];
        for (dy, part) in terms.chunks_exact_mut(2 * REACH + 1).enumerate() {
            let first = (DENSE * y + dy) * self.width + DENSE * x;
            part.copy_from_slice(&self.values[first..=first + 2 * REACH]);
        }
        terms
    }

    /// Trains the filter on modules of known or believed darkness and applies it to all.
    pub(super) fn modules(&self, layout: &Layout, believed: Option<&[f32]>) -> Option<Modules> {
        let lesson = |at: usize| match (layout.fixed[at], believed) {
            (0, None) => None,
            (0, Some(believed)) => Some((believed[at].signum(), believed[at].abs().min(1.0))),
            (fixed, _) => Some((f32::from(fixed), 1.0)),
        };
        let count = self.side * self.side;
        let mut products = [[0.0_f32; TERMS + 1]; TERMS];
        let mut weights = 0.0;
        for at in 0..count {
            let Some((target, weight)) = lesson(at) else { continue };
            let mut row = [target; TERMS + 1];
            row[..TERMS].copy_from_slice(&self.around(at));
            weights += weight;
            for (products, term) in products.iter_mut().zip(row) {
                let term = weight * term;
                for (product, other) in products.iter_mut().zip(row) {
                    *product += term * other;
                }
            }
        }
        let mut products = products.map(|row| row.map(f64::from));
        for (at, row) in products.iter_mut().enumerate() {
            row[at] += RESTRAINT * f64::from(weights);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a module's darkness needs no more")]
        let filter = solve(&products)?.map(|weight| weight as f32);
        let values: Vec<f32> = (0..count)
            .map(|at| self.around(at).iter().zip(&filter).map(|(term, weight)| term * weight).sum())
            .collect();
        let missed: f32 = (0..count)
            .filter_map(|at| lesson(at).map(|(target, weight)| weight * (values[at] - target).powi(2)))
            .sum();
        Some(Modules { values, error: missed / weights })
    }
}

/// Cholesky's method; only the lower half of the square is filled.
pub(super) fn solve(products: &[[f64; TERMS + 1]; TERMS]) -> Option<[f64; TERMS]> {
    let mut lower = [[0.0_f64; TERMS]; TERMS];
    for row in 0..TERMS {
        for column in 0..=row {
            let known: f64 = (0..column).map(|at| lower[row][at] * lower[column][at]).sum();
            let rest = products[row][column] - known;
            lower[row][column] = if row == column {
                if rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / lower[column][column]
            };
        }
    }
    let mut solved = [0.0; TERMS];
    for row in 0..TERMS {
        let known: f64 = (0..row).map(|at| lower[row][at] * solved[at]).sum();
        solved[row] = (products[row][TERMS] - known) / lower[row][row];
    }
    for row in (0..TERMS).rev() {
        let known: f64 = (row + 1..TERMS).map(|at| lower[at][row] * solved[at]).sum();
        solved[row] = (solved[row] - known) / lower[row][row];
    }
    Some(solved)
}

/// Each sample against the mean around it, in units of how much the samples around it differ.
fn evened(raw: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![(0.0_f32, 0.0_f32); (width + 1) * (width + 1)];
    for y in 0..width {
        let mut row = (0.0, 0.0);
        for x in 0..width {
            let value = raw[y * width + x];
            row = (row.0 + value, row.1 + value * value);
            let above = sums[y * (width + 1) + x + 1];
            sums[(y + 1) * (width + 1) + x + 1] = (above.0 + row.0, above.1 + row.1);
        }
    }
    let part = |left: usize, top: usize, right: usize, bottom: usize| {
        let at = |x: usize, y: usize| sums[y * (width + 1) + x];
        let (a, b, c, d) = (at(right, bottom), at(left, bottom), at(right, top), at(left, top));
        let count = length((right - left) * (bottom - top));
        let mean = (a.0 - b.0 - c.0 + d.0) / count;
        let square = (a.1 - b.1 - c.1 + d.1) / count;
        (mean, (square - mean * mean).max(0.0).sqrt())
    };
    let (_, whole) = part(0, 0, width, width);
    let least = (whole / 4.0).max(1.5);
    let mut out = Vec::with_capacity(raw.len());
    for y in 0..width {
        for x in 0..width {
            let (left, top) = (x.saturating_sub(LIGHT), y.saturating_sub(LIGHT));
            let (mean, spread) = part(left, top, (x + LIGHT + 1).min(width), (y + LIGHT + 1).min(width));
            out.push((raw[y * width + x] - mean) / spread.max(least));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::{
        drawn::{Drawn, MARGIN},
        grid::holds,
    };

    #[test]
    fn a_blurred_code_is_learned_from_its_fixed_modules() {
        let code = Drawn::of("https://login.example.com/q/GEZDGNBVGY3TQOJQ", Version::V05);
        let layout = Layout::of(code.side).unwrap();
        let holds = holds(code.side);
        let place =
            Perspective::between(holds, holds.map(|(x, y)| (MARGIN + 4.0 * x, MARGIN + 4.0 * y))).unwrap();
        for luma in [code.seen(4.0, 2, 2, 1), code.seen(4.0, 2, 2, 1).inverted()] {
            let modules = Samples::take(&luma, &place, code.side).modules(&layout, None).unwrap();
            let wrong =
                modules.values.iter().zip(&code.dark).filter(|(value, dark)| (**value > 0.0) != **dark);
            let wrong = wrong.count();
            assert!(wrong < code.dark.len() / 40, "{wrong} of {}", code.dark.len());
            assert!(modules.error < 0.3, "{}", modules.error);
        }
    }
}
