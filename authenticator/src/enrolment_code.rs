//! The QR picture of an enrolment link.

use base64::Engine as _;
use fast_qr::{ECL, QRBuilder};

/// Light modules around the code (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE: usize = 4;

/// A QR code as a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrPicture {
    /// `data:image/png;base64,`: one bit and one pixel a module.
    pub data_uri: String,
    /// Width and height in pixels.
    pub size: u32,
}

/// Draws `link` at level M, black on white; `None` when it is too long for any QR code.
pub fn qr_picture(link: &str) -> Option<QrPicture> {
    let code = QRBuilder::new(link).ecl(ECL::M).build().ok()?;
    let size = code.size + 2 * QUIET_ZONE;
    let row_bytes = size.div_ceil(8);
    // One bit a pixel, 1 = white.
    let mut pixels = vec![0xFF_u8; row_bytes * size];
    for y in 0..code.size {
        for x in 0..code.size {
            if code[y][x].value() {
                let (px, py) = (x + QUIET_ZONE, y + QUIET_ZONE);
                pixels[py * row_bytes + px / 8] &= !(0x80 >> (px % 8));
            }
        }
    }
    let size = u32::try_from(size).ok()?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    let data_uri =
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&file));
    Some(QrPicture { data_uri, size })
}
