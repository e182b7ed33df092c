//! The plan for a live camera: what a frame costs is bounded, and what one frame misses for want of a treatment one of the
//! next gets.

use super::{
    Corner, Look, Read, Reader, distance,
    grid::length,
    guarded,
    hint::{self, Steady},
    keep, keep_all,
    method::{self, Method},
    quirc::{self, Threshold},
    region::{self, Region},
    single,
    stack::Stack,
    suspect::{self, Examined, Sighting},
    zxing::{self, Polarity, Search},
};
use crate::frame::Luma;

/// Estimated time of a frame, in microseconds on a common processor.
const BUDGET: u32 = 18_000;
/// Estimated times of looking for regions, of following a code over frames, and of a whole picture, a megapixel.
const REGIONS_COST: u32 = 400;
const STACK_COST: u32 = 4_500;
const WHOLE_COST: u32 = 5_500;
const HALF_COST: u32 = 5_000;
const NEAR_COST: u32 = 1_500;
/// Pixels of the largest region that is treated: a larger one holds a large code, which needs none, or clutter.
const REGION_MAX_PIXELS: usize = 400_000;
/// Frames for which a place is remembered where a code was read.
const MEMORY: u32 = 20;
/// Places remembered at most.
const MAX_PLACES: usize = 4;
/// While codes are read where they were, every so many frames the whole picture is looked at for others.
const WHOLE_EVERY: usize = 6;
/// Finder patterns up to which rqrr looks at a picture: it copies the picture for each set of them that it tries.
const QUIRC_MAX_PATTERNS: usize = 24;
/// Estimated time of the dearest treatment that a frame begins with, whatever is left.
const DEAREST: u32 = 10_000;
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
        let turn = self.frame;
        self.frame = self.frame.wrapping_add(1);
        let mut budget = Budget { left: BUDGET, megapixels: megapixels(luma), examined: Examined::few() };
        let mut reads = self.again(luma, &mut budget);
        if !reads.is_empty() && turn.is_multiple_of(WHOLE_EVERY) {
            self.whole(luma, Polarity::Dark, &mut budget, &mut reads);
        }
        let mut regions = Vec::new();
        if reads.is_empty() {
            // Whole pictures every second frame: in the others, which look at small ones, there is time for regions.
            match turn % 8 {
                0 | 4 => self.whole(luma, Polarity::Dark, &mut budget, &mut reads),
                2 | 6 => self.whole(luma, Polarity::Light, &mut budget, &mut reads),
                1 | 5 => half(luma, turn / 4, &mut budget, &mut reads),
                _ => near(luma, &mut budget, &mut reads),
            }
        }
        if reads.is_empty() {
            budget.spend_on_pixels(REGIONS_COST);
            regions = region::find(luma);
            self.follow(luma, &mut budget, &mut reads);
            self.treat(luma, &regions, &mut budget, &mut reads);
        }
        self.remember(&reads);
        if !reads.is_empty() {
            self.stack = None;
            self.hint.read();
            return Look { reads, hint: None };
        }
        let hint = if turn.is_multiple_of(hint::EVERY) {
            self.hint.unread(hint::of(luma, regions.first().copied()))
        } else {
            self.hint.shown()
        };
        Look { reads, hint }
    }

    /// Reads codes where they were a moment ago.
    fn again(&self, luma: &Luma, budget: &mut Budget) -> Vec<Read> {
        let mut reads = Vec::new();
        for place in &self.places {
            let Some(region) = Region::around(&place.corners, luma) else { continue };
            let method = place.method.unwrap_or(Method::Plain);
            if !budget.has(method.cost(region)) {
                continue;
            }
            let found = method.attempt(luma, region, &mut Examined::few());
            budget.spend(found.cost);
            keep_all(&mut reads, found.reads);
        }
        reads
    }

    /// Reads the whole picture as it is.
    fn whole(&mut self, luma: &Luma, polarity: Polarity, budget: &mut Budget, reads: &mut Vec<Read>) {
        budget.spend_on_pixels(WHOLE_COST);
        let seen = guarded(|| zxing::read(luma, polarity, Reader::Zxing, Search::Quick));
        keep_all(reads, seen.reads);
        if !reads.is_empty() {
            return;
        }
        for suspect in seen.suspects {
            let examination = guarded(|| suspect::examine(luma, &suspect, &mut budget.examined));
            budget.spend(examination.cost);
            keep_all(reads, examination.read);
            self.offer(examination.sighting);
        }
    }

    /// Reads the code that was seen clearly in the frames before.
    fn follow(&mut self, luma: &Luma, budget: &mut Budget, reads: &mut Vec<Read>) {
        let Some(stack) = &mut self.stack else { return };
        budget.spend(STACK_COST);
        keep_all(reads, guarded(|| stack.add(luma)));
        if stack.is_lost() {
            self.stack = None;
        }
    }

    /// Treats regions, in turns, as long as the budget lasts.
    fn treat(&mut self, luma: &Luma, regions: &[Region], budget: &mut Budget, reads: &mut Vec<Read>) {
        let small: Vec<Region> =
            regions.iter().copied().filter(|region| region.area() <= REGION_MAX_PIXELS).collect();
        if small.is_empty() {
            return;
        }
        let mut is_first = true;
        for _ in 0..MAX_TREATMENTS {
            if !reads.is_empty() {
                return;
            }
            // Each treatment for the strongest region, and for one of the others after it.
            let round = self.turn / 2;
            let method = method::LIVE[round % method::LIVE.len()];
            let rank = if self.turn.is_multiple_of(2) { 0 } else { 1 + round / method::LIVE.len() % 3 };
            let Some(region) = small.get(rank) else {
                self.turn = self.turn.wrapping_add(1);
                continue;
            };
            // What is too dear for any frame waits for none.
            if method.cost(*region) > DEAREST {
                self.turn = self.turn.wrapping_add(1);
                continue;
            }
            if !budget.has(method.cost(*region)) && !is_first {
                return;
            }
            is_first = false;
            self.turn = self.turn.wrapping_add(1);
            let found = method.attempt(luma, *region, &mut budget.examined);
            budget.spend(found.cost);
            keep_all(reads, found.reads);
            for sighting in found.sightings {
                self.offer(Some(sighting));
            }
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

/// Reads the picture at half its size: a code so near that its modules are full of detail.
fn half(luma: &Luma, turn: usize, budget: &mut Budget, reads: &mut Vec<Read>) {
    budget.spend_on_pixels(HALF_COST);
    let Some(half) = luma.halved() else { return };
    let polarity = if turn.is_multiple_of(2) { Polarity::Dark } else { Polarity::Light };
    let mut seen = guarded(|| zxing::read(&half, polarity, Reader::Zxing, Search::Quick));
    if seen.reads.is_empty() && seen.patterns <= QUIRC_MAX_PATTERNS {
        seen.reads = guarded(|| quirc::read(&half, Threshold::Own, polarity, Reader::Quirc));
    }
    for mut read in seen.reads {
        read.scale(2.0);
        keep(reads, read);
    }
}

/// Reads the picture at a quarter of its size: a code that fills it, be it drawn with outlines, dots or a photograph.
fn near(luma: &Luma, budget: &mut Budget, reads: &mut Vec<Read>) {
    budget.spend_on_pixels(NEAR_COST);
    let Some(quarter) = luma.shrunk(4) else { return };
    for mut read in guarded(|| single::near(&quarter)) {
        read.scale(4.0);
        keep(reads, read);
    }
}

/// Estimated time that a frame may still take, in microseconds on a common processor.
struct Budget {
    left: u32,
    megapixels: f32,
    examined: Examined,
}

impl Budget {
    fn has(&self, cost: u32) -> bool {
        self.left >= cost
    }

    fn spend(&mut self, cost: u32) {
        self.left = self.left.saturating_sub(cost);
    }

    /// Spends a cost that is given a megapixel.
    fn spend_on_pixels(&mut self, cost: u32) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an estimate"
        )]
        self.spend((cost as f32 * self.megapixels) as u32);
    }
}

fn megapixels(luma: &Luma) -> f32 {
    length(luma.data().len()) / 1e6
}
