//! The icon in the tray: show and quit.

use authenticator::view::Language;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};

use crate::app::is_german;
use crate::window;

/// The menu of the icon; there only when the system has a tray.
pub(crate) struct Tray {
    show: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Puts the icon into the tray. Without a tray the app works without it.
pub(crate) fn add(app: &AppHandle) {
    // The library of the tray is loaded at run time and panics where it is missing.
    let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| build(app)));
    match built {
        Ok(Ok(tray)) => {
            app.manage(tray);
        }
        Ok(Err(error)) => tracing::warn!(error = %error, "The tray took no icon"),
        Err(_) => tracing::warn!("This system has no tray for the icon"),
    }
}

/// Whether there is an icon that brings the window back.
pub(crate) fn is_there(app: &AppHandle) -> bool {
    app.try_state::<Tray>().is_some()
}

/// Writes the menu in the language of the window.
pub(crate) fn set_language(app: &AppHandle, language: Language) {
    let Some(tray) = app.try_state::<Tray>() else { return };
    let (show, quit) = words(language);
    if let Err(error) = tray.show.set_text(show).and_then(|()| tray.quit.set_text(quit)) {
        tracing::warn!(error = %error, "The menu of the tray kept its language");
    }
}

fn build(app: &AppHandle) -> tauri::Result<Tray> {
    let (show, quit) = words(Language::System);
    let show = MenuItem::with_id(app, "show", show, true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", quit, true, None::<&str>)?;
    let menu = Menu::with_items(app, &[&show, &quit])?;
    let mut builder = TrayIconBuilder::with_id("tray")
        .tooltip("Countersign")
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "show" => window::show(app),
            "quit" => app.exit(0),
            _ => {}
        })
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                window::show(tray.app_handle());
            }
        });
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    builder.build(app)?;
    Ok(Tray { show, quit })
}

fn words(language: Language) -> (&'static str, &'static str) {
    if is_german(language) { ("Countersign zeigen", "Beenden") } else { ("Show Countersign", "Quit") }
}
