//! A start beside an app that is about to end.
//!
//! The plugin that keeps the app single finds the other one's name on the session bus, hands its arguments over, and gives up
//! when the other one has gone meanwhile: somebody closed the window and opened the app again at once. The program then
//! starts once more in the same process, and finds the name free.

/// Counts the starts of this process after the first; for itself alone.
const COUNT: &str = "COUNTERSIGN_STARTED_AGAIN";
/// One other app can end beside each start, and that is rare enough.
const AGAIN_MAX: u32 = 3;

/// Puts a fresh start in the place of this process when `error` is such a farewell. Comes back when it is not.
#[cfg(unix)]
pub(crate) fn if_the_other_has_ended(error: &tauri::Error) {
    use std::os::unix::process::CommandExt as _;
    if !matches!(error, tauri::Error::PluginInitialization(plugin, _) if plugin == "single-instance") {
        return;
    }
    let count: u32 = std::env::var(COUNT).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let Ok(program) = std::env::current_exe() else { return };
    if count < AGAIN_MAX {
        let mut command = std::process::Command::new(program);
        command.args(std::env::args_os().skip(1)).env(COUNT, (count + 1).to_string());
        // It comes back only when the system refuses, and then the first error says enough.
        let _ = command.exec();
    }
}

/// Windows and macOS tell the other app by other means.
#[cfg(not(unix))]
pub(crate) fn if_the_other_has_ended(_: &tauri::Error) {}
