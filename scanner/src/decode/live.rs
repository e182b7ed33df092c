//! The plan for a live camera: what a frame costs is bounded, and what one frame misses for want of a treatment one of the
//! next gets.

use super::{
    Corner, Look, Read, Reader, distance, guarded,
    hint::{self, Steady},
    keep, keep_all,
    method::{self, Method},
    quirc::{self, Threshold},
    region::{self, Region},
    stack::Stack,
    suspect::{self, Examined, Sighting},
    zxing::{self, Polarity, Search},
};
use crate::frame::Luma;

/// Estimated time that treatments of regions may take in a frame, in microseconds on a common processor.
const BUDGET: u32 = 12_000;
/// Estimated time of following a code over frames.
const STACK_COST: u32 = 4_000;
/// Pixels of the largest region that is treated: a larger one holds a large code, which needs none, or clutter.
const REGION_MAX_PIXELS: usize = 400_000;
/// Frames for which a place is remembered where a code was read.
const MEMORY: u32 = 20;
/// Places remembered at most.
const MAX_PLACES: usize = 4;
/// While codes are read where they were, every so many frames the whole picture is looked at for others.
const WHOLE_EVERY: usize = 5;
/// Every so many frames without a read the whole picture is looked at in the other polarity, or by rqrr at half its size.
const OTHERS_EVERY: usize = 3;
/// Finder patterns up to which rqrr looks at a picture: it copies the picture for each set of them that it tries.
const QUIRC_MAX_PATTERNS: usize = 24;
/// Treatments in one frame at most.
const MAX_TREATMENTS: usize = 24;

/// Where a code was read, and how.
#[derive(Debug)]
struct Place {
    corners: [Corner; 4],
    method: Option<Method>,
    age: u32,
}

/// Reads the frames of a live camera, one after the other, in a bounded time each.
#[derive(Debug, Default)]
pub struct Live {
    frame: usize,
    /// Treatments given so far, so that each gets its turn.
    turn: usize,
    places: Vec<Place>,
    stack: Option<Stack>,
    hint: Steady,
}

impl Live {
    /// Reads one frame: every code that is seen.
    pub fn decode(&mut self, luma: &Luma) -> Vec<Read> {
        self.look(luma).reads
    }

    /// Reads one frame as [`Live::decode`] does, and says what would help where nothing can be read.
    pub fn look(&mut self, luma: &Luma) -> Look {
        self.frame = self.frame.wrapping_add(1);
        let mut reads = self.again(luma);
        let mut regions = Vec::new();
        if reads.is_empty() || self.frame.is_multiple_of(WHOLE_EVERY) {
            self.whole(luma, &mut reads);
        }
        if reads.is_empty() {
            regions = region::find(luma);
            self.treat(luma, &regions, &mut reads);
        }
        self.remember(&reads);
        if !reads.is_empty() {
            self.hint.read();
            return Look { reads, hint: None };
        }
        Look { reads, hint: self.hint.unread(hint::of(luma, regions.first().copied())) }
    }

    /// Reads codes where they were a moment ago.
    fn again(&self, luma: &Luma) -> Vec<Read> {
        let mut reads = Vec::new();
        for place in &self.places {
            let Some(region) = Region::around(&place.corners, luma) else { continue };
            let method = place.method.unwrap_or(Method::Plain);
            let mut examined = Examined::none();
            keep_all(&mut reads, method.attempt(luma, region, &mut examined).reads);
        }
        reads
    }

    /// Reads the whole picture as it is.
    fn whole(&mut self, luma: &Luma, reads: &mut Vec<Read>) {
        let mut seen = guarded(|| zxing::read(luma, Polarity::Dark, Reader::Zxing, Search::Quick));
        let mut suspects = std::mem::take(&mut seen.suspects);
        keep_all(reads, seen.reads);
        if reads.is_empty() && self.frame % OTHERS_EVERY == 1 {
            let seen = guarded(|| zxing::read(luma, Polarity::Light, Reader::Zxing, Search::Quick));
            keep_all(reads, seen.reads);
            suspects.extend(seen.suspects);
        }
        if reads.is_empty() && self.frame % OTHERS_EVERY == 2 {
            self.half(luma, reads);
        }
        if reads.is_empty() {
            let mut examined = Examined::few();
            for suspect in suspects {
                let examination = guarded(|| suspect::examine(luma, &suspect, &mut examined));
                reads.extend(examination.read);
                self.offer(examination.sighting);
            }
        }
    }

    /// Reads the picture at half its size: a code so near that its modules are full of detail.
    fn half(&self, luma: &Luma, reads: &mut Vec<Read>) {
        let Some(half) = luma.halved() else { return };
        let polarity = if self.frame.is_multiple_of(2) { Polarity::Dark } else { Polarity::Light };
        let mut seen = guarded(|| zxing::read(&half, polarity, Reader::Zxing, Search::Quick));
        if seen.reads.is_empty() && seen.patterns <= QUIRC_MAX_PATTERNS {
            seen.reads = guarded(|| quirc::read(&half, Threshold::Own, polarity, Reader::Quirc));
        }
        for mut read in seen.reads {
            read.scale(2.0);
            keep(reads, read);
        }
    }

    /// Treats regions, in turns, as long as the budget lasts.
    fn treat(&mut self, luma: &Luma, regions: &[Region], reads: &mut Vec<Read>) {
        let mut budget = BUDGET;
        if let Some(stack) = &mut self.stack {
            budget = budget.saturating_sub(STACK_COST);
            reads.extend(stack.add(luma));
            if stack.is_lost() || !reads.is_empty() {
                self.stack = None;
            }
        }
        let small: Vec<Region> =
            regions.iter().copied().filter(|region| region.area() <= REGION_MAX_PIXELS).collect();
        let mut examined = Examined::few();
        // Each treatment for the strongest region once, and for the next ones in between.
        for _ in 0..MAX_TREATMENTS {
            if !reads.is_empty() || small.is_empty() {
                return;
            }
            let method = method::ALL[self.turn / 2 % method::ALL.len()];
            let rank =
                if self.turn.is_multiple_of(2) { 0 } else { 1 + self.turn / 2 / method::ALL.len() % 3 };
            self.turn = self.turn.wrapping_add(1);
            let Some(region) = small.get(rank) else { continue };
            let Some(left) = budget.checked_sub(method.cost(*region)) else {
                // What is too dear for any frame waits for none.
                if budget == BUDGET {
                    continue;
                }
                self.turn = self.turn.wrapping_sub(1);
                return;
            };
            let found = method.attempt(luma, *region, &mut examined);
            budget = left.saturating_sub(found.cost - method.cost(*region));
            keep_all(reads, found.reads);
            found.sightings.into_iter().for_each(|sighting| self.offer(Some(sighting)));
        }
    }

    /// Follows the clearest sighting.
    fn offer(&mut self, sighting: Option<Sighting>) {
        let Some(sighting) = sighting else { return };
        if self.stack.as_ref().is_none_or(|stack| stack.is_worse_than(&sighting)) {
            self.stack = Some(Stack::begin(sighting));
        }
    }

    fn remember(&mut self, reads: &[Read]) {
        for place in &mut self.places {
            place.age += 1;
        }
        for read in reads {
            let place = Place { corners: read.corners, method: Method::of(read.reader), age: 0 };
            let near = distance(read.corners[0], read.corners[2]) / 2.0;
            self.places.retain(|known| distance(known.corners[0], read.corners[0]) > near);
            self.places.insert(0, place);
        }
        self.places.retain(|place| place.age < MEMORY);
        self.places.truncate(MAX_PLACES);
    }
}
