//! The authenticator without its window.
//!
//! The person's acts come in as [`command::Command`], the whole [`view::ViewState`] goes out after each change. The
//! TypeScript types of both are written by `cargo run -p authenticator --example export-types` into `ui/src/generated`
//! (one file a type, `index.ts` exports them all).

pub mod command;
pub mod enrolment_code;
pub mod error_code;
pub mod foreign;
pub mod keychain;
pub mod ports;
pub mod server_client;
pub mod view;
pub mod warnings;
