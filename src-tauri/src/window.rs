//! The one window: showing, hiding and closing it.

use authenticator::{Handle, WindowEvent as Seen};
use tauri::{AppHandle, Manager, WindowEvent};

use crate::tray;

/// Label of the window.
pub(crate) const MAIN: &str = "main";

/// Brings the window to the front.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(error = %error, "The window did not come to the front");
    }
    tell(app, Seen::Shown);
}

/// What happens to the window.
pub(crate) fn event(app: &AppHandle, event: &WindowEvent) {
    match event {
        WindowEvent::CloseRequested { api, .. } if stays_in_tray(app) => {
            api.prevent_close();
            if let Some(window) = app.get_webview_window(MAIN)
                && let Err(error) = window.hide()
            {
                tracing::warn!(error = %error, "The window did not hide");
            }
            tell(app, Seen::Hidden);
        }
        WindowEvent::Destroyed => tell(app, Seen::Hidden),
        _ => {}
    }
}

fn stays_in_tray(app: &AppHandle) -> bool {
    // Without an icon to bring it back, a hidden window would be lost.
    tray::is_there(app)
        && app
            .try_state::<Handle>()
            .is_some_and(|authenticator| authenticator.view().borrow().settings.close_to_tray)
}

fn tell(app: &AppHandle, seen: Seen) {
    let Some(authenticator) = app.try_state::<Handle>() else { return };
    let authenticator = authenticator.inner().clone();
    tauri::async_runtime::spawn(async move { authenticator.window(seen).await });
}
