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
/// Starts whose lean is looked for, those that agree best.
const MAX_STARTS: usize = 3;
/// How far the fourth hold may be off, as a part of the code, and the steps to each side in which it is looked for.
const LEAN: f32 = 0.12;
const LEANS: i8 = 3;
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
/// Estimated time for the suspects of one picture, and of one frame of many, in microseconds on a common processor.
const BUDGET: u32 = 50_000;
const FRAME_BUDGET: u32 = 9_000;
/// Times that a suspect of a single picture is examined.
const AGAIN: usize = 3;

/// Estimated times, in microseconds on a common processor: of all starts, and for so many modules one more; of a fit and of
/// reading for each module.
const START_COST: u32 = 60;
const START_MODULES: u32 = 15;
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
    /// Times that a suspect is examined.
    again: usize,
    /// Estimated time that is left for suspects, in microseconds on a common processor.
    left: u32,
    /// Finder patterns seen at most in one attempt.
    pub(super) patterns: usize,
}

impl Default for Examined {
    fn default() -> Self {
        Self { known: Vec::new(), again: AGAIN, left: BUDGET, patterns: 0 }
    }
}

impl Examined {
    /// For one frame of many.
    pub(super) fn few() -> Self {
        Self { known: Vec::new(), again: 1, left: FRAME_BUDGET, patterns: 0 }
    }

    /// Whether a suspect has not been seen too often, and there is still room for it: each treatment places the patterns a
    /// little elsewhere, and so does the fit that starts from them.
    fn admit(&mut self, suspect: &Suspect) -> bool {
        let near = distance(suspect.patterns[0], suspect.patterns[1]) / 40.0;
        let known = self
            .known
            .iter()
            .filter(|known| known.iter().zip(suspect.patterns).all(|(a, b)| distance(*a, b) < near));
        if known.count() >= self.again || self.left == 0 {
            return false;
        }
        self.known.push(suspect.patterns);
        true
    }
}

/// Reads a suspect, or says what was seen of it.
pub(super) fn examine(luma: &Luma, suspect: &Suspect, examined: &mut Examined) -> Examination {
    if examined.left == 0 {
        return Examination::default();
    }
    let examination = examine_new(luma, suspect, examined);
    examined.left = examined.left.saturating_sub(examination.cost);
    examination
}

fn examine_new(luma: &Luma, suspect: &Suspect, examined: &mut Examined) -> Examination {
    let modules = u32::try_from(suspect.side.saturating_mul(suspect.side)).unwrap_or(u32::MAX);
    let start_cost = START_COST + modules / START_MODULES;
    let mut plans: Vec<(Layout, Marks)> = Vec::new();
    let mut starts: Vec<(usize, Perspective, f32)> = Vec::new();
    for turned in suspect.turns() {
        for side in turned.sides() {
            let Some(plan) = plan_of(side, suspect.polarity, &mut plans) else { continue };
            let Some(start) = start(&turned, side) else { continue };
            let agreement = plans[plan].1.agreement(luma, &start);
            if agreement >= LEAST_START {
                starts.push((plan, start, agreement));
            }
        }
    }
    starts.sort_by(|a, b| b.2.total_cmp(&a.2));
    let best = starts
        .into_iter()
        .take(MAX_STARTS)
        .map(|(plan, start, agreement)| {
            let (layout, marks) = &plans[plan];
            let (start, agreement) = leaning(luma, layout.side, marks, start, agreement);
            (plan, start, agreement)
        })
        .max_by(|a, b| a.2.total_cmp(&b.2));
    let Some((plan, start, _)) = best else {
        return Examination { cost: start_cost, ..Examination::default() };
    };
    let (layout, marks) = plans.swap_remove(plan);
    if !examined.admit(suspect) {
        return Examination { cost: start_cost, ..Examination::default() };
    }
    let modules = u32::try_from(layout.fixed.len()).unwrap_or(u32::MAX);
    let cost = FIT_COST.saturating_mul(modules).saturating_add(start_cost);
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

/// The start with its fourth hold where the modules show best: three patterns alone do not tell how the code leans.
fn leaning(
    luma: &Luma,
    side: usize,
    marks: &Marks,
    start: Perspective,
    agreement: f32,
) -> (Perspective, f32) {
    let holds = holds(side);
    let pixels = holds.map(|hold| start.place(hold));
    let reach = LEAN * length(side - 7);
    let step = |times: i8| f32::from(times) / f32::from(LEANS) * reach;
    let toward = |a: Corner, b: Corner| ((b.0 - a.0) / length(side - 7), (b.1 - a.1) / length(side - 7));
    let (right, down) = (toward(pixels[0], pixels[1]), toward(pixels[0], pixels[3]));
    let mut best = (start, agreement);
    for (x, y) in (-LEANS..=LEANS).flat_map(|y| (-LEANS..=LEANS).map(move |x| (step(x), step(y)))) {
        let mut moved = pixels;
        moved[2].0 += x * right.0 + y * down.0;
        moved[2].1 += x * right.1 + y * down.1;
        let Some(leaning) = Perspective::between(holds, moved) else { continue };
        let agreement = marks.agreement(luma, &leaning);
        if agreement > best.1 {
            best = (leaning, agreement);
        }
    }
    best
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
