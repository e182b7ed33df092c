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

use super::{Corner, Read, Reader, distance, grid::length, payload};
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
    /// Three patterns of which nobody knows yet which is which.
    fn of(patterns: [&ConcentricPattern; 3], polarity: Polarity) -> Self {
        let [a, b, c] = patterns;
        let apart = |a: &ConcentricPattern, b: &ConcentricPattern| ConcentricPattern::distance(*a, *b);
        let (ab, bc, ca) = (apart(a, b), apart(b, c), apart(c, a));
        // Seen from the front, the longest way leads past the upper left one.
        let [tl, tr, bl] = if bc >= ab && bc >= ca {
            [a, b, c]
        } else if ca >= ab {
            [b, c, a]
        } else {
            [c, a, b]
        };
        let cross = (tr.p.x - tl.p.x) * (bl.p.y - tl.p.y) - (tr.p.y - tl.p.y) * (bl.p.x - tl.p.x);
        let (tr, bl) = if cross < 0.0 { (bl, tr) } else { (tr, bl) };
        let side = side(&FinderPatternSet { bl: *bl, tl: *tl, tr: *tr });
        Self { patterns: [tl, tr, bl].map(|part| (part.p.x, part.p.y)), side, end: None, polarity }
    }

    /// The same with each of its patterns as the upper left one: seen from the side, any of them may have the widest angle.
    pub(super) fn turns(&self) -> [Self; 3] {
        let [a, b, c] = self.patterns;
        let legs = |[corner, right, below]: [Corner; 3]| distance(corner, right) + distance(corner, below);
        [[a, b, c], [b, c, a], [c, a, b]].map(|patterns| {
            if patterns == self.patterns {
                return *self;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to the versions"
            )]
            let versions =
                ((length(self.side.saturating_sub(7)) * legs(patterns) / legs(self.patterns) - 10.0) / 4.0)
                    .round()
                    .clamp(1.0, 40.0) as usize;
            Self { patterns, side: 17 + 4 * versions, end: None, polarity: self.polarity }
        })
    }

    /// Modules a side that it may have: seen from the side, patterns seem smaller and the code larger in modules.
    pub(super) fn sides(&self) -> impl Iterator<Item = usize> {
        let largest = self.side.saturating_add(4);
        (0..6).filter_map(move |step| largest.checked_sub(4 * step))
    }

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

/// Finder patterns up to which all threes of them are suspects.
const MAX_COMBINED: usize = 6;
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
    if seen.reads.is_empty() && patterns.len() <= MAX_COMBINED {
        let places = |suspect: &Suspect| {
            let mut places = suspect.patterns;
            places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            places
        };
        for combined in combinations(&patterns).map(|parts| Suspect::of(parts, polarity)) {
            if seen.suspects.len() < MAX_SUSPECTS
                && !seen.suspects.iter().any(|known| places(known) == places(&combined))
            {
                seen.suspects.push(combined);
            }
        }
    }
    // A part of a read code makes no further one.
    seen.suspects.retain(|suspect| !used.iter().any(|part| suspect.patterns.contains(&(part.p.x, part.p.y))));
    seen
}

/// Threes of patterns of about the same size: from the side, the sets that a reader forms by angles leave some out.
fn combinations(patterns: &[ConcentricPattern]) -> impl Iterator<Item = [&ConcentricPattern; 3]> {
    let threes = (0..patterns.len()).flat_map(move |a| {
        (a + 1..patterns.len()).flat_map(move |b| (b + 1..patterns.len()).map(move |c| [a, b, c]))
    });
    threes.map(|three| three.map(|at| &patterns[at])).filter(|three| {
        let sizes = three.map(|part| part.size);
        let (least, most) = (sizes.iter().min(), sizes.iter().max());
        least.zip(most).is_some_and(|(least, most)| *most <= 2 * *least)
    })
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
