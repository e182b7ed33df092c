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
