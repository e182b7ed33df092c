//! Starts the app with the system, when the person wants that.

use tauri::AppHandle;
use tauri_plugin_autostart::ManagerExt;

/// Makes the system's entry say what the setting says.
pub(crate) fn set(app: &AppHandle, wanted: bool) {
    let entry = app.autolaunch();
    let done = match (entry.is_enabled(), wanted) {
        (Ok(false), true) => entry.enable(),
        (Ok(true), false) => entry.disable(),
        (Ok(_), _) => Ok(()),
        (Err(error), _) => Err(error),
    };
    if let Err(error) = done {
        tracing::warn!(error = %error, wanted, "Starting with the system could not be set");
    }
}
