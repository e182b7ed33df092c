//! Pushes each view state to the webview, and lets the settings take effect in the system.

use authenticator::Handle;
use authenticator::view::{Screen, ViewState};
use tauri::{AppHandle, Emitter};

use crate::{login_start, tray};

/// Event with the whole view state.
const VIEW: &str = "view";

/// Runs until the controller ends.
pub(crate) async fn run(app: AppHandle, authenticator: Handle) {
    let mut view = authenticator.view();
    let mut settings = None;
    while view.changed().await.is_ok() {
        let state = view.borrow_and_update().clone();
        if let Err(error) = app.emit_to(crate::window::MAIN, VIEW, &state) {
            tracing::error!(error = %error, "A view state did not reach the window");
        }
        // Before they are read, the settings are defaults that nobody chose.
        if is_read(&state) && settings.as_ref() != Some(&state.settings) {
            login_start::set(&app, state.settings.start_at_login);
            tray::set_language(&app, state.settings.language);
            settings = Some(state.settings);
        }
    }
}

fn is_read(state: &ViewState) -> bool {
    !matches!(state.screen, Screen::Loading | Screen::StartTrouble { .. })
}
