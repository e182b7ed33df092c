//! What the scanner does with whole pictures, a real X server and a real camera.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it saw"
)]

#[cfg(target_os = "linux")]
mod camera;
mod decode;
mod drawing;
mod links;
mod picture;
mod rates;
#[cfg(target_os = "linux")]
mod screen;
