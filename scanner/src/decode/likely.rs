//! The most likely modules under a blur that is learned from the code itself: what a module does to the samples around it
//! is estimated from modules that are believed, then each module is turned over where that explains the samples better.

use super::{
    equalise::{Modules, Samples},
    layout::Layout,
};

/// Modules on each side that a sample may be blurred from.
const REACH: isize = 2;
/// Terms of a kernel at most: the modules in reach, and a constant.
const TERMS: usize = 26;
/// Rounds over all modules at most.
const SWEEPS: usize = 6;
/// How much a kernel is held back from learning noise.
const RESTRAINT: f64 = 0.004;

/// The samples at one place within each module, and how they come about.
struct Phase {
    /// Half modules right of and below the module's middle: 0 or 1.
    right: usize,
    below: usize,
    kernel: Vec<f64>,
    /// What the modules do not explain of each sample.
    rest: Vec<f64>,
    /// One over the mean square of the rest.
    trust: f64,
}

/// Turns over modules until the samples are explained best.
pub(super) fn most_likely(layout: &Layout, samples: &Samples, modules: &[f32]) -> Option<Modules> {
    let side = layout.side;
    let mut dark: Vec<f64> = modules
        .iter()
        .zip(&layout.fixed)
        .map(|(value, fixed)| match fixed {
            0 if *value > 0.0 => 1.0,
            0 => -1.0,
            fixed => f64::from(*fixed),
        })
        .collect();
    let mut phases = [(0, 0), (1, 0), (0, 1), (1, 1)]
        .into_iter()
        .map(|(right, below)| Phase::learn(right, below, samples, &dark, side))
        .collect::<Option<Vec<_>>>()?;
    let mut gains = vec![0.0; dark.len()];
    for _ in 0..SWEEPS {
        let mut turned = 0;
        for at in 0..dark.len() {
            if layout.fixed[at] != 0 {
                gains[at] = 1.0;
                continue;
            }
            let change = -2.0 * dark[at];
            let (loss, energy) = phases.iter().fold((0.0, 0.0), |(loss, energy), phase| {
                let (more, weight) = phase.cost_of(at, change, side);
                (loss + phase.trust * more, energy + phase.trust * weight)
            });
            gains[at] = loss / energy.max(1e-9);
            if loss < 0.0 {
                for phase in &mut phases {
                    phase.turn(at, change, side);
                }
                dark[at] = -dark[at];
                gains[at] = -gains[at];
                turned += 1;
            }
        }
        if turned == 0 {
            break;
        }
    }
    let missed: f64 = phases.iter().map(|phase| phase.rest.iter().map(|rest| rest * rest).sum::<f64>()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a module's darkness needs no more")]
    let values = dark.iter().zip(&gains).map(|(dark, gain)| (dark * gain) as f32).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "an error needs no more"
    )]
    let error = (missed / (4 * dark.len()) as f64) as f32;
    Some(Modules { values, error })
}

impl Phase {
    /// Columns or rows of modules that a sample may be blurred from, so many half modules beside the middle.
    fn reach(half: usize) -> std::ops::RangeInclusive<isize> {
        if half == 0 { -REACH..=REACH } else { 1 - REACH..=REACH }
    }

    /// The modules around a sample with their place in the kernel.
    fn around(&self, at: usize, side: usize) -> impl Iterator<Item = (usize, Option<usize>)> + use<> {
        let (x, y) = (at % side, at / side);
        let columns = Self::reach(self.right);
        let rows = Self::reach(self.below);
        rows.flat_map(move |dy| columns.clone().map(move |dx| (dx, dy))).enumerate().map(
            move |(term, (dx, dy))| {
                let x = x.checked_add_signed(dx).filter(|x| *x < side);
                let y = y.checked_add_signed(dy).filter(|y| *y < side);
                (term, x.zip(y).map(|(x, y)| y * side + x))
            },
        )
    }

    fn learn(right: usize, below: usize, samples: &Samples, dark: &[f64], side: usize) -> Option<Self> {
        let terms = Self::reach(right).count() * Self::reach(below).count() + 1;
        let mut phase = Self { right, below, kernel: Vec::new(), rest: vec![0.0; side * side], trust: 0.0 };
        let mut products = [[0.0; TERMS + 1]; TERMS];
        let mut row = [0.0; TERMS];
        row[terms - 1] = 1.0;
        for at in 0..side * side {
            for (term, module) in phase.around(at, side) {
                // Around a code it is light.
                row[term] = module.map_or(-1.0, |module| dark[module]);
            }
            let sample = samples.beside(at, right, below);
            for (one, products) in products[..terms].iter_mut().enumerate() {
                for (product, other) in products[..=one].iter_mut().zip(&row) {
                    *product += row[one] * other;
                }
                products[TERMS] += row[one] * sample;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of modules is small")]
        let count = (side * side) as f64;
        (0..terms).for_each(|at| products[at][at] += RESTRAINT * count);
        (terms..TERMS).for_each(|at| products[at][at] = 1.0);
        phase.kernel = super::equalise::solve(&products)?[..terms].to_vec();
        let rest = (0..side * side).map(|at| {
            let explained: f64 = phase
                .around(at, side)
                .map(|(term, module)| phase.kernel[term] * module.map_or(-1.0, |module| dark[module]))
                .sum();
            samples.beside(at, right, below) - explained - phase.kernel[terms - 1]
        });
        phase.rest = rest.collect();
        phase.trust = count / phase.rest.iter().map(|rest| rest * rest).sum::<f64>().max(1e-6);
        Some(phase)
    }

    /// The samples that a module reaches, and how strongly.
    fn reached(&self, at: usize, side: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let (x, y) = (at % side, at / side);
        let columns = Self::reach(self.right);
        let rows = Self::reach(self.below);
        rows.flat_map(move |dy| columns.clone().map(move |dx| (dx, dy))).zip(&self.kernel).filter_map(
            move |((dx, dy), strength)| {
                let x = x.checked_add_signed(-dx).filter(|x| *x < side)?;
                let y = y.checked_add_signed(-dy).filter(|y| *y < side)?;
                Some((y * side + x, *strength))
            },
        )
    }

    /// How much worse the samples are explained after a change, and how much of that the change alone makes.
    fn cost_of(&self, at: usize, change: f64, side: usize) -> (f64, f64) {
        self.reached(at, side).fold((0.0, 0.0), |(cost, energy), (sample, strength)| {
            let step = strength * change;
            (cost + step * (step - 2.0 * self.rest[sample]), energy + step * step)
        })
    }

    fn turn(&mut self, at: usize, change: f64, side: usize) {
        let reached: Vec<(usize, f64)> = self.reached(at, side).collect();
        for (sample, strength) in reached {
            self.rest[sample] -= strength * change;
        }
    }
}
