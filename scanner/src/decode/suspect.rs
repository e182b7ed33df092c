//! A code whose finder patterns were seen but that no reader could read: its grid is fitted to the grey picture, its
//! modules are equalised, and error correction is told which of them are doubtful.

use super::{
    Corner, Read, Reader, distance,
    equalise::Samples,
    grid::{Fit, Marks, Perspective, fit, holds, length},
    layout::Layout,
    likely, soft,
    zxing::{Polarity, Suspect},
};
use crate::frame::Luma;

/// Agreement of the fixed modules below which a start is not worth a fit.
const LEAST_START: f32 = 0.2;
/// Agreement of the fixed modules below which there is no code.
const LEAST_AGREEMENT: f32 = 0.45;
/// Steps of the fit, in modules: from the finder patterns, and from a grid that is nearly right.
const STEPS: [f32; 4] = [1.0, 0.5, 0.25, 0.12];
const NEAR_STEPS: [f32; 2] = [0.25, 0.12];
/// Rounds of learning from the own result.
const LESSONS: usize = 2;
/// Rounds of weighing the modules against each other.
const WEIGHINGS: usize = 2;
/// Error of the filter from which on nothing was learned.
const MAX_ERROR: f32 = 0.7;
/// Suspects that are examined in one picture, those that start well.
const MAX_EXAMINED: usize = 24;
/// Suspects that are examined in one frame of many.
const FEW_EXAMINED: usize = 6;

/// Estimated times, in microseconds on a common processor: of a start, and of a fit and of reading for each module.
const START_COST: u32 = 40;
const FIT_COST: u32 = 1;
const READ_COST: u32 = 3;

/// A code that was seen clearly and not read.
pub(super) struct Sighting {
    pub(super) layout: Layout,
    pub(super) polarity: Polarity,
    pub(super) fit: Fit,
    pub(super) samples: Samples,
    /// Mean square by which the filter misses what it learned from.
    pub(super) error: f32,
}

/// What came of a suspect.
#[derive(Default)]
pub(super) struct Examination {
    pub(super) read: Option<Read>,
    pub(super) sighting: Option<Sighting>,
    /// Estimated time, in microseconds on a common processor.
    pub(super) cost: u32,
}

/// Suspects of a picture that need no second look.
pub(super) struct Examined {
    known: Vec<[Corner; 3]>,
    most: usize,
    /// Times that a suspect is examined.
    again: usize,
    /// Finder patterns seen at most in one attempt.
    pub(super) patterns: usize,
}

impl Default for Examined {
    fn default() -> Self {
        Self { known: Vec::new(), most: MAX_EXAMINED, again: 3, patterns: 0 }
    }
}

impl Examined {
    /// Room for a few, as many as a frame of many is worth.
    pub(super) fn few() -> Self {
        Self { known: Vec::new(), most: FEW_EXAMINED, again: 1, patterns: 0 }
    }

    /// Whether a suspect has not been seen too often, and there is still room for it: each treatment places the patterns a
    /// little elsewhere, and so does the fit that starts from them.
    fn admit(&mut self, suspect: &Suspect) -> bool {
        let near = distance(suspect.patterns[0], suspect.patterns[1]) / 40.0;
        let known = self
            .known
            .iter()
            .filter(|known| known.iter().zip(suspect.patterns).all(|(a, b)| distance(*a, b) < near));
        if known.count() >= self.again || self.known.len() >= self.most {
            return false;
        }
        self.known.push(suspect.patterns);
        true
    }
}

/// Reads a suspect, or says what was seen of it.
pub(super) fn examine(luma: &Luma, suspect: &Suspect, examined: &mut Examined) -> Examination {
    let mut plans: Vec<(Layout, Marks)> = Vec::new();
    let mut best: Option<(usize, Perspective, f32)> = None;
    for turned in suspect.turns() {
        for side in turned.sides() {
            let Some(plan) = plan_of(side, suspect.polarity, &mut plans) else { continue };
            let Some(start) = start(&turned, side) else { continue };
            let agreement = plans[plan].1.agreement(luma, &start);
            if agreement >= LEAST_START && best.is_none_or(|best| agreement > best.2) {
                best = Some((plan, start, agreement));
            }
        }
    }
    let Some((plan, start, _)) = best else {
        return Examination { cost: START_COST, ..Examination::default() };
    };
    let (layout, marks) = plans.swap_remove(plan);
    if !examined.admit(suspect) {
        return Examination::default();
    }
    let modules = u32::try_from(layout.fixed.len()).unwrap_or(u32::MAX);
    let cost = FIT_COST.saturating_mul(modules);
    let fit = fit(luma, layout.side, &marks, start, &STEPS);
    let Some(fit) = fit.filter(|fit| fit.agreement >= LEAST_AGREEMENT) else {
        return Examination { cost, ..Examination::default() };
    };
    let mut examination = follow(luma, layout, suspect.polarity, fit);
    examination.cost += cost;
    examination
}

