//! Reed-Solomon over GF(256) as QR codes use it, with errors and erasures: a place known to be doubtful costs one check
//! symbol, an unknown error two.

/// Powers of 2 modulo the QR polynomial (ISO/IEC 18004, 7.5.2), twice over, and their logarithms.
struct Field {
    power: [u8; 510],
    log: [u8; 256],
}

const FIELD: Field = field();
/// The order of the multiplicative group.
const ORDER: usize = 255;

const fn field() -> Field {
    let mut field = Field { power: [0; 510], log: [0; 256] };
    let mut value = 1_u16;
    let mut at = 0;
    while at < ORDER {
        #[expect(clippy::cast_possible_truncation, reason = "reduced below 256, and an exponent below 255")]
        let (byte, exponent) = (value as u8, at as u8);
        field.power[at] = byte;
        field.power[at + ORDER] = byte;
        field.log[byte as usize] = exponent;
        value <<= 1;
        if value & 0x100 != 0 {
            value ^= 0x11d;
        }
        at += 1;
    }
    field
}

fn times(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    FIELD.power[usize::from(FIELD.log[usize::from(a)]) + usize::from(FIELD.log[usize::from(b)])]
}

fn over(a: u8, b: u8) -> u8 {
    if a == 0 {
        return 0;
    }
    FIELD.power[usize::from(FIELD.log[usize::from(a)]) + ORDER - usize::from(FIELD.log[usize::from(b)])]
}

fn power(exponent: usize) -> u8 {
    FIELD.power[exponent % ORDER]
}

/// The value of a polynomial, lowest term first.
fn value_at(polynomial: &[u8], x: u8) -> u8 {
    polynomial.iter().rev().fold(0, |sum, term| times(sum, x) ^ term)
}

/// Corrects a block in place, its last `checks` symbols being the check symbols, and returns how many symbols besides the
/// `doubtful` ones were wrong. `None`, and an unchanged block, when there is no such correction.
pub(super) fn correct(block: &mut [u8], checks: usize, doubtful: &[usize]) -> Option<usize> {
    let length = block.len();
    if length > ORDER || checks > length || doubtful.len() > checks {
        return None;
    }
    let syndromes = syndromes(block, checks);
    if syndromes.iter().all(|syndrome| *syndrome == 0) {
        return Some(0);
    }
    let locator = locator(&syndromes, length, doubtful);
    let degree = locator.iter().rposition(|term| *term != 0)?;
    let wrong = degree.checked_sub(doubtful.len())?;
    if 2 * wrong + doubtful.len() > checks {
        return None;
    }
    // The place `i` from the end is a root when the locator vanishes at 2^-i.
    let places: Vec<usize> =
        (0..length).filter(|place| value_at(&locator, power(ORDER - place)) == 0).collect();
    if places.len() != degree {
        return None;
    }
    let evaluator: Vec<u8> = (0..checks)
        .map(|term| (0..=term.min(degree)).fold(0, |sum, at| sum ^ times(locator[at], syndromes[term - at])))
        .collect();
    let mut corrected = block.to_vec();
    for place in places {
        let x = power(ORDER - place);
        // The derivative keeps the odd terms only.
        let slope = (1..=degree)
            .step_by(2)
            .fold(0, |sum, term| sum ^ times(locator[term], power((ORDER - place) * (term - 1))));
        if slope == 0 {
            return None;
        }
        corrected[length - 1 - place] ^= over(times(value_at(&evaluator, x), power(place)), slope);
    }
    if self::syndromes(&corrected, checks).iter().any(|syndrome| *syndrome != 0) {
        return None;
    }
    block.copy_from_slice(&corrected);
    Some(wrong)
}

fn syndromes(block: &[u8], checks: usize) -> Vec<u8> {
    (0..checks).map(|root| block.iter().fold(0, |sum, symbol| times(sum, power(root)) ^ symbol)).collect()
}

/// Berlekamp and Massey's error locator, starting from what is known to be doubtful. Lowest term first.
fn locator(syndromes: &[u8], length: usize, doubtful: &[usize]) -> Vec<u8> {
    let checks = syndromes.len();
    let mut locator = vec![0; checks + 1];
    locator[0] = 1;
    for at in doubtful {
        let root = power(length - 1 - at);
        for term in (1..=checks).rev() {
            locator[term] ^= times(root, locator[term - 1]);
        }
    }
    let known = doubtful.len();
    let mut previous = locator.clone();
    let mut errors = known;
    for step in known + 1..=checks {
        let discrepancy =
            (0..step).fold(0, |sum, term| sum ^ times(locator[term], syndromes[step - 1 - term]));
        previous.rotate_right(1);
        previous[0] = 0;
        if discrepancy == 0 {
            continue;
        }
        let next: Vec<u8> =
            locator.iter().zip(&previous).map(|(term, other)| term ^ times(discrepancy, *other)).collect();
        if 2 * errors < step + known {
            errors = step + known - errors;
            previous = locator.iter().map(|term| over(*term, discrepancy)).collect();
        }
        locator = next;
    }
    locator
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block of ISO/IEC 18004, annex I: "01234567" in version 1-M.
    const BLOCK: [u8; 26] = [
        0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xa5,
        0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55,
    ];
    const CHECKS: usize = 10;

    fn damaged(places: &[usize]) -> [u8; 26] {
        let mut block = BLOCK;
        for at in places {
            block[*at] ^= 0x5a;
        }
        block
    }

    #[test]
    fn five_errors_are_corrected_and_six_are_not() {
        let mut block = damaged(&[0, 3, 9, 17, 25]);
        assert_eq!(correct(&mut block, CHECKS, &[]), Some(5));
        assert_eq!(block, BLOCK);
        let six = damaged(&[0, 3, 9, 12, 17, 25]);
        let mut block = six;
        assert_eq!(correct(&mut block, CHECKS, &[]), None);
        assert_eq!(block, six);
    }

    #[test]
    fn a_doubtful_place_costs_half_an_error() {
        let doubtful = [0, 1, 2, 3, 9, 12];
        let mut block = damaged(&[0, 3, 9, 12, 17, 25]);
        assert_eq!(correct(&mut block, CHECKS, &doubtful), Some(2));
        assert_eq!(block, BLOCK);
        let mut block = damaged(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(correct(&mut block, CHECKS, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), Some(0));
        assert_eq!(block, BLOCK);
    }

    #[test]
    fn a_sound_block_stays() {
        let mut block = BLOCK;
        assert_eq!(correct(&mut block, CHECKS, &[4, 5]), Some(0));
        assert_eq!(block, BLOCK);
    }
}
