//! Pictures of codes that no server of ours made.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use fast_qr::{ECL, QRBuilder};
use image::{GrayImage, Luma};

/// Pixels of one module.
const MODULE: u32 = 6;

/// Modules of white around the code.
const QUIET: u32 = 4;

/// Writes `text` as a QR code into `FOLDER/NAME.png`.
///
/// # Errors
/// When the text is too long for any code or the file cannot be written.
pub fn picture(text: &str, folder: &Path, name: &str) -> Result<PathBuf> {
    let code = QRBuilder::new(text)
        .ecl(ECL::L)
        .build()
        .map_err(|error| anyhow!("no code holds this text: {error:?}"))?;
    let modules = u32::try_from(code.size)?;
    let size = (modules + 2 * QUIET) * MODULE;
    let picture = GrayImage::from_fn(size, size, |x, y| {
        let inside = |pixel: u32| (pixel / MODULE).checked_sub(QUIET).filter(|module| *module < modules);
        let dark = inside(x).zip(inside(y)).is_some_and(|(x, y)| code[y as usize][x as usize].value());
        Luma([if dark { 0 } else { 255 }])
    });
    let path = folder.join(format!("{name}.png"));
    picture.save(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
