//! Pictures in, payloads out: cameras, the screen, image files, and the QR decoders behind them.
//!
//! The flow, whatever the source:
//!
//! 1. A source makes a [`Luma`]: [`camera`] from each frame, [`screen`] from each monitor, [`picture`] from a file, the
//!    clipboard or a drop.
//! 2. [`decode()`] looks for codes in it and returns every [`Read`] with its corners and the reader that found it.
//! 3. The caller decides what a payload means. This crate knows nothing of logins, links or servers.
//!
//! Whatever a picture holds, nothing here panics: decoders of others run behind `catch_unwind`, sizes are bounded before
//! memory is taken, and a damaged frame is an error value. So `panic = "abort"` must never be set for a program that uses it.
//!
//! The decoders are plain blocking code; [`screen::capture`] is the one asynchronous function, since a portal asks the person.

pub mod camera;
pub mod decode;
pub mod frame;
pub mod picture;
pub mod screen;

pub use decode::{Corner, Read, Reader, decode};
pub use frame::{FrameError, Luma};
