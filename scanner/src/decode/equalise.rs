//! How dark each module is, with blur, motion and uneven light taken out: a filter is trained on the modules that every
//! code has, then applied to all of them, as a modem does with a known preamble.

use super::{
    grid::{Perspective, brightness_at, length},
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
                raw.push(brightness_at(luma, perspective.place(at)));
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
    pub(super) fn beside(&self, module: usize, right: usize, below: usize) -> f64 {
        let (x, y) = (module % self.side, module / self.side);
        f64::from(self.values[(DENSE * y + 2 + below) * self.width + DENSE * x + 2 + right])
    }

    /// The samples around a module, and a constant.
    fn around(&self, module: usize) -> [f64; TERMS] {
        let (x, y) = (module % self.side, module / self.side);
        let mut terms = [1.0; TERMS];
        let mut rows = terms.chunks_exact_mut(2 * REACH + 1);
        for dy in 0..=2 * REACH {
            let first = (DENSE * y + dy) * self.width + DENSE * x;
            if let Some(row) = rows.next() {
                row.iter_mut().zip(&self.values[first..]).for_each(|(term, value)| *term = f64::from(*value));
            }
        }
        terms
    }

    /// Trains the filter on modules of known or believed darkness and applies it to all.
    pub(super) fn modules(&self, layout: &Layout, believed: Option<&[f32]>) -> Option<Modules> {
        let all: Vec<[f64; TERMS]> = (0..self.side * self.side).map(|at| self.around(at)).collect();
        let mut products = [[0.0_f64; TERMS + 1]; TERMS];
        let mut weights = 0.0;
        let lessons = (0..all.len()).filter_map(|at| match (layout.fixed[at], believed) {
            (0, None) => None,
            (0, Some(believed)) => {
                Some((at, f64::from(believed[at].signum()), f64::from(believed[at].abs().min(1.0))))
            }
            (fixed, _) => Some((at, f64::from(fixed), 1.0)),
        });
        let lessons: Vec<(usize, f64, f64)> = lessons.collect();
        for (at, target, weight) in &lessons {
            let terms = &all[*at];
            weights += weight;
            for (row, products) in products.iter_mut().enumerate() {
                let term = weight * terms[row];
                for (product, other) in products[..=row].iter_mut().zip(terms) {
                    *product += term * other;
                }
                products[TERMS] += term * target;
            }
        }
        for (at, row) in products.iter_mut().enumerate() {
            row[at] += RESTRAINT * weights;
        }
        let filter = solve(&products)?;
        let apply =
            |terms: &[f64; TERMS]| terms.iter().zip(&filter).map(|(term, weight)| term * weight).sum::<f64>();
        let missed: f64 =
            lessons.iter().map(|(at, target, weight)| weight * (apply(&all[*at]) - target).powi(2)).sum();
        #[expect(clippy::cast_possible_truncation, reason = "a module's darkness needs no more")]
        let values = all.iter().map(|terms| apply(terms) as f32).collect();
        #[expect(clippy::cast_possible_truncation, reason = "an error needs no more")]
        Some(Modules { values, error: (missed / weights) as f32 })
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
