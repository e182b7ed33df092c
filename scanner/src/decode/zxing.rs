//! The zxing family: rxing's port of zxing-cpp, called stage by stage so that its work stays bounded.

use rxing::{
    Binarizer,
    Luma8Source,
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

pub(super) fn read(luma: &Luma, reader: Reader) -> Vec<Read> {
    let Ok(source) = Luma8Source::new_with_slice(luma.data(), luma.width(), luma.height()) else {
        return Vec::new();
    };
    let binarizer = HybridBinarizer::new(source);
    let Ok(bits) = binarizer.get_black_matrix() else { return Vec::new() };
    read_bits(bits, reader)
}

fn read_bits(bits: &BitMatrix, reader: Reader) -> Vec<Read> {
    let mut patterns = FindFinderPatterns(bits, false, 0);
    patterns.truncate(MAX_PATTERNS);
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
            payload::plain(decoded.text())
        } else {
            payload::text_of(&bytes)
        };
        found.push(Read { bytes, text, corners, reader });
    }
    found
}

fn corners(points: &[rxing::Point]) -> Option<[Corner; 4]> {
    let [a, b, c, d] = points else { return None };
    Some([(a.x, a.y), (b.x, b.y), (c.x, c.y), (d.x, d.y)])
}
