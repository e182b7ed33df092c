//! What keeps a code from being read, measured in the picture: how large its modules are, how light it is, how wide its
//! edges are.

use super::region::Region;
use crate::frame::Luma;

/// What would help a person who holds a code before the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Modules of less than about two pixels: the code should come nearer.
    TooFar,
    /// Too little light: the picture's brightest parts, or the code's, stay below a quarter of white.
    TooDark,
    /// Even the steepest edges are more than two pixels wide: the picture is out of focus or moves.
    Blurred,
}

/// Frames from one measurement to the next.
pub(super) const EVERY: usize = 3;
/// Measurements in a row without a read after which a hint is given, and for which a new one must last: with the frames
/// between them a quarter of a second.
const PATIENCE: u32 = 3;
/// Pixels of a region that are looked at, about.
const ENOUGH: usize = 30_000;

/// Brightness of the lightest fiftieth of a picture below which it is dark.
const DARK_PICTURE: u8 = 48;
/// Brightness of the lightest twentieth of a region below which it is dark.
const DARK_REGION: u8 = 64;
/// Difference of dark and light, in steps of brightness, below which a region shows nothing.
const MIN_SPREAD: u8 = 16;
/// Module size, in pixels, below which a code is too far away. Noise makes the estimate small and blur makes it large; at
/// this estimate modules have about two pixels.
const SMALL_MODULE: f32 = 2.4;
/// Width of the steepest edges, in pixels and in parts of a module, from which a picture is blurred: a lens in focus makes
/// edges of one to two pixels.
const WIDE_EDGE: f32 = 2.2;
const WIDE_EDGE_PARTS: f32 = 0.45;
/// Parts of dark pixels, in percent, that a code has; text has fewer.
const DARK_PARTS: std::ops::RangeInclusive<usize> = 34..=66;

/// What a region of a picture looks like.
#[derive(Clone, Copy, Debug)]
struct Measure {
    /// Pixels a module, estimated from how often dark and light change.
    module: f32,
    /// Pixels from dark to light at the steepest edges.
    edge: f32,
    /// Pixels darker than their surroundings, in percent.
    dark: usize,
    /// Brightness of the lightest twentieth.
    light: u8,
    /// From the darkest twentieth to the lightest.
    spread: u8,
}

/// What a single picture suggests; `region` is where a code may be.
pub(super) fn of(luma: &Luma, region: Option<Region>) -> Option<Hint> {
    if percentile(luma.data().iter().step_by(31), 98) < DARK_PICTURE {
        return Some(Hint::TooDark);
    }
    let measure = measured(luma, region?);
    if measure.spread < MIN_SPREAD || !DARK_PARTS.contains(&measure.dark) {
        return None;
    }
    if measure.light < DARK_REGION {
        Some(Hint::TooDark)
    } else if measure.edge > WIDE_EDGE.max(WIDE_EDGE_PARTS * measure.module) {
        Some(Hint::Blurred)
    } else if measure.module < SMALL_MODULE {
        Some(Hint::TooFar)
    } else {
        None
    }
}

/// Lets a hint pass once it has been true for a while, so that it does not flicker.
#[derive(Debug, Default)]
pub(super) struct Steady {
    shown: Option<Hint>,
    next: Option<Hint>,
    times: u32,
}

impl Steady {
    /// A frame was read: nothing to say.
    pub(super) fn read(&mut self) {
        *self = Self::default();
    }

    /// What has been true for a while.
    pub(super) fn shown(&self) -> Option<Hint> {
        self.shown
    }

    /// A frame was not read and suggests `hint`.
    pub(super) fn unread(&mut self, hint: Option<Hint>) -> Option<Hint> {
        if hint == self.next {
            self.times = self.times.saturating_add(1);
        } else {
            self.next = hint;
            self.times = 1;
        }
        if self.times >= PATIENCE {
            self.shown = self.next;
        }
        self.shown
    }
}

