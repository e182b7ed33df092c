//! The plan for a single picture: all readers in both polarities, smaller sizes, then every treatment of every region that
//! may hold a code, within a budget of work.

use super::{
    Read, Reader, close, guarded, keep, keep_all, method,
    quirc::{self, Threshold},
    region::{self, Region},
    suspect::{self, Examined},
    zxing::{self, Polarity, Search},
};
use crate::frame::Luma;

/// Pixels up to which rqrr looks at a picture; its time grows faster than the picture.
const QUIRC_MAX_PIXELS: usize = 4 << 20;
/// Finder patterns up to which rqrr looks at a picture: it copies the picture for each set of them that it tries.
const QUIRC_MAX_PATTERNS: usize = 48;
/// Pixels up to which regions of a picture are looked for.
const REGION_MAX_PIXELS: usize = 4 << 20;
/// Pixels of the smallest picture that is looked at in half its size too, and of the largest that is looked at as it is.
const SMALLER_TOO: usize = 1 << 18;
const SMALLER_ONLY: usize = 20 << 20;
/// Estimated time for regions, in microseconds on a common processor: where nothing was read, and for
/// what else there may be or what a smaller size may show.
const BUDGET: u32 = 80_000;
const BUDGET_FOR_MORE: u32 = 30_000;

/// Reads every code in a picture.
pub(super) fn decode(luma: &Luma) -> Vec<Read> {
    let mut found = Vec::new();
    let mut factor = 1.0;
    let mut smaller: Option<Luma> = None;
    loop {
        let level = smaller.as_ref().unwrap_or(luma);
        if level.data().len() <= SMALLER_ONLY {
            for mut read in look_at(level, &found, factor) {
                read.scale(factor);
                keep(&mut found, read);
            }
        }
        if level.data().len() < SMALLER_TOO {
            if found.is_empty() {
                for mut read in look_near(level) {
                    read.scale(factor);
                    keep(&mut found, read);
                }
            }
            return found;
        }
        let Some(half) = level.halved() else { return found };
        smaller = Some(half);
        factor *= 2.0;
    }
}

/// Reads a code that fills a small picture.
fn look_near(level: &Luma) -> Vec<Read> {
    let reads = near(level);
    let (true, Some(half)) = (reads.is_empty(), level.halved()) else { return reads };
    let mut reads = near(&half);
    for read in &mut reads {
        read.scale(2.0);
    }
    reads
}

/// Reads a small picture of a large code, its modules drawn as one likes: outlines, dots, a photograph.
pub(super) fn near(small: &Luma) -> Vec<Read> {
    let closed = close::closed(small);
    for (level, polarity) in [
        (small, Polarity::Dark),
        (&closed, Polarity::Dark),
        (small, Polarity::Light),
        (&closed, Polarity::Light),
    ] {
        let reads = guarded(|| zxing::read(level, polarity, Reader::Zxing, Search::Part)).reads;
        if !reads.is_empty() {
            return reads;
        }
    }
    Vec::new()
}

/// Reads one size of a picture, `known` being what larger ones gave.
fn look_at(level: &Luma, known: &[Read], factor: f32) -> Vec<Read> {
    let mut found = Vec::new();
    let mut examined = Examined::default();
    for polarity in [Polarity::Dark, Polarity::Light] {
        let seen = guarded(|| zxing::read(level, polarity, Reader::Zxing, Search::Thorough));
        let is_read = !seen.reads.is_empty();
        keep_all(&mut found, seen.reads);
        if level.data().len() <= QUIRC_MAX_PIXELS && seen.patterns <= QUIRC_MAX_PATTERNS {
            keep_all(&mut found, guarded(|| quirc::read(level, Threshold::Own, polarity, Reader::Quirc)));
        }
        if !is_read {
            for suspect in seen.suspects {
                let examination = guarded(|| suspect::examine(level, &suspect, &mut examined));
                keep_all(&mut found, examination.read);
            }
        }
    }
    if level.data().len() <= REGION_MAX_PIXELS {
        let is_read = !known.is_empty() || !found.is_empty();
        let budget = if is_read || factor > 1.0 { BUDGET_FOR_MORE } else { BUDGET };
        let taken: Vec<[(f32, f32); 4]> =
            known.iter().map(|read| read.corners.map(|(x, y)| (x / factor, y / factor))).collect();
        look_at_regions(level, &taken, budget, &mut examined, &mut found);
    }
    found
}

fn look_at_regions(
    level: &Luma,
    taken: &[[(f32, f32); 4]],
    mut budget: u32,
    examined: &mut Examined,
    found: &mut Vec<Read>,
) {
    // Clutter over half of the picture would use up the time of every small region.
    let (small, large): (Vec<Region>, Vec<Region>) =
        region::find(level).into_iter().partition(|region| region.area() <= level.data().len() / 3);
    for regions in [small, large] {
        if !found.is_empty() {
            budget = budget.min(BUDGET_FOR_MORE);
        }
        for (method, region) in
            method::ALL.iter().flat_map(|method| regions.iter().map(move |region| (method, region)))
        {
            let is_taken = taken.iter().any(|corners| region.is_filled_by(corners))
                || found.iter().any(|read| region.is_filled_by(&read.corners));
            let Some(left) = budget.checked_sub(method.cost(*region)).filter(|_| !is_taken) else { continue };
            let attempt = method.attempt(level, *region, examined);
            budget = left.saturating_sub(attempt.cost - method.cost(*region));
            keep_all(found, attempt.reads);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::drawn::Drawn;

    #[test]
    fn a_near_code_of_outlined_modules_is_read_at_a_quarter() {
        const TEXT: &str = "https://login.example.com/q/GEZDGNBVGY3TQOJQ";
        const MODULE: usize = 12;
        let code = Drawn::of(TEXT, Version::V04);
        let length = MODULE * (code.side + 8);
        let pixel = |at: usize| {
            let module = |v: usize| (v / MODULE).checked_sub(4).filter(|v| *v < code.side);
            let (x, y) = (at % length, at / length);
            let is_dark = module(x).zip(module(y)).is_some_and(|(x, y)| code.dark[y * code.side + x]);
            let is_edge = |v: usize| !(3..MODULE - 3).contains(&(v % MODULE));
            if is_dark && (is_edge(x) || is_edge(y)) { 20 } else { 230 }
        };
        let side = u32::try_from(length).unwrap();
        let luma = Luma::new(side, side, (0..length * length).map(pixel).collect()).unwrap();
        let reads = near(&luma.shrunk(4).unwrap());
        assert_eq!(reads[0].text.as_deref(), Some(TEXT));
        assert_eq!(decode(&luma)[0].text.as_deref(), Some(TEXT));
    }
}
