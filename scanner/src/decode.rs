//! QR codes in a luma picture: small stages, one file each, and the plan that runs them.
//!
//! A stage takes a [`Luma`] and returns what it read. Two families of readers are used because they fail on different
//! pictures: `zxing` (the rxing crate) is fast and good with blur and rotation, `quirc` (the rqrr crate) with strong
//! perspective. A read is only ever reported when the code's own error correction accepted it.

mod hint;
mod payload;
mod quirc;
mod region;
mod sharpen;
mod zxing;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::frame::Luma;
pub use hint::Hint;
use region::Region;
use zxing::Search;

/// A point in pixels of the picture that was given, from its upper left corner; may lie a little outside of it.
pub type Corner = (f32, f32);

/// Which stage read a code, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// rxing, dark on light.
    Zxing,
    /// rxing, light on dark.
    ZxingInverted,
    /// rxing on an enlarged and sharpened region, dark on light.
    ZxingSharpened,
    /// rxing on an enlarged and sharpened region, light on dark.
    ZxingSharpenedInverted,
    /// rqrr, dark on light.
    Quirc,
    /// rqrr, light on dark.
    QuircInverted,
}

/// One code that was read. `Debug` leaves out what it holds: that may be a secret, like an enrolment link.
#[derive(Clone, PartialEq)]
pub struct Read {
    /// What the code holds, byte for byte, before any thought about characters. Never empty.
    pub bytes: Vec<u8>,
    /// The same as text: by the encoding that the code declares, else UTF-8, else the legacy encoding (Shift JIS,
    /// Latin-1, ...) that fits; `None` where none does. It is text from outside: it may hold control and bidirectional
    /// characters, which are the caller's to clean before it shows them.
    pub text: Option<String>,
    /// Upper left, upper right, lower right and lower left corner of the code in its own orientation.
    pub corners: [Corner; 4],
    /// Who read it.
    pub reader: Reader,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read")
            .field("bytes", &self.bytes.len())
            .field("is_text", &self.text.is_some())
            .field("corners", &self.corners)
            .field("reader", &self.reader)
            .finish()
    }
}

impl Read {
    fn centre(&self) -> Corner {
        let sum = self.corners.iter().fold((0.0, 0.0), |sum, corner| (sum.0 + corner.0, sum.1 + corner.1));
        (sum.0 / 4.0, sum.1 / 4.0)
    }

    /// Whether `other` is the same code in the same place.
    fn is_again(&self, other: &Self) -> bool {
        let (a, b) = (self.centre(), other.centre());
        let diagonal = distance(self.corners[0], self.corners[2]);
        self.bytes == other.bytes && distance(a, b) < diagonal / 4.0
    }

    fn scale(&mut self, factor: f32) {
        for corner in &mut self.corners {
            *corner = (corner.0 * factor, corner.1 * factor);
        }
    }

    fn shift(&mut self, x: f32, y: f32) {
        for corner in &mut self.corners {
            *corner = (corner.0 + x, corner.1 + y);
        }
    }
}

fn distance(a: Corner, b: Corner) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// Pixels up to which rqrr looks at a picture; its time grows faster than the picture.
const QUIRC_MAX_PIXELS: usize = 4 << 20;

/// Finder patterns up to which rqrr looks at a picture: it copies the picture for each set of them that it tries.
const QUIRC_MAX_PATTERNS: usize = 48;

/// Pixels up to which regions of a picture are looked for, and twice those of the largest region that is enlarged.
const REGION_MAX_PIXELS: usize = 4 << 20;

/// Pixels of the largest region that is enlarged in a frame of many.
const LIVE_REGION_MAX_PIXELS: usize = 240_000;

/// Pixels from which a picture is looked at in smaller sizes too, and above which only in smaller ones.
const SMALLER_TOO: usize = 1 << 20;
const SMALLER_ONLY: usize = 20 << 20;

/// Reads every code in a single picture, however long that takes within bounds: all readers, both polarities, and smaller
/// sizes of a large picture. For a live camera use [`Live`].
pub fn decode(luma: &Luma) -> Vec<Read> {
    let mut found = Vec::new();
    let mut factor = 1.0;
    let mut smaller: Option<Luma> = None;
    loop {
        let level = smaller.as_ref().unwrap_or(luma);
        if level.data().len() <= SMALLER_ONLY {
            look_at(level, factor, &mut found);
        }
        if level.data().len() < SMALLER_TOO {
            return found;
        }
        let Some(half) = level.halved() else { return found };
        smaller = Some(half);
        factor *= 2.0;
    }
}

