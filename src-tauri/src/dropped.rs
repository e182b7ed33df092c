//! What is dropped onto the window. The system hands paths to the program: the webview of GTK shows a page none of the
//! files that are dropped onto it, and no webview shows them while the program listens.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use authenticator::Handle;
use authenticator::command::Command;
use authenticator::view::Screen;
use scanner::picture::MAX_FILE_BYTES;
use tauri::{AppHandle, Manager};

/// Takes the first thing that was dropped, where the window is open to it.
pub(crate) fn take(app: &AppHandle, dropped: &[PathBuf]) {
    let Some(authenticator) = app.try_state::<Handle>() else { return };
    let authenticator = authenticator.inner().clone();
    let Some(path) = dropped.first().cloned() else { return };
    if !is_open(&authenticator.view().borrow().screen) {
        return;
    }
    tauri::async_runtime::spawn(async move {
        if let Some(link) = link(&path) {
            return authenticator.send(Command::ScanText { text: link.to_owned() }).await;
        }
        // A disk may take its time.
        let read = tauri::async_runtime::spawn_blocking(move || read(&path)).await;
        match read {
            Ok(Ok(picture)) => authenticator.picture(picture).await,
            Ok(Err(error)) => failed(&authenticator, &error).await,
            Err(error) => failed(&authenticator, &error).await,
        }
    });
}

async fn failed(authenticator: &Handle, error: &(dyn std::error::Error + Sync)) {
    let details = format!("open the dropped file: {error}");
    authenticator.send(Command::PictureFailed { details }).await;
}

/// Views that take a picture or a link from anywhere in the window; `ui/src/App.svelte` has the same list for pasting.
fn is_open(screen: &Screen) -> bool {
    matches!(
        screen,
        Screen::Scan { .. }
            | Screen::FirstStart
            | Screen::AddAccount { .. }
            | Screen::ForeignText { .. }
            | Screen::Outcome { .. }
    )
}

/// A link that was dragged out of a browser comes where paths come.
fn link(dropped: &Path) -> Option<&str> {
    dropped.to_str().filter(|text| !dropped.is_absolute() && text.contains(':'))
}

/// The file's bytes; one more than a picture may have is enough for it to be refused as too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Neither a folder nor something that never ends.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dragged_link_is_told_from_a_path() {
        assert_eq!(link(Path::new("https://login.example.com/Q/X")), Some("https://login.example.com/Q/X"));
        assert_eq!(link(Path::new("/home/ada/a:b.png")), None);
        assert_eq!(link(Path::new("")), None);
    }

    #[test]
    fn no_more_of_a_huge_file_is_read_than_refuses_it() {
        let folder = tempfile::tempdir().unwrap();
        let huge = folder.path().join("huge.png");
        File::create(&huge).unwrap().set_len(MAX_FILE_BYTES * 100).unwrap();
        assert_eq!(read(&huge).unwrap().len() as u64, MAX_FILE_BYTES + 1);
    }

    #[test]
    fn folders_devices_and_nothing_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path(), Path::new("/dev/zero"), &folder.path().join("gone.png")] {
            assert!(read(path).is_err(), "{}", path.display());
        }
    }
}
