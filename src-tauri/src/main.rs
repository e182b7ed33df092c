//! The program: everything is in the library, so that it can be tested.

// No console window beside the app on Windows.
#![cfg_attr(windows, windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    countersign::run()
}
