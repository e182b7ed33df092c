//! What the webview can call. Each forwards one message; `ui/src/lib/tauriBridge.ts` is the other end.

#![expect(clippy::needless_pass_by_value, reason = "Tauri hands arguments over by value")]

use authenticator::Handle;
use authenticator::command::Command;
use authenticator::view::ViewState;
use serde::Serialize;
use tauri::ipc::{InvokeBody, Request, Response};
use tauri::{AppHandle, State};
use tauri_plugin_clipboard_manager::ClipboardExt;

use crate::clipboard_picture;

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

/// The newest preview picture after the one numbered `after` (0: any): its number in eight bytes, lowest first, then its
/// JPEG. Empty when the camera is closed or sends nothing for a second.
#[tauri::command]
pub(crate) async fn next_frame(authenticator: State<'_, Handle>, after: u64) -> Result<Response, CallError> {
    let Some(frame) = authenticator.preview().next(after).await else {
        return Ok(Response::new(Vec::new()));
    };
    Ok(Response::new([&frame.seq.to_le_bytes(), &*frame.jpeg].concat()))
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
