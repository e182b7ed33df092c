//! The authenticator without its window.
//!
//! The person's acts come in as [`command::Command`], the whole [`view::ViewState`] goes out after each change. The
//! TypeScript types of both are written by `cargo run -p authenticator --example export-types` into `ui/src/generated`
//! (one file a type, `index.ts` exports them all).

pub mod accounts;
pub mod activity;
pub mod command;
mod controller;
pub mod describe;
pub mod enrolment_code;
pub mod error_code;
pub mod foreign;
pub mod keychain;
pub mod ports;
pub mod secrets;
pub mod server_client;
pub mod view;
pub mod warnings;

pub use controller::{Config, Handle, Ports, PreviewHandle, WindowEvent};
pub use protocol::wire::DeviceKind;
pub use scanner::camera::PreviewFrame;
