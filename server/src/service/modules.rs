//! The modules of a QR code, under the best of the eight masks.
//!
//! An encoder that tries all masks takes 80 microseconds for a frame, a fifth of what a whole login costs the server; one
//! that is told the mask takes 11. What two masks differ in is the same for all codes of a size, so it is found once, and
//! each candidate is one exclusive-or away from the first. A row is one number: its penalty is found in a few steps.

use std::sync::{Arc, Mutex, PoisonError};

use qrcodegen::{DataTooLong, Mask, QrCode, QrCodeEcc, QrSegment, Version};

const MASKS: usize = 8;
/// Light modules beside a finder that make it look like one (ISO/IEC 18004 §7.8.3.1), and that a row has around it here.
const LIGHT: u32 = 4;
/// 117 modules a side: a row is one number of 128 bits, with room for the light around it.
const VERSION_MAX: u8 = 25;

/// Draws codes of level M.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Of the size that was drawn last: all links of a server have one.
    masks: Mutex<Option<Arc<Masks>>>,
}

/// The modules of one code, dark is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Modules {
    pub(super) side: usize,
    /// From the top; bit 0 is the leftmost.
    rows: Vec<u128>,
}

/// What each mask changes of a code that has the first, by rows and by columns.
#[derive(Debug)]
struct Masks {
    side: usize,
    rows: [Vec<u128>; MASKS],
    columns: [Vec<u128>; MASKS],
}

impl Modules {
    /// Whether this module is dark.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        self.rows[y] >> x & 1 == 1
    }

    fn of(code: &QrCode) -> Self {
        let side = code.size();
        let dark = |x, y| u128::from(code.get_module(x, y));
        let rows = (0..side).map(|y| (0..side).fold(0, |row, x| row | dark(x, y) << x)).collect();
        Self { side: usize::try_from(side).expect("a code has a side"), rows }
    }

    fn columns(&self) -> Vec<u128> {
        let mut columns = vec![0; self.side];
        for (y, row) in self.rows.iter().enumerate() {
            for (x, column) in columns.iter_mut().enumerate() {
                *column |= (row >> x & 1) << y;
            }
        }
        columns
    }
}

impl Encoder {
    /// The code of `text`.
    ///
    /// # Errors
    /// [`DataTooLong`] for more than 997 bytes; a link has 300 at most.
    pub(super) fn draw(&self, text: &str) -> Result<Modules, DataTooLong> {
        let segments = QrSegment::make_segments(text);
        let mut code = Modules::of(&encode(&segments, 0)?);
        let masks = self.masks(&segments, &code)?;
        let columns = code.columns();
        let penalty = |mask: &usize| {
            let (by_row, by_column) = (&masks.rows[*mask], &masks.columns[*mask]);
            penalty(
                &code.rows.iter().zip(by_row).map(|(row, change)| row ^ change).collect::<Vec<_>>(),
                &columns.iter().zip(by_column).map(|(column, change)| column ^ change).collect::<Vec<_>>(),
            )
        };
        let best = (0..MASKS).min_by_key(penalty).unwrap_or(0);
        for (row, change) in code.rows.iter_mut().zip(&masks.rows[best]) {
            *row ^= change;
        }
        Ok(code)
    }

    fn masks(&self, segments: &[QrSegment], first: &Modules) -> Result<Arc<Masks>, DataTooLong> {
        // A panic while it was held has left what was known.
        let known = self.masks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.side == first.side) {
            return Ok(known);
        }
        let mut masks = Masks { side: first.side, rows: Default::default(), columns: Default::default() };
        for mask in 0..MASKS {
            let mut change = Modules::of(&encode(segments, mask)?);
            for (row, without) in change.rows.iter_mut().zip(&first.rows) {
                *row ^= without;
            }
            masks.columns[mask] = change.columns();
            masks.rows[mask] = change.rows;
        }
        let masks = Arc::new(masks);
        *self.masks.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&masks));
        Ok(masks)
    }
}

fn encode(segments: &[QrSegment], mask: usize) -> Result<QrCode, DataTooLong> {
    let mask = Mask::new(u8::try_from(mask).expect("there are eight"));
    QrCode::encode_segments_advanced(
        segments,
        QrCodeEcc::Medium,
        Version::MIN,
        Version::new(VERSION_MAX),
        Some(mask),
        false,
    )
}

