//! The window of the authenticator: Tauri commands that forward, and the adapters to the operating system.
//!
//! 1. [`run`] reads the command line. What needs no window (`scan FILE`, `--version`, `--help`) ends there.
//! 2. `app` builds the window; a second start hands its argument to the first and ends.
//! 3. The controller of crate `authenticator` owns all state. `commands` hands it the person's acts, `push` emits each
//!    view state to the webview.
//! 4. `dropped`, `keychain_store`, `notices`, `tray`, `login_start` and `logging` are the edges to the system.

mod app;
mod arguments;
#[cfg(test)]
mod boundary;
mod clipboard_picture;
mod commands;
mod dropped;
mod keychain_store;
mod logging;
mod login_start;
mod notices;
mod push;
mod scan_file;
mod start_again;
mod tray;
mod window;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use arguments::Invocation;

/// Exit code for a command line that is not understood (as `EX_USAGE`).
const EXIT_USAGE: u8 = 64;
/// Exit code when no window can be opened (as `EX_UNAVAILABLE`).
const EXIT_NO_DISPLAY: u8 = 69;
/// Exit code after a fault in this program (as `EX_SOFTWARE`).
const EXIT_FAULT: u8 = 70;

/// Runs the program to its end.
pub fn run() -> ExitCode {
    // Two TLS providers in one process panic at the first connection; this one is first. A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let opening = match arguments::parse(std::env::args_os().skip(1)) {
        Invocation::Version => return say(concat!("countersign ", env!("CARGO_PKG_VERSION"))),
        Invocation::Help => return say(arguments::HELP),
        Invocation::ScanFile(path) => return scan_file::run(&path),
        Invocation::Wrong(sentence) => {
            complain(&sentence);
            return ExitCode::from(EXIT_USAGE);
        }
        Invocation::Open(opening) => opening,
    };

    if !has_display() {
        complain(
            "Countersign needs a display and found none. Start it inside a graphical session (DISPLAY or WAYLAND_DISPLAY).",
        );
        return ExitCode::from(EXIT_NO_DISPLAY);
    }
    logging::quiet_panics();
    keep_no_core();
    match std::panic::catch_unwind(AssertUnwindSafe(|| app::run(opening))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            start_again::if_the_other_has_ended(&error);
            tracing::error!(error = %error, "The window could not be built");
            complain(&format!("Countersign could not open its window: {error}."));
            ExitCode::from(EXIT_NO_DISPLAY)
        }
        // The window toolkit panics instead of failing when the display refuses it.
        Err(_) if !app::has_started() => {
            complain(
                "Countersign could not open its window. Is the display there, and may this user use it?",
            );
            ExitCode::from(EXIT_NO_DISPLAY)
        }
        Err(_) => {
            complain("Countersign stopped because of a fault in this program. Its log has the details.");
            ExitCode::from(EXIT_FAULT)
        }
    }
}

/// A crash leaves no picture of the memory behind: keys and tokens are in it. One byte is too little for any core file,
/// and it is what keeps Linux from handing the memory to a program that collects crashes; no byte at all would not.
#[cfg(unix)]
fn keep_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Core).maximum.map_or(1, |most| most.min(1));
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(most), maximum: Some(most) }) {
        // The log has not begun, and the app works as well.
        complain(&format!("Core files stay on: {error}."));
    }
}

#[cfg(not(unix))]
fn keep_no_core() {}

/// Whether there is anything to open a window on.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Prints for the person who typed the command. A closed pipe is no fault of theirs.
fn say(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// Prints what went wrong.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
