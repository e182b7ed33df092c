//! What a driver's error text means: the kind of a failure is nowhere else.

use nokhwa::NokhwaError;

use super::CameraError;

/// Reads the system's error number out of an error of nokhwa.
pub(super) fn of(error: &NokhwaError) -> CameraError {
    of_text(&error.to_string())
}

fn of_text(text: &str) -> CameraError {
    let names = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    match system_number(text) {
        // EPERM, EACCES
        Some(1 | 13) => CameraError::Refused,
        // ENOENT, ENXIO, ENODEV
        Some(2 | 6 | 19) => CameraError::Unplugged,
        // EBUSY
        Some(16) => CameraError::Busy,
        // E_ACCESSDENIED
        _ if names(&["0x80070005"]) => CameraError::Refused,
        // MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED, ERROR_DEVICE_NOT_CONNECTED
        _ if names(&["0xC00D3EA2", "0x8007048F"]) => CameraError::Unplugged,
        // MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED, MF_E_HW_MFT_FAILED_START_STREAMING, ERROR_SHARING_VIOLATION
        _ if names(&["0xC00D3EA3", "0xC00D3704", "0x80070020"]) => CameraError::Busy,
        _ => CameraError::Failed(text.to_owned()),
    }
}

/// The number in "... (os error 19)".
fn system_number(text: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once("os error ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_by_number() {
        let of_number =
            |number: u32| of_text(&format!("Could not capture frame: Some words (os error {number})"));
        assert_eq!(of_number(16), CameraError::Busy);
        assert_eq!(of_number(13), CameraError::Refused);
        assert_eq!(of_number(2), CameraError::Unplugged);
        assert_eq!(of_number(19), CameraError::Unplugged);
        assert!(matches!(of_number(5), CameraError::Failed(text) if text.contains("os error 5")));
    }

    #[test]
    fn media_foundation_codes_are_told_apart() {
        assert_eq!(of_text("Could not open device: (0x80070005)"), CameraError::Refused);
        assert_eq!(of_text("Could not capture frame: 0xC00D3EA2"), CameraError::Unplugged);
        assert!(matches!(of_text("anything else"), CameraError::Failed(_)));
    }
}
