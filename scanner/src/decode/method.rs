//! Ways to make a region readable, each a small treatment and a reader after it.

use super::{
    Read, Reader, close, contrast, guarded,
    patch::Patch,
    quirc::{self, Threshold},
    region::Region,
    sharpen,
    suspect::{self, Examined, Sighting},
    zxing::{self, Polarity, Search},
};
use crate::frame::Luma;

/// What is done to a region before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Nothing: a code that is read in the whole picture too.
    Plain,
    /// Doubled, its edges lifted: modules of less than two pixels.
    Sharpened,
    /// Doubled, its edges lifted over a longer way: a soft focus.
    Broad,
    /// Its edges lifted at its own size: larger modules in a soft focus.
    Unsharp,
    /// Doubled and deconvolved over a longer way: seen from the side.
    Deconvolved,
    /// Doubled, the same contrast everywhere: glare, haze, bands.
    Evened,
    /// Doubled and deconvolved: modules of one and a half pixels.
    Fine,
    /// Gaps closed: dots.
    Closed,
    /// A local threshold and rqrr: strong perspective.
    Local,
}

/// All of them, the most successful for their cost first.
pub(super) const ALL: [Method; 9] = [
    Method::Plain,
    Method::Sharpened,
    Method::Unsharp,
    Method::Deconvolved,
    Method::Evened,
    Method::Broad,
    Method::Fine,
    Method::Local,
    Method::Closed,
];

/// The same for a camera, where a region that is read as it is spares the whole picture.
pub(super) const LIVE: [Method; 8] = [
    Method::Plain,
    Method::Sharpened,
    Method::Unsharp,
    Method::Deconvolved,
    Method::Evened,
    Method::Broad,
    Method::Local,
    Method::Closed,
];

/// Finder patterns up to which rqrr looks at a region: it copies the region for each set of them that it tries.
const CROWD: usize = 24;

/// What an attempt brought.
#[derive(Default)]
pub(super) struct Found {
    pub(super) reads: Vec<Read>,
    /// Codes that were seen clearly and still not read.
    pub(super) sightings: Vec<Sighting>,
    /// Estimated time, in microseconds on a common processor.
    pub(super) cost: u32,
}

impl Method {
    fn reader(self) -> Reader {
        match self {
            Self::Plain => Reader::Zxing,
            Self::Sharpened => Reader::Sharpened,
            Self::Broad => Reader::Broad,
            Self::Unsharp => Reader::Unsharp,
            Self::Deconvolved => Reader::Deconvolved,
            Self::Evened => Reader::Evened,
            Self::Fine => Reader::Fine,
            Self::Closed => Reader::Closed,
            Self::Local => Reader::Local,
        }
    }

    /// The one that a reader stands for, if any does.
    pub(super) fn of(reader: Reader) -> Option<Self> {
        match reader {
            Reader::Zxing => Some(Self::Plain),
            Reader::Quirc => Some(Self::Local),
            Reader::Equalised | Reader::Stacked => Some(Self::Sharpened),
            Reader::Sharpened
            | Reader::Broad
            | Reader::Unsharp
            | Reader::Deconvolved
            | Reader::Evened
            | Reader::Fine
            | Reader::Closed
            | Reader::Local => ALL.into_iter().find(|method| method.reader() == reader),
        }
    }

    fn doubles(self) -> bool {
        match self {
            Self::Sharpened | Self::Broad | Self::Deconvolved | Self::Evened | Self::Fine | Self::Closed => {
                true
            }
            Self::Plain | Self::Unsharp | Self::Local => false,
        }
    }

    /// Estimated time in both polarities, in microseconds on a common processor; a suspect's examination comes on top.
    pub(super) fn cost(self, region: Region) -> u32 {
        // Nanoseconds a pixel of the region.
        let price = match self {
            Self::Plain => 7,
            Self::Sharpened | Self::Broad => 48,
            Self::Unsharp => 16,
            Self::Deconvolved => 75,
            Self::Evened => 70,
            Self::Fine => 110,
            Self::Closed => 90,
            Self::Local => 22,
        };
        u32::try_from(region.area() * price / 1000).unwrap_or(u32::MAX).saturating_add(60)
    }

    fn treated(self, luma: &Luma, region: Region) -> Option<Patch> {
        let patch = if self.doubles() { Patch::doubled(luma, region)? } else { Patch::cut(luma, region)? };
        Some(match self {
            Self::Sharpened => patch.with(|luma| sharpen::unsharp(luma, 5, 4)),
            Self::Broad => patch.with(|luma| sharpen::unsharp(luma, 10, 6)),
            Self::Unsharp => patch.with(|luma| sharpen::unsharp(luma, 5, 4)),
            Self::Deconvolved => patch.with(|luma| sharpen::deconvolved(luma, 2, 3)),
            Self::Evened => patch.with(|luma| contrast::evened(luma, 16)),
            Self::Fine => patch.with(|luma| sharpen::deconvolved(luma, 1, 6)),
            Self::Closed => patch.with(|luma| sharpen::unsharp(&close::closed(luma), 5, 4)),
            Self::Plain | Self::Local => patch,
        })
    }

    /// Reads a region of a picture in both polarities. Corners are in pixels of the picture.
    pub(super) fn attempt(self, luma: &Luma, region: Region, examined: &mut Examined) -> Found {
        let mut found = Found { cost: self.cost(region), ..Found::default() };
        let Some(patch) = self.treated(luma, region) else {
            return found;
        };
        if self == Self::Local && examined.patterns > CROWD {
            return found;
        }
        for polarity in [Polarity::Dark, Polarity::Light] {
            let seen = if self == Self::Local {
                let reads = guarded(|| quirc::read(&patch.luma, Threshold::Local, polarity, self.reader()));
                zxing::Seen { reads, ..zxing::Seen::default() }
            } else {
                guarded(|| zxing::read(&patch.luma, polarity, self.reader(), Search::Part))
            };
            examined.patterns = examined.patterns.max(seen.patterns);
            let is_read = !seen.reads.is_empty();
            for mut read in seen.reads {
                read.corners = read.corners.map(|corner| patch.back(corner));
                found.reads.push(read);
            }
            if is_read {
                continue;
            }
            for suspect in seen.suspects {
                let suspect = suspect.moved(|corner| patch.back(corner));
                let examination = guarded(|| suspect::examine(luma, &suspect, examined));
                found.cost += examination.cost;
                found.reads.extend(examination.read);
                found.sightings.extend(examination.sighting);
            }
        }
        found
    }
}
