//! Builds the app: one instance, one window, the controller behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authenticator::ports::System;
use authenticator::view::Language;
use authenticator::{Config, DeviceKind, Handle, Ports};
use tauri::webview::PageLoadEvent;
use tauri::{App, AppHandle, Context, Manager, Wry};
use tauri_plugin_window_state::StateFlags;

use crate::arguments::{self, Invocation, Opening};
use crate::commands;
use crate::keychain_store::KeychainStore;
use crate::notices::SystemNotifier;
use crate::{logging, push, tray, window};

/// The window toolkit is up.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether the window toolkit came up in this process.
pub(crate) fn has_started() -> bool {
    STARTED.load(Ordering::Relaxed)
}

/// Runs the app until it quits. In a second instance it hands `opening` to the first and ends the process.
///
/// # Errors
/// The window or a plugin could not be built.
pub(crate) fn run(opening: Opening) -> tauri::Result<()> {
    let hidden = opening.hidden;
    tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _folder| second_start(app, arguments)))
        .plugin(window::stay())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_autostart::Builder::new().arg(arguments::HIDDEN).build())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .invoke_handler(tauri::generate_handler![
            commands::view,
            commands::send,
            commands::next_frame,
            commands::read_picture,
            commands::paste_picture,
            commands::copy_text,
            commands::log_ui,
        ])
        .on_page_load(move |webview, load| {
            // Shown when there is something to see, so that no blank window flashes up.
            if load.event() == PageLoadEvent::Finished && !hidden {
                window::show(webview.app_handle());
            }
        })
        .on_window_event(|window, event| window::event(window.app_handle(), event))
        .setup(move |app| {
            STARTED.store(true, Ordering::Relaxed);
            set_up(app, opening)?;
            Ok(())
        })
        .build(context())?
        .run(|app, event| handle_run_event(app, &event));
    Ok(())
}

/// What the build put together. The page has no network: what its content security policy does not govern (a `preconnect`)
/// is sent to a port where nothing answers. A page under development comes from a server of its own.
fn context() -> Context<Wry> {
    let mut context = tauri::generate_context!();
    if tauri::is_dev() {
        for window in &mut context.config_mut().app.windows {
            window.proxy_url = None;
        }
    }
    context
}

/// Whether texts outside the webview are German.
pub(crate) fn is_german(language: Language) -> bool {
    match language {
        Language::De => true,
        Language::En => false,
        Language::System => ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .is_some_and(|locale| locale.to_ascii_lowercase().starts_with("de")),
    }
}

fn set_up(app: &App, opening: Opening) -> tauri::Result<()> {
    logging::start(app.path().app_log_dir().ok().as_deref());
    let version = app.package_info().version.to_string();
    tracing::info!(version, "Countersign starts");

    let config = Config {
        accounts_file: app.path().app_data_dir()?.join("accounts.json"),
        documents: app.path().document_dir().or_else(|_| app.path().home_dir())?,
        device_name: gethostname::gethostname().to_string_lossy().into_owned(),
        device_kind: DEVICE_KIND,
        version,
    };
    let system = Arc::new(System::new());
    let ports = Ports {
        vault: KeychainStore,
        clock: system.clone(),
        random: system,
        notifier: Arc::new(SystemNotifier(app.handle().clone())),
    };
    let authenticator = tauri::async_runtime::block_on(async { Handle::start(config, ports) });

    app.manage(authenticator.clone());
    tauri::async_runtime::spawn(push::run(app.handle().clone(), authenticator.clone()));
    tauri::async_runtime::spawn(window::watch(app.handle().clone(), authenticator));
    tray::add(app.handle());
    if let Some(link) = opening.link {
        hand_over(app.handle(), link);
    }
    Ok(())
}

/// Somebody started the program again: its link comes here, and the window comes to the front.
fn second_start(app: &AppHandle, arguments: Vec<String>) {
    match arguments::parse(arguments.into_iter().skip(1).map(Into::into)) {
        Invocation::Open(opening) => {
            if let Some(link) = opening.link {
                hand_over(app, link);
            }
            if !opening.hidden {
                window::show(app);
            }
        }
        // These ended in the other process.
        Invocation::ScanFile(_) | Invocation::Version | Invocation::Help | Invocation::Wrong(_) => {}
    }
}

fn hand_over(app: &AppHandle, link: String) {
    let Some(authenticator) = app.try_state::<Handle>() else { return };
    let authenticator = authenticator.inner().clone();
    tauri::async_runtime::spawn(async move { authenticator.link(link).await });
}

#[cfg(not(target_os = "macos"))]
fn handle_run_event(_app: &AppHandle, _event: &tauri::RunEvent) {}

/// macOS hands links over as an event and keeps an app without windows in the dock.
#[cfg(target_os = "macos")]
fn handle_run_event(app: &AppHandle, event: &tauri::RunEvent) {
    match event {
        tauri::RunEvent::Opened { urls } => {
            for url in urls {
                hand_over(app, url.to_string());
            }
            window::show(app);
        }
        tauri::RunEvent::Reopen { .. } => window::show(app),
        _ => {}
    }
}

const DEVICE_KIND: DeviceKind = if cfg!(target_os = "linux") {
    DeviceKind::Linux
} else if cfg!(target_os = "macos") {
    DeviceKind::Macos
} else if cfg!(windows) {
    DeviceKind::Windows
} else {
    DeviceKind::Other
};
