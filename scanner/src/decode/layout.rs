//! Where things are in a code of a given size: the modules that every such code has, and the way the data takes.

use rxing::qrcode::common::{Version, VersionRef};

/// Modules a side of the smallest and the largest code.
const SIDES: std::ops::RangeInclusive<usize> = 21..=177;

/// The plan of a code of one size.
pub(super) struct Layout {
    /// Modules a side.
    pub(super) side: usize,
    pub(super) version: VersionRef,
    /// Row by row: 1 where every code of this size is dark, -1 where it is light, 0 where it depends.
    pub(super) fixed: Vec<i8>,
    /// Data modules in the order in which they hold bits, as places in rows.
    pub(super) path: Vec<usize>,
}

impl Layout {
    /// The plan for `side` modules; `None` when no code has that many.
    pub(super) fn of(side: usize) -> Option<Self> {
        if !SIDES.contains(&side) || side % 4 != 1 {
            return None;
        }
        let number = u32::try_from((side - 17) / 4).ok()?;
        let version = Version::getVersionForNumber(number).ok()?;
        let reserved = version.buildFunctionPattern().ok()?;
        let is_reserved = |x: usize, y: usize| match (u32::try_from(x), u32::try_from(y)) {
            (Ok(x), Ok(y)) => reserved.get(x, y),
            (Err(_), _) | (_, Err(_)) => true,
        };
        Some(Self { side, version, fixed: fixed(side, number, version), path: path(side, is_reserved) })
    }

    /// Both places of the fifteen format bits, the highest bit first.
    pub(super) fn format(&self) -> [[usize; 15]; 2] {
        let at = |x: usize, y: usize| y * self.side + x;
        let end = self.side;
        let mut first = [0; 15];
        let mut second = [0; 15];
        for bit in 0..15 {
            first[bit] = match bit {
                0..=5 => at(bit, 8),
                6 => at(7, 8),
                7 => at(8, 8),
                8 => at(8, 7),
                later => at(8, 14 - later),
            };
            second[bit] = if bit < 7 { at(8, end - 1 - bit) } else { at(end - 15 + bit, 8) };
        }
        [first, second]
    }
}

fn fixed(side: usize, number: u32, version: VersionRef) -> Vec<i8> {
    let mut fixed = vec![0; side * side];
    let sign = |is_dark: bool| if is_dark { 1 } else { -1 };
    for along in 8..side - 8 {
        fixed[6 * side + along] = sign(along % 2 == 0);
        fixed[along * side + 6] = sign(along % 2 == 0);
    }
    let centres: Vec<usize> =
        version.getAlignmentPatternCenters().iter().filter_map(|at| usize::try_from(*at).ok()).collect();
    let (near, far) = (6, side - 7);
    for &y in &centres {
        for &x in &centres {
            if [(near, near), (near, far), (far, near)].contains(&(x, y)) {
                continue;
            }
            for (dy, dx) in (0..5).flat_map(|dy| (0..5).map(move |dx| (dy, dx))) {
                let ring = dx.max(dy).max(4 - dx.min(dy)) - 2;
                fixed[(y + dy - 2) * side + x + dx - 2] = sign(ring != 1);
            }
        }
    }
    for (left, top) in [(0, 0), (side - 7, 0), (0, side - 7)] {
        for y in top.saturating_sub(1)..(top + 8).min(side) {
            for x in left.saturating_sub(1)..(left + 8).min(side) {
                let ring = x.abs_diff(left + 3).max(y.abs_diff(top + 3));
                fixed[y * side + x] = sign(matches!(ring, 0 | 1 | 3));
            }
        }
    }
    fixed[(side - 8) * side + 8] = 1;
    if number >= 7 {
        let bits = version_bits(number);
        for bit in 0..18 {
            let is_dark = sign(bits >> bit & 1 == 1);
            let (long, short) = (bit / 3, side - 11 + bit % 3);
            fixed[long * side + short] = is_dark;
            fixed[short * side + long] = is_dark;
        }
    }
    fixed
}

/// The version number with its Golay check bits (ISO/IEC 18004, annex D).
fn version_bits(number: u32) -> u32 {
    let rest = (0..6).rev().fold(number << 12, |rest, bit| {
        if rest >> (bit + 12) & 1 == 1 { rest ^ 0x1f25 << bit } else { rest }
    });
    number << 12 | rest
}

/// Pairs of columns from the right, upwards and downwards in turns, past the upright timing pattern.
fn path(side: usize, is_reserved: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut path = Vec::with_capacity(side * side);
    let rights = (1..side).rev().step_by(2).map(|right| if right <= 6 { right - 1 } else { right });
    for (pair, right) in rights.enumerate() {
        for row in 0..side {
            let y = if pair % 2 == 0 { side - 1 - row } else { row };
            path.extend([right, right - 1].into_iter().filter(|x| !is_reserved(*x, y)).map(|x| y * side + x));
        }
    }
    path
}

/// Whether the mask turns over the module at column `x` and row `y` (ISO/IEC 18004, table 10).
pub(super) fn is_masked(mask: u8, x: usize, y: usize) -> bool {
    let (sum, product) = (x + y, x * y);
    match mask {
        0 => sum.is_multiple_of(2),
        1 => y.is_multiple_of(2),
        2 => x.is_multiple_of(3),
        3 => sum.is_multiple_of(3),
        4 => (y / 2 + x / 3).is_multiple_of(2),
        5 => product.is_multiple_of(6),
        6 => product % 6 < 3,
        _ => (sum + product % 3).is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::drawn::Drawn;

    #[test]
    fn what_is_fixed_is_so_in_every_code() {
        for version in
            [Version::V01, Version::V02, Version::V06, Version::V07, Version::V14, Version::V27, Version::V40]
        {
            let code = Drawn::of("A1", version);
            let layout = Layout::of(code.side).unwrap();
            for (at, fixed) in layout.fixed.iter().enumerate().filter(|(_, fixed)| **fixed != 0) {
                assert_eq!(
                    *fixed > 0,
                    code.dark[at],
                    "{version:?}: column {}, row {}",
                    at % code.side,
                    at / code.side
                );
            }
        }
    }

    #[test]
    fn the_path_takes_every_data_module_once() {
        for (side, bits) in [(21, 208), (25, 359), (45, 1568), (177, 29_648)] {
            let layout = Layout::of(side).unwrap();
            assert_eq!(layout.path.len(), bits, "{side} modules a side");
            let mut places = layout.path.clone();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), bits);
            assert!(places.iter().all(|at| layout.fixed[*at] == 0), "{side} modules a side");
        }
    }

    #[test]
    fn other_sizes_are_no_code() {
        assert!([0, 17, 20, 23, 181].into_iter().all(|side| Layout::of(side).is_none()));
    }
}