/// Reads the code at a known place.
pub(super) fn follow(luma: &Luma, layout: Layout, polarity: Polarity, mut fit: Fit) -> Examination {
    let modules = u32::try_from(layout.fixed.len()).unwrap_or(u32::MAX);
    let cost = READ_COST.saturating_mul(modules);
    let mut samples = Samples::take(luma, &fit.perspective, layout.side);
    let Some(first) = samples.modules(&layout, None).filter(|first| first.error < MAX_ERROR) else {
        return Examination { cost, ..Examination::default() };
    };
    let read_at = |fit: &Fit, payload: soft::Payload| Read {
        bytes: payload.bytes,
        text: payload.text,
        corners: fit.perspective.corners(layout.side),
        reader: Reader::Equalised,
    };
    if let Some(payload) = soft::read(&layout, &first.values) {
        return Examination { read: Some(read_at(&fit, payload)), sighting: None, cost };
    }
    // With most modules right, all of them tell where the grid lies.
    let marks = Marks::believed(&layout, polarity, &first.values);
    if let Some(closer) = self::fit(luma, layout.side, &marks, fit.perspective, &NEAR_STEPS) {
        fit = closer;
        samples = Samples::take(luma, &fit.perspective, layout.side);
    }
    match learn(&layout, &samples, first.values) {
        Ok(payload) => Examination { read: Some(read_at(&fit, payload)), sighting: None, cost },
        Err(error) => {
            let sighting = Sighting { layout, polarity, fit, samples, error: error.min(first.error) };
            Examination { read: None, sighting: Some(sighting), cost }
        }
    }
}

/// Learns from modules that are believed, ever again, until they can be read; else the error that stays.
pub(super) fn learn(
    layout: &Layout,
    samples: &Samples,
    mut believed: Vec<f32>,
) -> Result<soft::Payload, f32> {
    let mut error = MAX_ERROR;
    for _ in 0..LESSONS {
        let Some(modules) = samples.modules(layout, Some(&believed)) else {
            break;
        };
        error = modules.error;
        if let Some(payload) = soft::read(layout, &modules.values) {
            return Ok(payload);
        }
        believed = modules.values;
        for _ in 0..WEIGHINGS {
            let Some(weighed) = likely::most_likely(layout, samples, &believed) else {
                break;
            };
            if let Some(payload) = soft::read(layout, &weighed.values) {
                return Ok(payload);
            }
            believed = weighed.values;
        }
    }
    Err(error)
}

/// Where the plan of so many modules a side is among those that were made; makes it.
fn plan_of(side: usize, polarity: Polarity, plans: &mut Vec<(Layout, Marks)>) -> Option<usize> {
    if let Some(known) = plans.iter().position(|(layout, _)| layout.side == side) {
        return Some(known);
    }
    let layout = Layout::of(side)?;
    let marks = Marks::fixed(&layout, polarity);
    plans.push((layout, marks));
    Some(plans.len() - 1)
}

fn start(suspect: &Suspect, side: usize) -> Option<Perspective> {
    let [upper_left, upper_right, lower_left] = suspect.patterns;
    let (near, far) = (3.5, length(side) - 3.5);
    let fourth = (upper_right.0 + lower_left.0 - upper_left.0, upper_right.1 + lower_left.1 - upper_left.1);
    let end = length(side);
    let (corner, seen) = match suspect.end {
        Some(seen) if side == suspect.side => ((end, end), seen),
        Some(_) | None => ((far, far), fourth),
    };
    let first = Perspective::between(
        [(near, near), (far, near), corner, (near, far)],
        [upper_left, upper_right, seen, lower_left],
    )?;
    let holds = holds(side);
    Perspective::between(holds, holds.map(|hold| first.place(hold)))
}
