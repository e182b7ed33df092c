//! The zxing family: rxing's port of zxing-cpp, called stage by stage so that its work stays bounded.

use rxing::{
    Binarizer, Luma8Source,
    common::{BitMatrix, DetectorRXingResult, HybridBinarizer, cpp_essentials::ConcentricPattern},
    qrcode::cpp_port::{
        decoder::Decode,
        detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR},
    },
};

use super::{Corner, Read, Reader, payload};
use crate::frame::Luma;

/// Finder patterns looked at in a picture; a picture with more of them is noise.
const MAX_PATTERNS: usize = 400;
/// Triples of finder patterns that are sampled, best ones first. Fifty codes in a picture need some 150.
const MAX_TRIPLES: usize = 600;

/// How densely rows are searched for finder patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Rows as far apart as the picture's height allows: for one frame of many.
    Quick,
    /// Every third row, so that a small code in a large picture is found.
    Thorough,
}

/// What this family saw.
#[derive(Default)]
pub(super) struct Seen {
    pub reads: Vec<Read>,
    /// Places that look like a finder pattern, three to a code.
    pub patterns: usize,
}

pub(super) fn read(luma: &Luma, reader: Reader, search: Search) -> Seen {
    let Ok(source) = Luma8Source::new_with_slice(luma.data(), luma.width(), luma.height()) else {
        return Seen::default();
    };
    let binarizer = HybridBinarizer::new(source);
    let Ok(bits) = binarizer.get_black_matrix() else { return Seen::default() };
    let mut found = FindFinderPatterns(bits, search == Search::Thorough, 0);
    let patterns = found.len();
    found.truncate(MAX_PATTERNS);
    Seen { reads: read_codes(bits, found, reader), patterns }
}

fn read_codes(bits: &BitMatrix, mut patterns: Vec<ConcentricPattern>, reader: Reader) -> Vec<Read> {
    let mut used: Vec<ConcentricPattern> = Vec::new();
    let mut found = Vec::new();
    for triple in GenerateFinderPatternSets(&mut patterns).into_iter().take(MAX_TRIPLES) {
        let parts = [triple.bl, triple.tl, triple.tr];
        if parts.iter().any(|part| used.contains(part)) {
            continue;
        }
        let Ok(sampled) = SampleQR(bits, &triple) else { continue };
        let Ok(decoded) = Decode(sampled.getBits()) else { continue };
        let content = decoded.content();
        if !decoded.isValid() || content.bytes().is_empty() {
            continue;
        }
        let Some(corners) = corners(sampled.getPoints()) else { continue };
        used.extend(parts);
        let bytes = content.bytes().to_vec();
        // A declared encoding is the code's word; without one UTF-8 wins over the reader's guess.
        let text = if content.has_eci || std::str::from_utf8(&bytes).is_err() {
            payload::believable(decoded.text())
        } else {
            payload::text_of(&bytes)
        };
        found.push(Read { bytes, text, corners, reader });
    }
    found
}

fn corners(points: &[rxing::Point]) -> Option<[Corner; 4]> {
    // The crate names them row by row.
    let [upper_left, upper_right, lower_left, lower_right] = points else { return None };
    Some([upper_left, upper_right, lower_right, lower_left].map(|point| (point.x, point.y)))
}