/// How hard the modules are to read (ISO/IEC 18004 §7.8.3.1); less is better.
fn penalty(rows: &[u128], columns: &[u128]) -> u32 {
    let side = rows.len();
    let lines: u32 = rows.iter().chain(columns).map(|line| runs(*line, side) + finders(*line)).sum();
    let blocks: u32 = rows.windows(2).map(|pair| blocks(pair[0], pair[1], side)).sum();
    let dark: u32 = rows.iter().map(|row| row.count_ones()).sum();
    let all = u32::try_from(side * side).unwrap_or(u32::MAX);
    let beside_half = (dark * 20).abs_diff(all * 10).div_ceil(all).saturating_sub(1);
    lines + blocks + 10 * beside_half
}

/// Bit i: modules i and i + 1 are alike.
const fn alike(line: u128, side: usize) -> u128 {
    !(line ^ line >> 1) & ((1 << (side - 1)) - 1)
}

/// Five alike in a row are 3, each more 1.
const fn runs(line: u128, side: usize) -> u32 {
    let two = alike(line, side);
    let three = two & two >> 1;
    let five = three & three >> 2;
    five.count_ones() + 2 * (five & !(five << 1)).count_ones()
}

/// What looks like a row through a finder is 40, on each side where it is light for long.
const fn finders(line: u128) -> u32 {
    let dark = line << LIGHT;
    let light = !dark;
    let core = dark & light >> 1 & dark >> 2 & dark >> 3 & dark >> 4 & light >> 5 & dark >> 6;
    let whole = core & light << 1 & light >> 7;
    let two = light & light >> 1;
    let long = two & two >> 2;
    40 * ((whole & long << LIGHT).count_ones() + (whole & long >> 7).count_ones())
}

/// Four alike in a square are 3.
const fn blocks(row: u128, below: u128, side: usize) -> u32 {
    3 * (alike(row, side) & alike(below, side) & !(row ^ below)).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> impl Iterator<Item = String> {
        (0..200_u128).map(|n| {
            let bytes = protocol::secret::sha256(&n.to_be_bytes());
            format!("HTTPS://LOGIN.EXAMPLE.COM/Q/{}", protocol::encoding::base32(&bytes[..25]))
        })
    }

    #[test]
    fn another_encoder_draws_the_same_under_each_mask() {
        use fast_qr::{ECL, Mask, QRBuilder};
        let masks = [
            Mask::Checkerboard,
            Mask::HorizontalLines,
            Mask::VerticalLines,
            Mask::DiagonalLines,
            Mask::LargeCheckerboard,
            Mask::Fields,
            Mask::Diamonds,
            Mask::Meadow,
        ];
        let encoder = Encoder::default();
        for link in links().take(20) {
            let drawn = encoder.draw(&link).unwrap();
            let same = masks.iter().filter(|mask| {
                let other = QRBuilder::new(link.as_bytes()).ecl(ECL::M).mask(**mask).build().unwrap();
                assert_eq!(other.size, drawn.side);
                (0..drawn.side).all(|y| (0..drawn.side).all(|x| other[y][x].value() == drawn.is_dark(x, y)))
            });
            assert_eq!(same.count(), 1, "{link}");
        }
    }

    #[test]
    fn the_mask_is_the_one_that_the_standard_asks_for() {
        let encoder = Encoder::default();
        for link in links().chain(["HTTP://[::1]:8080/Q/A".to_owned(), "x".repeat(500)]) {
            let segments = QrSegment::make_segments(&link);
            let (least, most) = (Version::MIN, Version::MAX);
            let best =
                QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, least, most, None, false);
            assert_eq!(encoder.draw(&link).unwrap(), Modules::of(&best.unwrap()), "{link}");
        }
    }

    #[test]
    fn a_text_beyond_every_code_is_refused() {
        assert!(Encoder::default().draw(&"x".repeat(997)).is_ok());
        assert!(Encoder::default().draw(&"x".repeat(998)).is_err());
    }
}