fn measured(luma: &Luma, region: Region) -> Measure {
    let stride = luma.width() as usize;
    let rows: Vec<&[u8]> = (region.y..region.y + region.height)
        .step_by(1 + region.area() / ENOUGH)
        .map(|y| &luma.data()[y * stride + region.x..][..region.width])
        .collect();
    let light = percentile(rows.iter().copied().flatten(), 95);
    let spread = light - percentile(rows.iter().copied().flatten(), 5);
    let steepest =
        percentile_of(rows.iter().flat_map(|row| row.windows(2).map(|pair| pair[0].abs_diff(pair[1]))), 99);
    let (mut dark, mut all, mut runs) = (0, 0, 0_u32);
    for row in &rows {
        let counted = runs_of(row, spread / 8);
        dark += counted.dark;
        all += counted.all;
        runs += counted.count;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts within a picture are small enough for a rough measure"
    )]
    let run = all as f32 / runs.max(1) as f32;
    // Half of all runs are one module long, a quarter are two, and so on: two in the mean.
    Measure {
        module: run / 2.0,
        edge: f32::from(spread) / f32::from(steepest.max(1)),
        dark: 100 * dark / all.max(1),
        light,
        spread,
    }
}

/// Stretches of a row that are darker or lighter than what is around.
#[derive(Default)]
struct Runs {
    dark: usize,
    all: usize,
    count: u32,
}

/// Reach of the surroundings, in pixels.
const AROUND: usize = 12;
/// Pixels after which a stretch is no module, but ground.
const MAX_RUN: usize = 40;

fn runs_of(row: &[u8], noise: u8) -> Runs {
    let mut sums = vec![0_u32; row.len() + 1];
    for (x, value) in row.iter().enumerate() {
        sums[x + 1] = sums[x] + u32::from(*value);
    }
    let mut counted = Runs::default();
    let mut run: Option<(bool, usize)> = None;
    for (x, value) in row.iter().enumerate() {
        let (from, to) = (x.saturating_sub(AROUND), (x + AROUND + 1).min(row.len()));
        let mean = (sums[to] - sums[from]) / u32::try_from(to - from).unwrap_or(1);
        let (value, noise) = (u32::from(*value), u32::from(noise));
        let is_dark = if value + noise < mean {
            Some(true)
        } else if value > mean + noise {
            Some(false)
        } else {
            run.map(|(is_dark, _)| is_dark)
        };
        match (is_dark, &mut run) {
            (Some(now), Some((was, length))) if now == *was => *length += 1,
            (Some(now), ended) => {
                if let Some((was, length)) = ended.replace((now, 1)) {
                    counted.add(was, length);
                }
            }
            (None, _) => {}
        }
    }
    counted
}

impl Runs {
    fn add(&mut self, is_dark: bool, length: usize) {
        if length > MAX_RUN {
            return;
        }
        self.all += length;
        self.count += 1;
        if is_dark {
            self.dark += length;
        }
    }
}

fn percentile<'a>(values: impl Iterator<Item = &'a u8>, percent: usize) -> u8 {
    percentile_of(values.copied(), percent)
}

fn percentile_of(values: impl Iterator<Item = u8>, percent: usize) -> u8 {
    let mut counts = [0_usize; 256];
    values.for_each(|value| counts[usize::from(value)] += 1);
    let below = counts.iter().sum::<usize>() * percent / 100;
    let mut sum = 0;
    let found = counts.iter().position(|count| {
        sum += count;
        sum > below
    });
    found.and_then(|value| u8::try_from(value).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::{drawn::Drawn, region};

    fn suggested(luma: &Luma) -> Option<Hint> {
        of(luma, region::find(luma).first().copied())
    }

    #[test]
    fn each_hint_is_measured() {
        let code = Drawn::of("https://login.example.com/q/GEZDGNBVGY3TQOJQ", Version::V10);
        let clear = code.seen(4.0, 0, 2, 1);
        assert_eq!(suggested(&clear), None);
        assert_eq!(suggested(&code.seen(1.4, 0, 2, 1)), Some(Hint::TooFar));
        assert_eq!(suggested(&code.seen(4.0, 3, 0, 1)), Some(Hint::Blurred));
        let dark = clear.with(clear.data().iter().map(|value| value / 6).collect());
        assert_eq!(suggested(&dark), Some(Hint::TooDark));
    }

    #[test]
    fn a_hint_comes_after_a_while_and_goes_with_a_read() {
        let mut steady = Steady::default();
        let told: Vec<_> = (0..4).map(|_| steady.unread(Some(Hint::TooFar))).collect();
        assert_eq!(told, [None, None, Some(Hint::TooFar), Some(Hint::TooFar)]);
        assert_eq!(steady.unread(None), Some(Hint::TooFar), "it does not flicker");
        steady.read();
        assert_eq!(steady.shown(), None);
    }
}
