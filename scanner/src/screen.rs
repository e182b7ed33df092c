//! The screen as pictures, one for each monitor, at its real pixels whatever its scale.
//!
//! Wayland: the Screenshot portal, which may ask the person. X11: the root window. Windows and macOS: xcap.

#[cfg(target_os = "linux")]
mod portal;
#[cfg(target_os = "linux")]
mod x11;
#[cfg(any(target_os = "windows", target_os = "macos"))]
mod xcap;

use crate::{
    decode::{Read, decode},
    frame::Luma,
};

/// Why there is no picture of the screen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// The program runs without a display.
    #[error("there is no display")]
    NoDisplay,
    /// The person or the system said no.
    #[error("the screen may not be captured")]
    Refused,
    /// This system has no way to capture the screen, for instance no Screenshot portal; the text is for a report.
    #[error("this system cannot capture the screen")]
    Unsupported(String),
    /// Anything else; the text is the system's and meant for a report.
    #[error("capturing the screen failed")]
    Failed(String),
}

/// Takes a picture of each monitor.
///
/// Call it inside a tokio runtime that goes on living: the portal connection is kept for the next call.
///
/// # Errors
/// [`ScreenError`].
pub async fn capture() -> Result<Vec<Luma>, ScreenError> {
    #[cfg(target_os = "linux")]
    {
        match Session::of(&|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
            Session::Wayland => portal::capture().await,
            Session::X11 => apart(|| capture_x11(None)).await,
            Session::None => Err(ScreenError::NoDisplay),
        }
    }
    #[cfg(any(target_os = "windows", target_os = "macos"))]
    {
        apart(xcap::capture).await
    }
    #[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
    {
        Err(ScreenError::Unsupported(std::env::consts::OS.to_owned()))
    }
}

/// Takes a picture of each monitor of an X11 display: the one named as in `$DISPLAY`, or `$DISPLAY` itself. Blocking.
///
/// # Errors
/// [`ScreenError`].
#[cfg(target_os = "linux")]
pub fn capture_x11(display: Option<&str>) -> Result<Vec<Luma>, ScreenError> {
    x11::capture(display)
}

/// Takes a picture of each monitor and reads every code on them. Corners are in pixels of the code's own monitor.
///
/// # Errors
/// [`ScreenError`]; a screen without a code is an empty list.
pub async fn read() -> Result<Vec<Read>, ScreenError> {
    let monitors = capture().await?;
    apart(move || Ok(monitors.iter().flat_map(decode).collect())).await
}

/// The pictures that could be taken: one monitor that fails does not hide the others. An error when none could.
fn those_that_worked(
    captures: impl IntoIterator<Item = Result<Luma, ScreenError>>,
) -> Result<Vec<Luma>, ScreenError> {
    let mut last = ScreenError::NoDisplay;
    let mut pictures = Vec::new();
    for capture in captures {
        match capture {
            Ok(picture) => pictures.push(picture),
            Err(error) => last = error,
        }
    }
    if pictures.is_empty() { Err(last) } else { Ok(pictures) }
}

/// Runs blocking work on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ScreenError> + Send + 'static,
) -> Result<T, ScreenError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(ScreenError::Failed(error.to_string())))
}

/// What the program's windows are drawn by.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
enum Session {
    Wayland,
    X11,
    None,
}

#[cfg(target_os = "linux")]
impl Session {
    /// Under Wayland `DISPLAY` is often set too, and shows X11 programs alone: Wayland comes first.
    fn of(is_set: &dyn Fn(&str) -> bool) -> Self {
        if is_set("WAYLAND_DISPLAY") {
            Self::Wayland
        } else if is_set("DISPLAY") {
            Self::X11
        } else {
            Self::None
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{Luma, ScreenError, Session, those_that_worked};

    #[test]
    fn one_monitor_that_fails_does_not_hide_the_others() {
        let picture = || Luma::new(1, 1, vec![7]).unwrap();
        let failed = || ScreenError::Failed("asleep".to_owned());
        assert_eq!(those_that_worked([Err(failed()), Ok(picture())]), Ok(vec![picture()]));
        assert_eq!(those_that_worked([Err(failed())]), Err(failed()));
        assert_eq!(those_that_worked([]), Err(ScreenError::NoDisplay));
    }

    #[test]
    fn wayland_comes_before_x11() {
        let session = |set: &[&str]| Session::of(&|name| set.contains(&name));
        assert_eq!(session(&["WAYLAND_DISPLAY", "DISPLAY"]), Session::Wayland);
        assert_eq!(session(&["DISPLAY"]), Session::X11);
        assert_eq!(session(&[]), Session::None);
    }
}
