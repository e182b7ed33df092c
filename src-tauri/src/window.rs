//! The one window: showing, hiding and closing it.

use std::time::Duration;

use authenticator::view::{CameraState, Screen, ViewState};
use authenticator::{Handle, WindowEvent as Seen};
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, DragDropEvent, Manager, Url, WindowEvent, Wry};

use crate::{dropped, tray};

/// Label of the window.
pub(crate) const MAIN: &str = "main";

/// How often a window with the camera on is looked at: letting go of a camera takes a while too, and both together stay
/// below a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Keeps the window on its own page: whatever is dropped, pasted or injected, it never shows another one.
pub(crate) fn stay() -> TauriPlugin<Wry> {
    tauri::plugin::Builder::new("stay")
        .on_navigation(|_, to| {
            let own = is_own(to);
            if !own {
                tracing::warn!(scheme = to.scheme(), "The window was led away and stays");
            }
            own
        })
        .build()
}

/// Where Tauri puts the page inside the program on this system. Elsewhere the other name is an address of the network: on
/// Linux and macOS `http://tauri.localhost` is whatever listens on this machine.
const OWN: (&str, &str) = if cfg!(any(windows, target_os = "android")) {
    ("http", "tauri.localhost")
} else {
    ("tauri", "localhost")
};

/// The page inside the program, or the one under development.
fn is_own(page: &Url) -> bool {
    let at = |scheme: &str, host: &str, port: Option<u16>| {
        page.scheme() == scheme
            && page.host_str() == Some(host)
            && page.port() == port
            && page.username().is_empty()
            && page.password().is_none()
    };
    at(OWN.0, OWN.1, None)
        || (tauri::is_dev() && at("http", "localhost", Some(5173)))
        || page.as_str() == "about:blank"
}

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
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => dropped::take(app, paths),
        _ => {}
    }
}

/// Tells when the window is minimised while the camera is on, and when it comes back. Systems name that event differently
/// or not at all, so it is looked for, as long as it matters. Runs until the controller ends.
pub(crate) async fn watch(app: AppHandle, authenticator: Handle) {
    let mut view = authenticator.view();
    while view.wait_for(has_camera_on).await.is_ok() {
        let mut minimised = false;
        while minimised || has_camera_on(&view.borrow()) {
            let Some(window) = app.get_webview_window(MAIN) else { return };
            let seen = window.is_minimized().unwrap_or(false);
            if seen != minimised {
                minimised = seen;
                authenticator.window(if seen { Seen::Hidden } else { Seen::Shown }).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn has_camera_on(state: &ViewState) -> bool {
    matches!(&state.screen, Screen::Scan { camera, .. } if *camera != CameraState::Off)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_on_its_own_page() {
        let own = format!("{}://{}", OWN.0, OWN.1);
        for own in [own.clone(), format!("{own}/index.html"), "about:blank".to_owned()] {
            assert!(is_own(&own.parse().unwrap()), "{own}");
        }
        for other in [
            "https://example.com/",
            "http://localhost/",
            "http://localhost:8080/",
            "tauri://example.com/",
            "tauri://localhost:8080/",
            "tauri://ada@localhost/",
            "https://tauri.localhost/",
            "http://tauri.localhost:8080/",
            "http://ipc.localhost/",
            "http://tauri.localhost.example.com/",
            "file:///etc/passwd",
            "data:text/html,x",
            "javascript:alert(1)",
            "about:srcdoc",
        ] {
            assert!(!is_own(&other.parse().unwrap()), "{other}");
        }
    }
}
