//! A machine with a camera: a virtual one whose kernel has a real V4L2 device.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::output;

/// The program that runs a command inside that machine, when `COUNTERSIGN_CAMERA_VM` names one. Only then: the machine is
/// emulated, and a story in it takes longer than all others together.
pub fn machine() -> Option<PathBuf> {
    std::env::var_os("COUNTERSIGN_CAMERA_VM").map(PathBuf::from).filter(|path| path.is_file())
}

/// What can be done to the camera inside the machine.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Somebody pulls the cable.
    Unplug,
    /// Somebody puts it back.
    Plug,
    /// The camera stays and sends nothing.
    Freeze,
    /// It sends again.
    Thaw,
    /// It sees nothing: a cover is over the lens.
    Cover,
    /// It sees the picture that the machine was started with, as that file is now.
    Uncover,
}

/// Does it; inside the machine only.
///
/// # Errors
/// When the machine's tool refuses.
pub fn stage(fault: Fault) -> Result<()> {
    let word = match fault {
        Fault::Unplug => "unplug",
        Fault::Plug => "plug",
        Fault::Freeze => "freeze",
        Fault::Thaw => "thaw",
        Fault::Cover => "black",
        Fault::Uncover => "picture",
    };
    output(Command::new("camera-ctl").arg(word)).map(drop)
}
