//! Where the modules of a code lie in a picture: a perspective, fitted to the modules that every code has.

use super::{Corner, distance, layout::Layout, zxing::Polarity};
use crate::frame::Luma;

/// The perspective that takes modules (column and row from the upper left corner of the code) to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Perspective([f32; 8]);

impl Perspective {
    /// The one that takes four points to four others; `None` when three of them lie on a line.
    pub(super) fn between(from: [Corner; 4], to: [Corner; 4]) -> Option<Self> {
        let mut rows = [[0.0_f64; 9]; 8];
        for (at, (module, pixel)) in from.into_iter().zip(to).enumerate() {
            let [x, y, u, v] = [module.0, module.1, pixel.0, pixel.1].map(f64::from);
            rows[2 * at] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
            rows[2 * at + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
        }
        let solved = solve(&mut rows)?;
        #[expect(clippy::cast_possible_truncation, reason = "pixels need no more")]
        Some(Self(solved.map(|value| value as f32)))
    }

    pub(super) fn place(&self, (x, y): Corner) -> Corner {
        let row = |first: usize, constant: f32| self.0[first] * x + self.0[first + 1] * y + constant;
        let depth = row(6, 1.0);
        (row(0, self.0[2]) / depth, row(3, self.0[5]) / depth)
    }

    /// Pixels a module, in the middle of a code of so many modules a side.
    pub(super) fn module(&self, side: usize) -> f32 {
        let [a, b, c, d] = self.corners(side);
        (distance(a, c) + distance(b, d)) / (2.0 * std::f32::consts::SQRT_2 * length(side))
    }

    /// The same, so many pixels further.
    pub(super) fn shifted(&self, side: usize, (dx, dy): Corner) -> Option<Self> {
        let holds = holds(side);
        let moved = holds.map(|hold| {
            let (x, y) = self.place(hold);
            (x + dx, y + dy)
        });
        Self::between(holds, moved)
    }

    /// The corners of a code of so many modules a side.
    pub(super) fn corners(&self, side: usize) -> [Corner; 4] {
        let end = length(side);
        [(0.0, 0.0), (end, 0.0), (end, end), (0.0, end)].map(|corner| self.place(corner))
    }
}

/// Gauss and Jordan's elimination with a pivot from the rows below.
fn solve(rows: &mut [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-9 {
            return None;
        }
        let leading = rows[column];
        for (at, row) in rows.iter_mut().enumerate() {
            if at != column {
                let factor = row[column] / leading[column];
                for (value, other) in row.iter_mut().zip(leading).skip(column) {
                    *value -= factor * other;
                }
            }
        }
    }
    Some(std::array::from_fn(|at| rows[at][8] / rows[at][at]))
}

#[expect(clippy::cast_precision_loss, reason = "a length within a picture is far below 2^24")]
pub(super) fn length(pixels: usize) -> f32 {
    pixels as f32
}

/// The brightness between pixels; outside of the picture that of its border.
pub(super) fn brightness_at(luma: &Luma, (x, y): Corner) -> f32 {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let (x, y) = ((x - 0.5).clamp(0.0, length(width - 1)), (y - 0.5).clamp(0.0, length(height - 1)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture")]
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (dx, dy) = (x - length(left), y - length(top));
    let at = |x: usize, y: usize| f32::from(luma.data()[y * width + x]);
    let upper = at(left, top) + dx * (at(right, top) - at(left, top));
    let lower = at(left, bottom) + dx * (at(right, bottom) - at(left, bottom));
    upper + dy * (lower - upper)
}

/// The same by Catmull and Rom's curve, which keeps what is as fine as two pixels.
pub(super) fn fine_brightness_at(luma: &Luma, (x, y): Corner) -> f32 {
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let (x, y) = (x - 0.5, y - 0.5);
    if !(x >= 1.0 && y >= 1.0 && x < length(width) - 2.0 && y < length(height) - 2.0) {
        return brightness_at(luma, (x + 0.5, y + 0.5));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the picture")]
    let (left, top) = (x as usize, y as usize);
    let across = curve(x - length(left));
    let down = curve(y - length(top));
    let mut sum = 0.0;
    for (row, by) in down.into_iter().enumerate() {
        let first = (top + row - 1) * width + left - 1;
        let values = &luma.data()[first..first + 4];
        sum += by * values.iter().zip(across).map(|(value, by)| f32::from(*value) * by).sum::<f32>();
    }
    sum
}

/// Weights of four pixels in a row, so far past the second of them.
fn curve(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        0.5 * (2.0 * t2 - t - t3),
        0.5 * (2.0 - 5.0 * t2 + 3.0 * t3),
        0.5 * (t + 4.0 * t2 - 3.0 * t3),
        0.5 * (t3 - t2),
    ]
}

/// Modules whose darkness is known or believed: place of the centre, -1 to 1, and which part of the code they belong to.
pub(super) struct Marks(Vec<(Corner, f32, usize)>);

/// Parts of a code that are lit differently: a mark is compared with those of its part.
const PARTS: usize = 9;

impl Marks {
    /// The modules that every code of this size has.
    pub(super) fn fixed(layout: &Layout, polarity: Polarity) -> Self {
        Self::of(layout, polarity, |at| f32::from(layout.fixed[at]))
    }

    /// Modules by what is believed of each, those of the plan for sure.
    pub(super) fn believed(layout: &Layout, polarity: Polarity, modules: &[f32]) -> Self {
        Self::of(layout, polarity, |at| {
            if layout.fixed[at] == 0 { modules[at].clamp(-1.0, 1.0) } else { f32::from(layout.fixed[at]) }
        })
    }

    fn of(layout: &Layout, polarity: Polarity, value: impl Fn(usize) -> f32) -> Self {
        let side = layout.side;
        let sign = polarity.sign();
        let marks = (0..side * side).filter_map(|at| {
            let (x, y) = (at % side, at / side);
            let part = 3 * (3 * y / side) + 3 * x / side;
            let value = sign * value(at);
            (value.abs() > 0.2).then(|| ((length(x) + 0.5, length(y) + 0.5), value, part))
        });
        Self(marks.collect())
    }

    /// How well a picture shows the marks when seen so: 0 for nothing, 1 for all, below 0 for the opposite.
    pub(super) fn agreement(&self, luma: &Luma, perspective: &Perspective) -> f32 {
        let mut sums = [[0.0_f32; 6]; PARTS];
        for (place, value, part) in &self.0 {
            let seen = 255.0 - brightness_at(luma, perspective.place(*place));
            for (sum, term) in
                sums[*part].iter_mut().zip([1.0, *value, seen, value * value, seen * seen, value * seen])
            {
                *sum += term;
            }
        }
        let mut agreement = 0.0;
        for [count, values, seens, values2, seens2, products] in sums {
            if count >= 8.0 {
                let both = products - values * seens / count;
                let spread =
                    (values2 - values * values / count) * (seens2 - seens * seens / count + count * 4.0);
                agreement += count * both / spread.max(1e-3).sqrt();
            }
        }
        agreement / length(self.0.len().max(1))
    }
}

/// A code's place in a picture, on trial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) perspective: Perspective,
    /// How well the marks show, from 0 to 1.
    pub(super) agreement: f32,
}

/// Moves the four holds of a perspective, by ever smaller steps in modules, to where the marks show best.
pub(super) fn fit(luma: &Luma, side: usize, marks: &Marks, start: Perspective, steps: &[f32]) -> Option<Fit> {
    let holds = holds(side);
    let mut pixels = holds.map(|hold| start.place(hold));
    let mut best = Fit { perspective: start, agreement: marks.agreement(luma, &start) };
    let module = start.module(side);
    for step in steps {
        for _ in 0..ROUNDS {
            let before = best.agreement;
            for hold in 0..4 {
                for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
                    let mut moved = pixels;
                    moved[hold].0 += dx * step * module;
                    moved[hold].1 += dy * step * module;
                    let Some(perspective) = Perspective::between(holds, moved) else { continue };
                    let agreement = marks.agreement(luma, &perspective);
                    if agreement > best.agreement {
                        best = Fit { perspective, agreement };
                        pixels = moved;
                    }
                }
            }
            if best.agreement < before + 0.002 {
                break;
            }
        }
    }
    best.agreement.is_finite().then_some(best)
}

/// Rounds with one step width at most.
const ROUNDS: usize = 3;

/// Where a perspective is held: the middles of the finder patterns and of the last alignment pattern, or the fourth corner
/// of the square in a code that has none.
pub(super) fn holds(side: usize) -> [Corner; 4] {
    let (near, far) = (3.5, length(side) - 3.5);
    let last = if side > 21 { far - 3.0 } else { far };
    [(near, near), (far, near), (last, last), (near, far)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use fast_qr::Version;

    use super::*;
    use crate::decode::drawn::{Drawn, MARGIN};

    #[test]
    fn a_perspective_takes_its_points_where_they_belong() {
        let from = [(3.5, 3.5), (25.5, 3.5), (22.5, 22.5), (3.5, 25.5)];
        let to = [(102.0, 81.0), (190.0, 95.0), (170.0, 168.0), (95.0, 180.0)];
        let perspective = Perspective::between(from, to).unwrap();
        for (module, pixel) in from.into_iter().zip(to) {
            assert!(distance(perspective.place(module), pixel) < 0.01, "{:?}", perspective.place(module));
        }
        assert!(Perspective::between([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)], to).is_none());
    }

    #[test]
    fn a_fit_finds_the_grid_from_nearby() {
        let code = Drawn::of("https://login.example.com", Version::V03);
        let layout = Layout::of(code.side).unwrap();
        let luma = code.seen(3.0, 1, 0, 1);
        let holds = holds(code.side);
        let exact = holds.map(|(x, y)| (MARGIN + 3.0 * x, MARGIN + 3.0 * y));
        let mut off = exact;
        off[0].0 += 2.0;
        off[2].1 -= 2.5;
        off[3].0 -= 1.5;
        let start = Perspective::between(holds, off).unwrap();
        let marks = Marks::fixed(&layout, Polarity::Dark);
        let found = fit(&luma, code.side, &marks, start, &[1.0, 0.5, 0.25, 0.12]).unwrap();
        assert!(
            found.agreement > 0.85 && found.agreement > marks.agreement(&luma, &start) + 0.1,
            "{found:?}"
        );
        for (hold, pixel) in holds.into_iter().zip(exact) {
            assert!(distance(found.perspective.place(hold), pixel) < 0.75, "{found:?}");
        }
    }

    #[test]
    fn the_other_polarity_disagrees() {
        let code = Drawn::of("https://login.example.com", Version::V03);
        let layout = Layout::of(code.side).unwrap();
        let luma = code.seen(3.0, 0, 0, 1).inverted();
        let holds = holds(code.side);
        let exact =
            Perspective::between(holds, holds.map(|(x, y)| (MARGIN + 3.0 * x, MARGIN + 3.0 * y))).unwrap();
        assert!(Marks::fixed(&layout, Polarity::Light).agreement(&luma, &exact) > 0.9);
        assert!(Marks::fixed(&layout, Polarity::Dark).agreement(&luma, &exact) < -0.9);
    }

    #[test]
    fn between_pixels_lies_what_is_between_them() {
        let luma = Luma::new(8, 8, (0..64).map(|at| 10 * (at % 8)).collect()).unwrap();
        assert!((brightness_at(&luma, (3.0, 4.0)) - 25.0).abs() < 0.01);
        assert!((fine_brightness_at(&luma, (3.25, 4.0)) - 27.5).abs() < 0.01);
        assert!((fine_brightness_at(&luma, (-5.0, 99.0)) - 0.0).abs() < 0.01);
    }
}
