//! QR codes in a luma picture: small stages, one file each, and the plan that runs them.
//!
//! A stage takes a [`Luma`] and returns what it read. Two families of readers are used because they fail on different
//! pictures: `zxing` (the rxing crate) is fast and good with blur and rotation, `quirc` (the rqrr crate) with strong
//! perspective. A read is only ever reported when the code's own error correction accepted it.

mod blur;
mod close;
mod contrast;
#[cfg(test)]
mod drawn;
mod equalise;
mod grid;
mod hint;
mod layout;
mod likely;
mod live;
mod method;
mod patch;
mod payload;
mod quirc;
mod region;
mod sharpen;
mod single;
mod soft;
mod solomon;
mod stack;
mod suspect;
mod zxing;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::frame::Luma;
pub use hint::Hint;
pub use live::Live;

/// A point in pixels of the picture that was given, from its upper left corner; may lie a little outside of it.
pub type Corner = (f32, f32);

/// Which stage read a code, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// rxing on the picture as it is.
    Zxing,
    /// rqrr on the picture as it is.
    Quirc,
    /// rxing on a region, doubled and its edges lifted.
    Sharpened,
    /// rxing on a region, doubled and its edges lifted over a longer way.
    Broad,
    /// rxing on a region, its edges lifted.
    Unsharp,
    /// rxing on a region, deconvolved.
    Deconvolved,
    /// rxing on a region, its contrast made even.
    Evened,
    /// rxing on a region, doubled and deconvolved.
    Fine,
    /// rxing on a region, its dots closed.
    Closed,
    /// rqrr on a region, with a threshold for each place.
    Local,
    /// The grey values of a code that no other reader could read, equalised.
    Equalised,
    /// The same over several frames.
    Stacked,
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
}

fn distance(a: Corner, b: Corner) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// Reads every code in a single picture, as well as can be within a quarter of a second for a common one. For a live
/// camera use [`Live`].
pub fn decode(luma: &Luma) -> Vec<Read> {
    single::decode(luma)
}

/// What a frame of a live camera showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Every code that was read, in no order.
    pub reads: Vec<Read>,
    /// What would help, measured over the last frames; always `None` beside a read, and for a quarter of a second after one.
    pub hint: Option<Hint>,
}

/// Adds a read unless it is known.
fn keep(found: &mut Vec<Read>, read: Read) {
    if !found.iter().any(|known| known.is_again(&read)) {
        found.push(read);
    }
}

fn keep_all(found: &mut Vec<Read>, reads: impl IntoIterator<Item = Read>) {
    for read in reads {
        keep(found, read);
    }
}

/// Runs a stage of other people's code: a panic in it is a stage that read nothing.
fn guarded<T: Default>(stage: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(stage)).unwrap_or_else(|_| {
        tracing::debug!("A decoder panicked on a picture; its stage counts as empty");
        T::default()
    })
}
