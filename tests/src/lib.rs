//! What the end-to-end tests are made of: a real server process, a real Chromium through chromedriver, the real app
//! in its real window through tauri-driver, on a display, a session bus and a keychain of their own.
//!
//! 1. [`stage::play`] gives a scenario its [`stage::Stage`] and keeps logs and pictures when it fails,
//! 2. [`server::Server`] runs `countersign-server` on a port and a data folder of its own,
//! 3. [`desktop::Desktop`] is a display, a session bus and a keychain,
//! 4. [`browser::Browser`] and [`page::LoginPage`] act on the login page as a person would,
//! 5. [`app::App`] acts on the app's window as a person would.
//!
//! Nothing here posts to the server's interface: every act goes through a page or the window.

pub mod accessibility;
pub mod app;
pub mod browser;
pub mod camera;
pub mod desktop;
pub mod display;
pub mod driver;
pub mod gate;
pub mod hostile;
pub mod keychain;
pub mod page;
pub mod patience;
pub mod ports;
pub mod process;
pub mod programs;
pub mod qr;
pub mod recorder;
pub mod script;
pub mod server;
pub mod stage;
pub mod traces;
pub mod ways_out;
