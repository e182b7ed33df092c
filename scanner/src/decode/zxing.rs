//! The zxing family: rxing's port of zxing-cpp, called stage by stage so that its work stays bounded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::{
    Binarizer, Luma8Source,
    common::{BitMatrix, DetectorRXingResult, HybridBinarizer, cpp_essentials::ConcentricPattern},
    qrcode::cpp_port::{
        decoder::Decode,
        detector::{FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR},
    },
};

use super::{Corner, Read, Reader, payload};
use crate::frame::Luma;

/// Finder patterns looked at in a picture; a picture with more of them is noise.
const MAX_PATTERNS: usize = 400;
/// Triples of finder patterns that are sampled, best ones first. Fifty codes in a picture need some 150.
const MAX_TRIPLES: usize = 600;
/// The same in one frame of many.
const MAX_QUICK_TRIPLES: usize = 90;
/// The same in a part of a picture.
const MAX_PART_PATTERNS: usize = 60;
const MAX_PART_TRIPLES: usize = 30;

/// How densely rows are searched for finder patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Rows as far apart as the picture's height allows: for one frame of many.
    Quick,
    /// Every third row, so that a small code in a large picture is found.
    Thorough,
    /// The same in a part of a picture, where there are few codes.
    Part,
}

impl Search {
    fn most_patterns(self) -> usize {
        match self {
            Self::Quick | Self::Thorough => MAX_PATTERNS,
            Self::Part => MAX_PART_PATTERNS,
        }
    }

    fn most_triples(self) -> usize {
        match self {
            Self::Quick => MAX_QUICK_TRIPLES,
            Self::Thorough => MAX_TRIPLES,
            Self::Part => MAX_PART_TRIPLES,
        }
    }
}

/// Which modules are dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    /// The dark ones, as on paper.
    Dark,
    /// The light ones: a code in dark mode.
    Light,
}

impl Polarity {
    /// 1 where dark modules are dark pixels, else -1.
    pub(super) fn sign(self) -> f32 {
        match self {
            Self::Dark => 1.0,
            Self::Light => -1.0,
        }
    }
}

/// Three finder patterns that look like a code which could not be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    /// Middles of the upper left, upper right and lower left pattern.
    pub(super) patterns: [Corner; 3],
    /// Modules a side, as far as can be told.
    pub(super) side: usize,
    /// The fourth corner of the code, where the sampling went so far.
    pub(super) end: Option<Corner>,
    pub(super) polarity: Polarity,
}

impl Suspect {
    /// The same in another picture.
    pub(super) fn moved(self, back: impl Fn(Corner) -> Corner) -> Self {
        Self { patterns: self.patterns.map(&back), end: self.end.map(back), ..self }
    }
}

/// What this family saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) reads: Vec<Read>,
    /// Places that look like a finder pattern, three to a code.
    pub(super) patterns: usize,
    /// Codes that were seen and not read, the likeliest first.
    pub(super) suspects: Vec<Suspect>,
}

/// Suspects that are handed on.
const MAX_SUSPECTS: usize = 6;

pub(super) fn read(luma: &Luma, polarity: Polarity, reader: Reader, search: Search) -> Seen {
    let inverted;
    let luma = match polarity {
        Polarity::Dark => luma,
        Polarity::Light => {
            inverted = luma.inverted();
            &inverted
        }
    };
    let Ok(source) = Luma8Source::new_with_slice(luma.data(), luma.width(), luma.height()) else {
        return Seen::default();
    };
    let binarizer = HybridBinarizer::new(source);
    let Ok(bits) = binarizer.get_black_matrix() else { return Seen::default() };
    let mut found = FindFinderPatterns(bits, search != Search::Quick, 0);
    let patterns = found.len();
    found.truncate(search.most_patterns());
    let mut seen = read_codes(bits, found, polarity, reader, search);
    seen.patterns = patterns;
    seen
}

fn read_codes(
    bits: &BitMatrix,
    mut patterns: Vec<ConcentricPattern>,
    polarity: Polarity,
    reader: Reader,
    search: Search,
) -> Seen {
    let mut used: Vec<ConcentricPattern> = Vec::new();
    let mut seen = Seen::default();
    for triple in GenerateFinderPatternSets(&mut patterns).into_iter().take(search.most_triples()) {
        let parts = [triple.bl, triple.tl, triple.tr];
        if parts.iter().any(|part| used.contains(part)) {
            continue;
        }
        // Its tracing of edges may panic on one triple; the next may be a code.
        let sampled = catch_unwind(AssertUnwindSafe(|| SampleQR(bits, &triple))).ok().and_then(Result::ok);
        let decoded = sampled
            .as_ref()
            .and_then(|sampled| Decode(sampled.getBits()).ok())
            .and_then(|decoded| payload::of(&decoded));
        let corners = sampled.as_ref().and_then(|sampled| corners(sampled.getPoints()));
        if let (Some(payload), Some(corners)) = (decoded, corners) {
            used.extend(parts);
            seen.reads.push(Read { bytes: payload.bytes, text: payload.text, corners, reader });
        } else if seen.suspects.len() < MAX_SUSPECTS {
            let side =
                sampled.as_ref().map_or_else(|| side(&triple), |sampled| sampled.getBits().height() as usize);
            let end = corners.map(|corners| corners[2]);
            let patterns = [triple.tl, triple.tr, triple.bl].map(|part| (part.p.x, part.p.y));
            seen.suspects.push(Suspect { patterns, side, end, polarity });
        }
    }
    // A part of a read code makes no further one.
    seen.suspects.retain(|suspect| !used.iter().any(|part| suspect.patterns.contains(&(part.p.x, part.p.y))));
    seen
}

/// Modules a side by how far apart the patterns are.
fn side(triple: &FinderPatternSet) -> usize {
    let across =
        ConcentricPattern::distance(triple.tl, triple.tr) + ConcentricPattern::distance(triple.tl, triple.bl);
    let pattern = triple.tl.size + triple.tr.size + triple.bl.size;
    #[expect(clippy::cast_precision_loss, reason = "a size within a picture is far below 2^24")]
    let versions = ((across / 2.0 / (pattern as f32 / 21.0) + 7.0 - 17.0) / 4.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the versions")]
    let version = versions.clamp(1.0, 40.0) as usize;
    17 + 4 * version
}

fn corners(points: &[rxing::Point]) -> Option<[Corner; 4]> {
    // The crate names them row by row.
    let [upper_left, upper_right, lower_left, lower_right] = points else { return None };
    Some([upper_left, upper_right, lower_right, lower_left].map(|point| (point.x, point.y)))
}
