//! Windows and macOS: the xcap crate.

use xcap::Monitor;

use super::ScreenError;
use crate::frame::Luma;

pub(super) fn capture() -> Result<Vec<Luma>, ScreenError> {
    let failed = |error: xcap::XCapError| ScreenError::Failed(error.to_string());
    let monitors = Monitor::all().map_err(failed)?;
    super::those_that_worked(monitors.iter().map(|monitor| {
        let shot = monitor.capture_image().map_err(failed)?;
        let (width, height) = shot.dimensions();
        Luma::from_rgba(width, height, shot.as_raw(), 255)
            .map_err(|error| ScreenError::Failed(error.to_string()))
    }))
}
