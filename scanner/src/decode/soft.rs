//! From how dark each module seems to the bytes that the code holds: error correction that knows which modules are doubtful.

use rxing::qrcode::{common::ErrorCorrectionLevel, cpp_port::decoder::DecodeBitStream, decoder::DataBlock};

use super::{
    layout::{Layout, is_masked},
    payload, solomon,
};

/// What a code holds.
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) text: Option<String>,
}

/// Readings of the format that are tried, the likeliest first.
const FORMATS: usize = 2;
/// Check symbols that stay unused where doubtful symbols are left out: an accident needs to hit all of them.
const RESERVE: usize = 3;
/// Part of the format's strength that must agree with the reading.
const FORMAT_AGREEMENT: f32 = 0.5;

/// Reads a code from its modules, row by row: above 0 where dark, the farther from 0 the surer.
pub(super) fn read(layout: &Layout, modules: &[f32]) -> Option<Payload> {
    formats(layout, modules).into_iter().find_map(|(level, mask)| read_as(layout, modules, level, mask))
}

/// The likeliest error correction levels and masks.
fn formats(layout: &Layout, modules: &[f32]) -> Vec<(u8, u8)> {
    let places = layout.format();
    let seen: Vec<f32> =
        (0..15).map(|bit| places.iter().map(|copy| modules[copy[bit]].clamp(-1.5, 1.5)).sum()).collect();
    let whole: f32 = seen.iter().map(|value| value.abs()).sum();
    let mut ranked: Vec<(f32, u8)> = (0..32_u8)
        .map(|data| {
            let bits = format_bits(data);
            let agreement = seen
                .iter()
                .enumerate()
                .map(|(at, value)| if bits >> (14 - at) & 1 == 1 { *value } else { -value });
            (agreement.sum(), data)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
        .into_iter()
        .take(FORMATS)
        .filter(|(agreement, _)| *agreement >= FORMAT_AGREEMENT * whole)
        .map(|(_, data)| (data >> 3, data & 7))
        .collect()
}

/// Five format bits with their check bits, masked (ISO/IEC 18004, annex C).
fn format_bits(data: u8) -> u16 {
    let data = u16::from(data) << 10;
    let rest = (0..5)
        .rev()
        .fold(data, |rest, bit| if rest >> (bit + 10) & 1 == 1 { rest ^ 0x537 << bit } else { rest });
    (data | rest) ^ 0x5412
}

fn read_as(layout: &Layout, modules: &[f32], level: u8, mask: u8) -> Option<Payload> {
    let level = ErrorCorrectionLevel::forBits(level).ok()?;
    let mut symbols = Vec::with_capacity(layout.path.len() / 8);
    let mut sureness = Vec::with_capacity(layout.path.len() / 8);
    for places in layout.path.chunks_exact(8) {
        let (mut symbol, mut least) = (0, f32::MAX);
        for place in places {
            let value = modules[*place];
            let is_dark = (value > 0.0) != is_masked(mask, place % layout.side, place / layout.side);
            symbol = symbol << 1 | u8::from(is_dark);
            least = least.min(value.abs());
        }
        symbols.push(symbol);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
        sureness.push((least * 100.0).clamp(0.0, 255.0) as u8);
    }
    let blocks = DataBlock::getDataBlocks(&symbols, layout.version, level).ok()?;
    let sureness = DataBlock::getDataBlocks(&sureness, layout.version, level).ok()?;
    let mut bytes = Vec::new();
    for (block, sureness) in blocks.iter().zip(&sureness) {
        let data = usize::try_from(block.getNumDataCodewords()).ok()?;
        let corrected = corrected(block.getCodewords(), data, sureness.getCodewords(), layout.side)?;
        bytes.extend_from_slice(&corrected[..data]);
    }
    let decoded = DecodeBitStream(&bytes, layout.version, level).ok()?;
    payload::of(&decoded)
}

/// The block without its errors: first with every symbol believed, then with ever more of the doubtful ones left out.
fn corrected(block: &[u8], data: usize, sureness: &[u8], side: usize) -> Option<Vec<u8>> {
    let checks = block.len() - data;
    let most = errors_allowed(checks, side);
    let mut by_doubt: Vec<usize> = (0..block.len()).collect();
    by_doubt.sort_by_key(|at| sureness[*at]);
    let most_left_out = checks.saturating_sub(RESERVE);
    for left_out in (0..=most_left_out).step_by(2) {
        let mut attempt = block.to_vec();
        let Some(wrong) = solomon::correct(&mut attempt, checks, &by_doubt[..left_out]) else { continue };
        let is_safe = if left_out == 0 { wrong <= most } else { left_out + 2 * wrong + RESERVE <= checks };
        if is_safe {
            return Some(attempt);
        }
    }
    None
}

/// Errors that a block may have had: the smallest codes keep check symbols back against accidents (ISO/IEC 18004, table 9).
fn errors_allowed(checks: usize, side: usize) -> usize {
    let kept_back = match (side, checks) {
        (21, 7) => 3,
        (21 | 25, 10) => 2,
        _ => checks % 2,
    };
    (checks - kept_back) / 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::drawn::Drawn;

    const TEXT: &str = "https://login.example.com/q/GEZDGNBVGY3TQOJQ";

    #[test]
    fn clear_modules_are_read_in_every_size() {
        for version in [Version::V04, Version::V07, Version::V12, Version::V40] {
            let code = Drawn::of(TEXT, version);
            let payload = read(&Layout::of(code.side).unwrap(), &code.modules()).unwrap();
            assert_eq!(payload.text.as_deref(), Some(TEXT));
        }
    }

    #[test]
    fn doubtful_modules_cost_less_than_wrong_ones() {
        // Version 4-M has two blocks of 18 check symbols: 9 unknown errors each, or 15 doubtful symbols.
        let code = Drawn::of(TEXT, Version::V04);
        let layout = Layout::of(code.side).unwrap();
        let damaged = |symbols: usize, strength: f32| {
            let mut modules = code.modules();
            for place in layout.path.chunks_exact(8).rev().take(symbols).map(|places| places[0]) {
                modules[place] *= -strength;
            }
            read(&layout, &modules).map(|payload| payload.bytes)
        };
        assert_eq!(damaged(16, 1.0).as_deref(), Some(TEXT.as_bytes()));
        assert_eq!(damaged(28, 1.0), None);
        assert_eq!(damaged(28, 0.1).as_deref(), Some(TEXT.as_bytes()));
        assert_eq!(damaged(40, 0.1), None);
    }

    #[test]
    fn noise_is_not_read() {
        let mut state = 7_u32;
        for side in [21, 25, 29, 33, 41, 57] {
            let layout = Layout::of(side).unwrap();
            for _ in 0..200 {
                let modules: Vec<f32> = (0..side * side)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        f32::from(u8::try_from(state >> 24).unwrap()) / 128.0 - 1.0
                    })
                    .collect();
                assert!(read(&layout, &modules).is_none(), "{side} modules a side");
            }
        }
    }
}
