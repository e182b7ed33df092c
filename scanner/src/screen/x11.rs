//! X11: what the root window shows, monitor by monitor.

use x11rb::{
    connection::Connection,
    cookie::Cookie,
    errors::{ConnectError, ConnectionError, ReplyError},
    protocol::{
        randr::ConnectionExt as _,
        xproto::{ConnectionExt as _, ImageFormat, ImageOrder, Screen, Setup, Visualtype},
    },
    rust_connection::RustConnection,
};

use super::ScreenError;
use crate::frame::{Luma, brightness};

/// Captures every monitor of every screen of `display`, or of `$DISPLAY`.
pub(super) fn capture(display: Option<&str>) -> Result<Vec<Luma>, ScreenError> {
    let (connection, _) = x11rb::connect(display).map_err(|error| connect_error(&error))?;
    let setup = connection.setup();
    let captures = setup.roots.iter().flat_map(|screen| match Layout::of(setup, screen) {
        Ok(layout) => monitors(&connection, screen)
            .into_iter()
            .map(|area| area.capture(&connection, screen, &layout))
            .collect(),
        Err(error) => vec![Err(error)],
    });
    super::those_that_worked(captures)
}

fn connect_error(error: &ConnectError) -> ScreenError {
    match error {
        ConnectError::SetupAuthenticate(_) | ConnectError::SetupFailed(_) => ScreenError::Refused,
        ConnectError::DisplayParsingError(_) | ConnectError::InvalidScreen | ConnectError::IoError(_) => {
            ScreenError::NoDisplay
        }
        other => ScreenError::Failed(other.to_string()),
    }
}

/// A rectangle of the root window.
#[derive(Clone, Copy)]
struct Area {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

/// The monitors, or the whole root window of a server that names none.
fn monitors(connection: &RustConnection, screen: &Screen) -> Vec<Area> {
    let whole = Area { x: 0, y: 0, width: screen.width_in_pixels, height: screen.height_in_pixels };
    let listed = connection
        .randr_get_monitors(screen.root, true)
        .map_err(ReplyError::from)
        .and_then(Cookie::reply)
        .map(|reply| reply.monitors)
        .unwrap_or_default();
    let inside = |area: &Area| {
        let end = |start: i16, length: u16| i32::from(start) + i32::from(length);
        area.x >= 0
            && area.y >= 0
            && area.width > 0
            && area.height > 0
            && end(area.x, area.width) <= i32::from(whole.width)
            && end(area.y, area.height) <= i32::from(whole.height)
    };
    let areas: Vec<Area> = listed
        .into_iter()
        .map(|monitor| Area { x: monitor.x, y: monitor.y, width: monitor.width, height: monitor.height })
        .filter(inside)
        .collect();
    if areas.is_empty() { vec![whole] } else { areas }
}

impl Area {
    fn capture(
        self,
        connection: &RustConnection,
        screen: &Screen,
        layout: &Layout,
    ) -> Result<Luma, ScreenError> {
        let reply = connection
            .get_image(ImageFormat::Z_PIXMAP, screen.root, self.x, self.y, self.width, self.height, u32::MAX)
            .map_err(|error: ConnectionError| ScreenError::Failed(error.to_string()))?
            .reply()
            .map_err(|error| ScreenError::Failed(error.to_string()))?;
        layout.luma(u32::from(self.width), u32::from(self.height), &reply.data)
    }
}

/// How the server lays out pixels of the root window.
struct Layout {
    bytes_per_pixel: usize,
    /// Rows end on a multiple of so many bytes.
    row_pad: usize,
    big_endian: bool,
    red: Channel,
    green: Channel,
    blue: Channel,
}

/// Where a colour stands in a pixel.
#[derive(Clone, Copy)]
struct Channel {
    shift: u32,
    max: u32,
}

impl Channel {
    fn of(mask: u32) -> Option<Self> {
        let shift = mask.trailing_zeros();
        (mask != 0).then(|| Self { shift, max: mask >> shift })
    }

