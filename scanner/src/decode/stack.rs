//! A code seen in several frames and read in none: its samples are laid over each other, so that what differs from frame
//! to frame, the noise, averages out.

use super::{
    Read, Reader,
    equalise::Samples,
    grid::{Fit, Marks, Perspective, fit},
    layout::Layout,
    suspect::{Sighting, learn},
    zxing::Polarity,
};
use crate::frame::Luma;

/// Agreement of a frame with the modules that are believed below which the code is not where it was.
const LEAST_AGREEMENT: f32 = 0.35;
/// Frames in a row in which the code may be lost.
const MAX_LOST: u32 = 4;
/// Steps of the search for where the code went, in modules.
const STEPS: [f32; 3] = [0.5, 0.25, 0.12];
/// Modules that the search goes to each side at first.
const SHIFTS: i8 = 3;
/// Frames that count at most: what is older fades.
const MEMORY: f32 = 12.0;

/// The samples of a code over frames.
pub(super) struct Stack {
    layout: Layout,
    polarity: Polarity,
    fit: Fit,
    samples: Samples,
    weight: f32,
    lost: u32,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("fit", &self.fit).field("weight", &self.weight).finish_non_exhaustive()
    }
}

impl Stack {
    pub(super) fn begin(sighting: Sighting) -> Self {
        let Sighting { layout, polarity, fit, samples, error } = sighting;
        Self { layout, polarity, fit, samples, weight: weight(error), lost: 0 }
    }

    /// Whether a sighting is clearer than what is stacked.
    pub(super) fn is_worse_than(&self, sighting: &Sighting) -> bool {
        self.weight < weight(sighting.error)
    }

    /// Whether the code has been out of sight for too long.
    pub(super) fn is_lost(&self) -> bool {
        self.lost > MAX_LOST
    }

    /// Looks for the code in the next frame, lays its samples over the others and reads the whole.
    pub(super) fn add(&mut self, luma: &Luma) -> Option<Read> {
        let Some(fit) = self.found_again(luma) else {
            self.lost += 1;
            return None;
        };
        self.lost = 0;
        self.fit = fit;
        let samples = Samples::take(luma, &fit.perspective, self.layout.side);
        let error = samples.modules(&self.layout, None).map_or(1.0, |modules| modules.error);
        let weight = weight(error);
        self.samples.blend(&samples, weight / (self.weight + weight));
        self.weight = (self.weight + weight).min(MEMORY);
        let first = self.samples.modules(&self.layout, None)?;
        let payload = learn(&self.layout, &self.samples, first.values).ok()?;
        let corners = fit.perspective.corners(self.layout.side);
        Some(Read { bytes: payload.bytes, text: payload.text, corners, reader: Reader::Stacked })
    }

    /// Where the code is in this frame: near where it was, as far as the modules that every code has can tell, then by
    /// all modules.
    fn found_again(&self, luma: &Luma) -> Option<Fit> {
        let side = self.layout.side;
        let marks = Marks::fixed(&self.layout, self.polarity);
        let module = self.fit.perspective.module(side);
        let shifts = (-SHIFTS..=SHIFTS)
            .flat_map(|y| (-SHIFTS..=SHIFTS).map(move |x| (f32::from(x) * module, f32::from(y) * module)));
        let nearest = shifts
            .filter_map(|by| {
                let moved: Perspective = self.fit.perspective.shifted(side, by)?;
                Some((marks.agreement(luma, &moved), moved))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        let near = fit(luma, side, &marks, nearest.1, &STEPS)?;
        let believed = self.samples.modules(&self.layout, None)?;
        let all = Marks::believed(&self.layout, self.polarity, &believed.values);
        fit(luma, side, &all, near.perspective, &STEPS[1..]).filter(|fit| fit.agreement >= LEAST_AGREEMENT)
    }
}

fn weight(error: f32) -> f32 {
    (0.1 / error.max(0.02)).min(2.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::{
        drawn::{Drawn, MARGIN},
        suspect::{self, Examined},
        zxing::Suspect,
    };

    const TEXT: &str = "https://login.example.com/q/GEZDGNBVGY3TQOJQ";

    fn suspect(code: &Drawn, module: f32) -> Suspect {
        let far = crate::decode::grid::length(code.side) - 3.5;
        let at = |x: f32, y: f32| (MARGIN + module * x, MARGIN + module * y);
        Suspect {
            patterns: [at(3.5, 3.5), at(far, 3.5), at(3.5, far)],
            side: code.side,
            end: None,
            polarity: Polarity::Dark,
        }
    }

    #[test]
    fn a_blurred_suspect_is_read_where_it_is() {
        let code = Drawn::of(TEXT, Version::V04);
        let examination =
            suspect::examine(&code.seen(3.0, 2, 4, 9), &suspect(&code, 3.0), &mut Examined::default());
        let read = examination.read.unwrap();
        assert_eq!(read.text.as_deref(), Some(TEXT));
        let end = MARGIN + 3.0 * crate::decode::grid::length(code.side);
        assert!((read.corners[2].0 - end).abs() < 1.5 && (read.corners[2].1 - end).abs() < 1.5, "{read:?}");
    }

    #[test]
    fn a_suspect_is_read_whichever_pattern_is_taken_for_the_first() {
        let code = Drawn::of(TEXT, Version::V04);
        let named = suspect(&code, 3.0);
        let [a, b, c] = named.patterns;
        for patterns in [[a, b, c], [b, c, a], [c, a, b]] {
            let turned = Suspect { patterns, ..named };
            let examination = suspect::examine(&code.seen(3.0, 1, 4, 9), &turned, &mut Examined::default());
            assert_eq!(examination.read.unwrap().text.as_deref(), Some(TEXT), "{patterns:?}");
        }
    }

    #[test]
    fn frames_that_are_too_noisy_alone_are_read_together() {
        let code = Drawn::of(TEXT, Version::V04);
        let frame = |seed: u32| code.seen(2.0, 1, 90, seed * 7919);
        let first = suspect::examine(&frame(1), &suspect(&code, 2.0), &mut Examined::default());
        assert_eq!(first.read, None, "one frame must not do");
        let mut stack = Stack::begin(first.sighting.unwrap());
        let read = (2..40).find_map(|seed| stack.add(&frame(seed))).unwrap();
        assert_eq!((read.text.as_deref(), read.reader), (Some(TEXT), Reader::Stacked));
    }

    #[test]
    fn a_code_that_is_gone_is_lost() {
        let code = Drawn::of(TEXT, Version::V04);
        let luma = code.seen(2.0, 1, 90, 7919);
        let mut stack = Stack::begin(
            suspect::examine(&luma, &suspect(&code, 2.0), &mut Examined::default()).sighting.unwrap(),
        );
        let empty = luma.with(vec![120; luma.data().len()]);
        assert!((0..6).all(|_| stack.add(&empty).is_none()));
        assert!(stack.is_lost());
    }
}
