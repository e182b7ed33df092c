//! Wayland: the Screenshot portal of the desktop, which asks the person or remembers the answer.

use std::time::Duration;

use ashpd::desktop::{ResponseError, screenshot::Screenshot};

use super::ScreenError;
use crate::{frame::Luma, picture};

/// How long the portal may take; the person may be reading its question.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);

/// One picture of all monitors together, as portals take it.
pub(super) async fn capture() -> Result<Vec<Luma>, ScreenError> {
    let asked = async {
        Screenshot::request()
            .interactive(false)
            .modal(true)
            .send()
            .await
            .and_then(|request| request.response())
    };
    let answer = tokio::time::timeout(ANSWER_LIMIT, asked)
        .await
        .map_err(|_| ScreenError::Failed("the portal did not answer in two minutes".to_owned()))?;
    let screenshot = answer.map_err(error_of)?;
    let path = path_of(screenshot.uri().as_str())
        .ok_or_else(|| ScreenError::Failed("the portal named no local file".to_owned()))?;
    super::apart(move || {
        let luma = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| picture::luma(&bytes).map_err(|error| error.to_string()));
        // The portal made the file for this call only; a picture of the screen must not stay behind.
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!(%error, "The screenshot file could not be removed");
        }
        luma.map(|luma| vec![luma]).map_err(ScreenError::Failed)
    })
    .await
}

fn error_of(error: ashpd::Error) -> ScreenError {
    match error {
        ashpd::Error::Response(ResponseError::Cancelled)
        | ashpd::Error::Portal(ashpd::PortalError::NotAllowed(_)) => ScreenError::Refused,
        ashpd::Error::PortalNotFound(_) | ashpd::Error::RequiresVersion(..) | ashpd::Error::Zbus(_) => {
            ScreenError::Unsupported(error.to_string())
        }
        other => ScreenError::Failed(other.to_string()),
    }
}

/// The path of a `file:` URI with its percent escapes undone.
fn path_of(uri: &str) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;

    let escaped = uri.strip_prefix("file://")?.as_bytes();
    let mut path = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, tail @ ..]) = (first, tail) {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            path.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
            rest = tail;
        } else {
            path.push(*first);
            rest = tail;
        }
    }
    path.starts_with(b"/").then(|| std::ffi::OsString::from_vec(path).into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::path_of;

    #[test]
    fn file_uris_become_paths() {
        assert_eq!(path_of("file:///tmp/a%20b.png").as_deref(), Some(Path::new("/tmp/a b.png")));
        assert_eq!(path_of("file:///tmp/%C3%A4.png").as_deref(), Some(Path::new("/tmp/ä.png")));
        assert_eq!(path_of("file:///tmp/%zz.png"), None);
        assert_eq!(path_of("https://example.com/a.png"), None);
        assert_eq!(path_of("file://elsewhere/a.png"), None);
    }
}
