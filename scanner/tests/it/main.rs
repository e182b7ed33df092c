//! What the scanner does with whole pictures, a real X server and a real camera.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decode;
mod drawing;
mod picture;
mod screen;
