//! A QR code for the terminal, two modules in one character.

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};

/// Light modules around the code, in modules. Source: ISO/IEC 18004, 9.1.
const QUIET_ZONE: i32 = 4;

/// How the terminal shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Black on white by escape sequences, whatever the terminal's own colours are.
    Colours,
    /// Blocks alone, for light text on a dark ground: what is drawn is light.
    Blocks,
}

/// Draws `text` as a QR code of level M or better with its quiet zone; each line ends with a newline.
///
/// # Errors
/// [`DataTooLong`] when the text is too long for any QR code (2,331 bytes).
pub fn draw(text: &str, paint: Paint) -> Result<String, DataTooLong> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
    let side = code.size() + 2 * QUIET_ZONE;
    let mut out = String::new();
    for top in (0..side).step_by(2) {
        if paint == Paint::Colours {
            // Bright white on black, so that a drawn block is a light module.
            out.push_str("\u{1b}[97;40m");
        }
        for x in 0..side {
            // The row below an odd side is no part of the code; dark keeps the terminal's ground.
            let lower = top + 1 < side && is_light(&code, x, top + 1);
            out.push(match (is_light(&code, x, top), lower) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        if paint == Paint::Colours {
            out.push_str("\u{1b}[0m");
        }
        out.push('\n');
    }
    Ok(out)
}

/// What is outside of a code is light.
fn is_light(code: &QrCode, x: i32, y: i32) -> bool {
    !code.get_module(x - QUIET_ZONE, y - QUIET_ZONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "HTTP://127.0.0.1:8080/E/ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// Light modules by row and column, read back from the drawing.
    fn read_back(drawing: &str) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawing.lines() {
            rows.push(line.chars().map(|c| matches!(c, '█' | '▀')).collect());
            rows.push(line.chars().map(|c| matches!(c, '█' | '▄')).collect());
        }
        rows
    }

    #[test]
    fn every_module_is_where_the_encoder_put_it() {
        let drawn = read_back(&draw(LINK, Paint::Blocks).unwrap());
        let code = QrCode::encode_text(LINK, QrCodeEcc::Medium).unwrap();
        for (y, row) in (-QUIET_ZONE..code.size() + QUIET_ZONE).zip(&drawn) {
            for (x, light) in (-QUIET_ZONE..code.size() + QUIET_ZONE).zip(row) {
                assert_eq!(*light, !code.get_module(x, y), "module {x},{y}");
            }
        }
    }

    #[test]
    fn four_light_modules_surround_the_code() {
        let drawn = read_back(&draw(LINK, Paint::Blocks).unwrap());
        let side = drawn[0].len();
        for (y, row) in drawn.iter().take(side).enumerate() {
            for (x, light) in row.iter().enumerate() {
                let edge = x.min(y).min(side - 1 - x).min(side - 1 - y);
                assert!(edge >= 4 || *light, "module {x},{y}");
            }
        }
        assert!(!drawn[4][4], "the finder pattern starts right behind it");
    }

    #[test]
    fn colours_do_not_change_the_blocks() {
        let coloured = draw(LINK, Paint::Colours).unwrap();
        let bare = coloured.replace("\u{1b}[97;40m", "").replace("\u{1b}[0m", "");
        assert_eq!(bare, draw(LINK, Paint::Blocks).unwrap());
    }

    #[test]
    fn a_text_beyond_every_code_is_refused() {
        assert!(draw(&"x".repeat(3_000), Paint::Blocks).is_err());
    }
}
