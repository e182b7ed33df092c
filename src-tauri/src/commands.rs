//! What the webview can call. Each forwards one message; `ui/src/lib/tauriBridge.ts` is the other end.

#![expect(clippy::needless_pass_by_value, reason = "Tauri hands arguments over by value")]

use std::sync::atomic::{AtomicU64, Ordering};

use authenticator::Handle;
use authenticator::command::Command;
use authenticator::view::ViewState;
use serde::Serialize;
use tauri::ipc::{InvokeBody, Request, Response};
use tauri::{AppHandle, State};
use tauri_plugin_clipboard_manager::ClipboardExt;

use crate::clipboard_picture;

/// Number of the last preview picture that the window got.
#[derive(Debug, Default)]
pub(crate) struct LastFrame(AtomicU64);

/// Why a call did nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallError {
    /// `read_picture` takes raw bytes.
    NotBytes,
    /// The system's clipboard refused.
    Clipboard,
}

/// The whole view state.
#[tauri::command]
pub(crate) fn view(authenticator: State<'_, Handle>) -> ViewState {
    authenticator.view().borrow().clone()
}

/// One act of the person.
#[tauri::command]
pub(crate) async fn send(authenticator: State<'_, Handle>, command: Command) -> Result<(), CallError> {
    authenticator.send(command).await;
    Ok(())
}

/// The next preview picture as JPEG; empty when the camera is closed or sends nothing for a second.
#[tauri::command]
pub(crate) async fn next_frame(
    authenticator: State<'_, Handle>,
    last: State<'_, LastFrame>,
) -> Result<Response, CallError> {
    let preview = authenticator.preview();
    let Some(frame) = preview.next(last.0.load(Ordering::Relaxed)).await else {
        return Ok(Response::new(Vec::new()));
    };
    last.0.store(frame.seq, Ordering::Relaxed);
    Ok(Response::new(frame.jpeg.to_vec()))
}

/// The bytes of a picture file, as the raw body of the call.
#[tauri::command]
pub(crate) async fn read_picture(
    authenticator: State<'_, Handle>,
    request: Request<'_>,
) -> Result<(), CallError> {
    let InvokeBody::Raw(bytes) = request.body() else { return Err(CallError::NotBytes) };
    authenticator.picture(bytes.clone()).await;
    Ok(())
}

/// The picture on the clipboard: the person pressed the paste keys, and the webview could not see one.
#[tauri::command]
pub(crate) async fn paste_picture(app: AppHandle, authenticator: State<'_, Handle>) -> Result<(), CallError> {
    // The owner of the clipboard is another program, which may take its time.
    let read = tauri::async_runtime::spawn_blocking(move || clipboard_picture::read(&app)).await;
    match read {
        Ok(Ok(picture)) => authenticator.picture(picture).await,
        Ok(Err(details)) => authenticator.send(Command::PictureFailed { details }).await,
        Err(error) => authenticator.send(Command::PictureFailed { details: error.to_string() }).await,
    }
    Ok(())
}

/// Puts text on the clipboard: the person pressed a button that says so.
#[tauri::command]
pub(crate) fn copy_text(app: AppHandle, text: String) -> Result<(), CallError> {
    app.clipboard().write_text(text).map_err(|error| {
        tracing::warn!(error = %error, "The clipboard refused a text");
        CallError::Clipboard
    })
}

/// A fault of the window, for the log.
#[tauri::command]
pub(crate) fn log_ui(message: String) {
    let message: String = message.chars().filter(|c| !c.is_control()).take(500).collect();
    tracing::error!(message, "The window reports a fault");
}