    /// The colour as 0 to 255, whatever its depth.
    fn value(self, pixel: u32) -> u8 {
        let value = u64::from((pixel >> self.shift) & self.max);
        u8::try_from(value * 255 / u64::from(self.max)).unwrap_or(u8::MAX)
    }
}

impl Layout {
    fn of(setup: &Setup, screen: &Screen) -> Result<Self, ScreenError> {
        let unsupported = || ScreenError::Unsupported(format!("X11 visual of depth {}", screen.root_depth));
        let format = setup.pixmap_formats.iter().find(|format| format.depth == screen.root_depth);
        let visual: Option<&Visualtype> = screen
            .allowed_depths
            .iter()
            .flat_map(|depth| &depth.visuals)
            .find(|visual| visual.visual_id == screen.root_visual);
        let (format, visual) = format.zip(visual).ok_or_else(unsupported)?;
        if !matches!(format.bits_per_pixel, 16 | 24 | 32) {
            return Err(unsupported());
        }
        let channel = |mask| Channel::of(mask).ok_or_else(unsupported);
        Ok(Self {
            bytes_per_pixel: usize::from(format.bits_per_pixel / 8),
            row_pad: usize::from(format.scanline_pad / 8).max(1),
            big_endian: setup.image_byte_order == ImageOrder::MSB_FIRST,
            red: channel(visual.red_mask)?,
            green: channel(visual.green_mask)?,
            blue: channel(visual.blue_mask)?,
        })
    }

    fn luma(&self, width: u32, height: u32, bytes: &[u8]) -> Result<Luma, ScreenError> {
        let row = width as usize * self.bytes_per_pixel;
        let stride = row.next_multiple_of(self.row_pad);
        let data = bytes
            .chunks(stride)
            .take(height as usize)
            .filter_map(|line| line.get(..row))
            .flat_map(|line| line.chunks_exact(self.bytes_per_pixel))
            .map(|pixel| {
                let add = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
                let pixel =
                    if self.big_endian { pixel.iter().fold(0, add) } else { pixel.iter().rev().fold(0, add) };
                brightness(self.red.value(pixel), self.green.value(pixel), self.blue.value(pixel))
            })
            .collect();
        Luma::new(width, height, data).map_err(|error| ScreenError::Failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn layout(bytes_per_pixel: usize, big_endian: bool, masks: [u32; 3]) -> Layout {
        let [red, green, blue] = masks.map(|mask| Channel::of(mask).unwrap());
        Layout { bytes_per_pixel, row_pad: 4, big_endian, red, green, blue }
    }

    const RGB: [u32; 3] = [0x00ff_0000, 0x0000_ff00, 0x0000_00ff];

    #[test]
    fn byte_order_and_depth_are_the_servers() {
        let white_red = |bytes: &[u8], layout: Layout| layout.luma(2, 1, bytes).unwrap().data().to_vec();
        let expected = vec![255, 76];
        assert_eq!(white_red(&[255, 255, 255, 0, 0, 0, 255, 0], layout(4, false, RGB)), expected);
        assert_eq!(white_red(&[0, 255, 255, 255, 0, 255, 0, 0], layout(4, true, RGB)), expected);
        assert_eq!(white_red(&[255, 255, 255, 0, 0, 255, 0, 0], layout(3, false, RGB)), expected);
        assert_eq!(white_red(&[255, 255, 0, 0xf8], layout(2, false, [0xf800, 0x07e0, 0x001f])), expected);
        let ten_bit = layout(4, false, [0x3ff0_0000, 0x000f_fc00, 0x0000_03ff]);
        assert_eq!(white_red(&[0xff, 0xff, 0xff, 0x3f, 0, 0, 0xf0, 0x3f], ten_bit), expected);
    }

    #[test]
    fn a_short_answer_is_an_error() {
        assert!(layout(4, false, RGB).luma(2, 2, &[0; 12]).is_err());
    }

    #[test]
    fn no_server_and_no_sense_are_no_display() {
        assert_eq!(capture(Some(":54321")).unwrap_err(), ScreenError::NoDisplay);
        assert_eq!(capture(Some("nonsense")).unwrap_err(), ScreenError::NoDisplay);
    }
}
