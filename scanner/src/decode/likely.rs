//! The most likely modules under a blur that is learned from the code itself: what a module does to the samples around it
//! is estimated from modules that are believed, then each module is turned over where that explains the samples better.

use super::{
    equalise::{Modules, Samples, solve},
    layout::Layout,
};

/// Modules on each side that a sample may be blurred from, and so the border around the modules of a code.
const REACH: usize = 2;
/// Terms of a kernel: the modules in reach, and a constant.
const TERMS: usize = (2 * REACH + 1) * (2 * REACH + 1) + 1;
/// Rounds over all modules at most.
const SWEEPS: usize = 6;
/// How much a kernel is held back from learning noise.
const RESTRAINT: f64 = 0.004;

/// The samples at one place within each module, and how they come about.
struct Phase {
    /// What a module does to the samples around it, row by row.
    kernel: [f32; TERMS - 1],
    /// What the modules do not explain of each sample, with a border of zeros.
    rest: Vec<f32>,
    /// One over the mean square of the rest.
    trust: f32,
}

/// The modules of a code with a border around.
#[derive(Clone, Copy)]
struct Frame {
    side: usize,
    width: usize,
}

impl Frame {
    fn of(side: usize) -> Self {
        Self { side, width: side + 2 * REACH }
    }

    /// Where a module is in an array with a border.
    fn place(self, module: usize) -> usize {
        (module / self.side + REACH) * self.width + module % self.side + REACH
    }

    /// The first places of the rows around a place.
    fn rows(self, place: usize) -> impl Iterator<Item = usize> {
        (0..=2 * REACH).map(move |row| place + row * self.width - REACH * self.width - REACH)
    }

    fn around(self, values: &[f32], place: usize) -> [f32; TERMS - 1] {
        let mut around = [0.0; TERMS - 1];
        for (part, row) in around.chunks_exact_mut(2 * REACH + 1).zip(self.rows(place)) {
            part.copy_from_slice(&values[row..=row + 2 * REACH]);
        }
        around
    }
}

/// Turns over modules until the samples are explained best.
pub(super) fn most_likely(layout: &Layout, samples: &Samples, modules: &[f32]) -> Option<Modules> {
    let frame = Frame::of(layout.side);
    // Around a code it is light.
    let mut dark = vec![-1.0_f32; frame.width * frame.width];
    for (at, (value, fixed)) in modules.iter().zip(&layout.fixed).enumerate() {
        dark[frame.place(at)] = match fixed {
            0 => value.signum(),
            fixed => f32::from(*fixed),
        };
    }
    let places = [(0, 0), (1, 0), (0, 1), (1, 1)];
    let mut phases = places
        .into_iter()
        .map(|(right, below)| Phase::learn(|at| samples.beside(at, right, below), &dark, frame))
        .collect::<Option<Vec<_>>>()?;
    // A module at the border reaches fewer samples; that little is not worth telling.
    let energy: f32 = phases
        .iter()
        .map(|phase| phase.trust * phase.kernel.iter().map(|by| 4.0 * by * by).sum::<f32>())
        .sum();
    let mut values: Vec<f32> = layout.fixed.iter().map(|fixed| f32::from(*fixed)).collect();
    for _ in 0..SWEEPS {
        let mut turned = 0;
        for at in (0..values.len()).filter(|at| layout.fixed[*at] == 0) {
            let place = frame.place(at);
            let change = -2.0 * dark[place];
            let fit: f32 = phases.iter().map(|phase| phase.trust * phase.explained(place, frame)).sum();
            let loss = energy - 2.0 * change * fit;
            if loss < 0.0 {
                for phase in &mut phases {
                    phase.turn(place, change, frame);
                }
                dark[place] = -dark[place];
                turned += 1;
            }
            values[at] = dark[place] * loss.abs() / energy.max(1e-9);
        }
        if turned == 0 {
            break;
        }
    }
    Some(Modules { values, error: 0.0 })
}

impl Phase {
    /// Learns what the modules do to a sample at one place within each of them.
    fn learn(sample: impl Fn(usize) -> f32, dark: &[f32], frame: Frame) -> Option<Self> {
        let count = frame.side * frame.side;
        let mut products = [[0.0_f32; TERMS + 1]; TERMS];
        for at in 0..count {
            let mut row = [1.0; TERMS + 1];
            row[..TERMS - 1].copy_from_slice(&frame.around(dark, frame.place(at)));
            row[TERMS] = sample(at);
            for (products, term) in products.iter_mut().zip(row) {
                for (product, other) in products.iter_mut().zip(row) {
                    *product += term * other;
                }
            }
        }
        let mut products = products.map(|row| row.map(f64::from));
        for (at, row) in products.iter_mut().enumerate() {
            row[at] += RESTRAINT * f64::from(u32::try_from(count).ok()?);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a blur needs no more")]
        let solved = solve(&products)?.map(|value| value as f32);
        let (kernel, constant) = solved.split_at(TERMS - 1);
        let kernel: [f32; TERMS - 1] = kernel.try_into().ok()?;
        let mut rest = vec![0.0; dark.len()];
        let mut square = 0.0;
        for at in 0..count {
            let place = frame.place(at);
            let explained: f32 =
                frame.around(dark, place).iter().zip(&kernel).map(|(dark, by)| dark * by).sum();
            rest[place] = sample(at) - explained - constant[0];
            square += rest[place] * rest[place];
        }
        Some(Self { kernel, rest, trust: super::grid::length(count) / square.max(1e-6) })
    }

    /// How much of what is left around a place a module there would explain.
    fn explained(&self, place: usize, frame: Frame) -> f32 {
        // The sample to the right of a module is reached by what reaches to the left.
        frame.around(&self.rest, place).iter().rev().zip(&self.kernel).map(|(rest, by)| rest * by).sum()
    }

    /// Takes a changed module out of what is left. The border stays zero: there are no samples.
    fn turn(&mut self, place: usize, change: f32, frame: Frame) {
        let inside = REACH..REACH + frame.side;
        let left = place % frame.width - REACH;
        for (row, part) in frame.rows(place).zip(self.kernel.rchunks_exact(2 * REACH + 1)) {
            if !inside.contains(&(row / frame.width)) {
                continue;
            }
            for (step, by) in part.iter().rev().enumerate() {
                if inside.contains(&(left + step)) {
                    self.rest[row + step] -= by * change;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::{
        drawn::{Drawn, MARGIN},
        grid::{Perspective, holds},
    };

    fn wrong(code: &Drawn, modules: &Modules) -> usize {
        modules.values.iter().zip(&code.dark).filter(|(value, dark)| (**value > 0.0) != **dark).count()
    }

    #[test]
    fn modules_blurred_into_each_other_are_told_apart() {
        let code = Drawn::of("https://login.example.com/q/GEZDGNBVGY3TQOJQ", Version::V05);
        let layout = Layout::of(code.side).unwrap();
        let holds = holds(code.side);
        let place =
            Perspective::between(holds, holds.map(|(x, y)| (MARGIN + 3.0 * x, MARGIN + 3.0 * y))).unwrap();
        // Each pixel is the mean of five by five, each module has three by three.
        let samples = Samples::take(&code.seen(3.0, 2, 3, 1), &place, code.side);
        let first = samples.modules(&layout, None).unwrap();
        let weighed = most_likely(&layout, &samples, &first.values).unwrap();
        let (before, after) = (wrong(&code, &first), wrong(&code, &weighed));
        assert!(after <= before && after < code.dark.len() / 50, "{before} wrong before, {after} after");
    }
}