fn look_at(level: &Luma, factor: f32, found: &mut Vec<Read>) {
    let inverted = level.inverted();
    for (picture, zxing, quirc) in
        [(level, Reader::Zxing, Reader::Quirc), (&inverted, Reader::ZxingInverted, Reader::QuircInverted)]
    {
        let seen = guarded(|| zxing::read(picture, zxing, Search::Thorough));
        let mut reads = seen.reads;
        if picture.data().len() <= QUIRC_MAX_PIXELS && seen.patterns <= QUIRC_MAX_PATTERNS {
            reads.extend(guarded(|| quirc::read(picture, quirc)));
        }
        for mut read in reads {
            read.scale(factor);
            keep(found, read);
        }
    }
    if level.data().len() <= REGION_MAX_PIXELS {
        let sharpened =
            region::find(level).into_iter().flat_map(|region| sharpened(level, region, Search::Thorough));
        for mut read in sharpened {
            read.scale(factor);
            keep(found, read);
        }
    }
}

/// Reads a region at twice its size, its edges lifted, in both polarities. Corners are in pixels of `luma`.
fn sharpened(luma: &Luma, region: Region, search: Search) -> Vec<Read> {
    if region.width * region.height > REGION_MAX_PIXELS / 2 {
        return Vec::new();
    }
    let Some(large) = sharpen::enlarged(luma, region) else { return Vec::new() };
    let mut reads = guarded(|| zxing::read(&large, Reader::ZxingSharpened, search)).reads;
    reads.extend(guarded(|| zxing::read(&large.inverted(), Reader::ZxingSharpenedInverted, search)).reads);
    for read in &mut reads {
        #[expect(clippy::cast_precision_loss, reason = "a coordinate within a picture is far below 2^24")]
        let (x, y) = (region.x as f32, region.y as f32);
        read.scale(0.5);
        read.shift(x, y);
    }
    reads
}

fn keep(found: &mut Vec<Read>, read: Read) {
    if !found.iter().any(|known| known.is_again(&read)) {
        found.push(read);
    }
}

/// What a frame of a live camera showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Every code that was read, in no order.
    pub reads: Vec<Read>,
    /// What would help, measured over the last frames; always `None` beside a read, and for a quarter of a second after one.
    pub hint: Option<Hint>,
}

/// The plan for a live camera: a few milliseconds a frame, the dearer stages in turns.
#[derive(Debug, Default)]
pub struct Live {
    frame: usize,
    hint: hint::Steady,
}

impl Live {
    /// Reads one frame. What one frame misses for want of its stage, one of the next reads.
    pub fn decode(&mut self, luma: &Luma) -> Vec<Read> {
        self.look(luma).reads
    }

    /// Reads one frame as [`Live::decode`] does, and says what would help where nothing can be read.
    pub fn look(&mut self, luma: &Luma) -> Look {
        let turn = self.frame;
        self.frame = self.frame.wrapping_add(1);
        let regions = region::find(luma);
        let upright = guarded(|| zxing::read(luma, Reader::Zxing, Search::Quick));
        let crowded = upright.patterns > QUIRC_MAX_PATTERNS;
        let dearer = match turn % 6 {
            2 if !crowded => guarded(|| quirc::read(luma, Reader::Quirc)),
            5 if !crowded => guarded(|| quirc::read(&luma.inverted(), Reader::QuircInverted)),
            1 | 3 => sharpened_in_turn(luma, &regions, turn / 2),
            _ => guarded(|| zxing::read(&luma.inverted(), Reader::ZxingInverted, Search::Quick)).reads,
        };
        let mut reads = Vec::new();
        for read in upright.reads.into_iter().chain(dearer) {
            keep(&mut reads, read);
        }
        if !reads.is_empty() {
            self.hint.read();
            return Look { reads, hint: None };
        }
        Look { reads, hint: self.hint.unread(hint::of(luma, regions.first().copied())) }
    }
}

/// Reads one region of a frame: the strongest in most turns, each of the weaker ones in its own.
fn sharpened_in_turn(luma: &Luma, regions: &[Region], turn: usize) -> Vec<Read> {
    // A large region holds a large code, which needs no enlarging, or clutter, which is not worth the time.
    let small: Vec<Region> = regions
        .iter()
        .copied()
        .filter(|region| region.width * region.height <= LIVE_REGION_MAX_PIXELS)
        .collect();
    let rank = [0, 1, 0, 2, 0, 3][turn % 6] % small.len().max(1);
    small.get(rank).map(|region| sharpened(luma, *region, Search::Quick)).unwrap_or_default()
}

/// Runs a stage of other people's code: a panic in it is a stage that read nothing.
fn guarded<T: Default>(stage: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(stage)).unwrap_or_else(|_| {
        tracing::debug!("A decoder panicked on a picture; its stage counts as empty");
        T::default()
    })
}
