//! Codes and pictures to read.

use fast_qr::{ECL, Mode, QRBuilder, QRCode, Version};
use scanner::Luma;

/// Modules of light border around each code.
const QUIET: u32 = 4;

pub(crate) struct Code(QRCode);

impl Code {
    pub(crate) fn of(text: &str, level: ECL, version: Option<Version>) -> Self {
        let mut builder = QRBuilder::new(text);
        builder.ecl(level);
        if let Some(version) = version {
            builder.version(version);
        }
        Self(builder.build().unwrap())
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(QRBuilder::new(bytes.to_vec()).mode(Mode::Byte).build().unwrap())
    }

    /// At the `nth` version, counted from 0, or at the smallest that holds the text.
    pub(crate) fn of_at_least(text: &str, level: ECL, nth: usize) -> Self {
        let smallest = Self::of(text, level, None);
        let needed = usize::try_from((smallest.modules() - 17) / 4 - 1).unwrap();
        if nth > needed { Self::of(text, level, Some(VERSIONS[nth])) } else { smallest }
    }

    fn modules(&self) -> u32 {
        u32::try_from(self.0.size).unwrap()
    }

    pub(crate) fn draw(&self, module: u32, dark_mode: bool) -> Canvas {
        let side = (self.modules() + 2 * QUIET) * module;
        let (dark, light) = if dark_mode { (255, 0) } else { (0, 255) };
        let mut canvas = Canvas::new(side, side, light);
        for y in 0..self.modules() * module {
            for x in 0..self.modules() * module {
                if self.0[usize::try_from(y / module).unwrap()][usize::try_from(x / module).unwrap()].value()
                {
                    canvas.set(x + QUIET * module, y + QUIET * module, dark);
                }
            }
        }
        canvas
    }

    /// Turned clockwise about its middle, `module` pixels a module, its edges soft by a third of a pixel.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "coordinates within the code"
    )]
    pub(crate) fn draw_rotated(&self, module: f64, degrees: f64, dark_mode: bool) -> Canvas {
        const SAMPLES: u32 = 3;
        let side = f64::from(self.modules());
        let (sin, cos) = degrees.to_radians().sin_cos();
        let width = ((side + 2.0 * f64::from(QUIET)) * module * (sin.abs() + cos.abs())).ceil() as u32;
        let is_dark = |x: f64, y: f64| {
            let (x, y) = (x - f64::from(width) / 2.0, y - f64::from(width) / 2.0);
            let (column, row) =
                ((x * cos + y * sin) / module + side / 2.0, (y * cos - x * sin) / module + side / 2.0);
            let inside = 0.0..side;
            inside.contains(&column) && inside.contains(&row) && self.0[row as usize][column as usize].value()
        };
        let mut canvas = Canvas::new(width, width, 0);
        for (x, y) in (0..width).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let at = |pixel: u32, n: u32| f64::from(pixel) + (f64::from(n) + 0.5) / f64::from(SAMPLES);
            let samples = (0..SAMPLES * SAMPLES).map(|n| is_dark(at(x, n % SAMPLES), at(y, n / SAMPLES)));
            let dark = u32::try_from(samples.filter(|dark| *dark).count()).unwrap();
            let value = u8::try_from(255 * dark / (SAMPLES * SAMPLES)).unwrap();
            canvas.set(x, y, if dark_mode { value } else { 255 - value });
        }
        canvas
    }

    /// The corners of the code drawn so and turned clockwise by quarters: upper left first, in its own orientation.
    pub(crate) fn outline(&self, module: u32, turns: u32) -> [(f64, f64); 4] {
        let near = f64::from(QUIET * module);
        let far = f64::from((QUIET + self.modules()) * module);
        let mut corners = [(near, near), (far, near), (far, far), (near, far)];
        corners.rotate_left(usize::try_from(turns % 4).unwrap());
        corners
    }
}

#[derive(Clone)]
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) data: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32, ground: u8) -> Self {
        Self { width, height, data: vec![ground; (width * height).try_into().unwrap()] }
    }

    pub(crate) fn set(&mut self, x: u32, y: u32, value: u8) {
        self.data[usize::try_from(y * self.width + x).unwrap()] = value;
    }

    pub(crate) fn get(&self, x: u32, y: u32) -> u8 {
        self.data[usize::try_from(y * self.width + x).unwrap()]
    }

    pub(crate) fn paste(&mut self, other: &Self, left: u32, top: u32) {
        for y in 0..other.height {
            for x in 0..other.width {
                self.set(left + x, top + y, other.get(x, y));
            }
        }
    }

    /// Turned clockwise by quarters.
    pub(crate) fn turned(self, turns: u32) -> Self {
        (0..turns % 4).fold(self, |from, _| {
            let mut to = Self::new(from.height, from.width, 0);
            for y in 0..from.height {
                for x in 0..from.width {
                    to.set(from.height - 1 - y, x, from.get(x, y));
                }
            }
            to
        })
    }

    /// Softened by a small kernel (a quarter, a half, a quarter, both ways) so many times.
    pub(crate) fn blurred(mut self, times: u32) -> Self {
        for _ in 0..times {
            for (dx, dy) in [(1, 0), (0, 1)] {
                let from = self.clone();
                for y in dy..self.height - dy {
                    for x in dx..self.width - dx {
                        let around = [
                            from.get(x - dx, y - dy),
                            from.get(x, y),
                            from.get(x, y),
                            from.get(x + dx, y + dy),
                        ];
                        let sum: u32 = around.into_iter().map(u32::from).sum();
                        self.set(x, y, u8::try_from(sum / 4).unwrap());
                    }
                }
            }
        }
        self
    }

    pub(crate) fn luma(&self) -> Luma {
        Luma::new(self.width, self.height, self.data.clone()).unwrap()
    }
}

pub(crate) const LEVELS: [ECL; 4] = [ECL::L, ECL::M, ECL::Q, ECL::H];

pub(crate) const VERSIONS: [Version; 40] = {
    use Version::{
        V01, V02, V03, V04, V05, V06, V07, V08, V09, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20,
        V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31, V32, V33, V34, V35, V36, V37, V38, V39, V40,
    };
    [
        V01, V02, V03, V04, V05, V06, V07, V08, V09, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20,
        V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31, V32, V33, V34, V35, V36, V37, V38, V39, V40,
    ]
};
