//! The authenticator without its window: everything the app knows and does, but drawing and the operating system.
//!
//! One sign-in, from here (the ceremony itself is in `docs/protocol.md`):
//!
//! 1. [`Handle::start`] reads the keychain ([`ports::Vault`]) and the accounts file ([`accounts`]).
//! 2. The person's acts come in as [`command::Command`], pictures and links beside them; the whole [`view::ViewState`]
//!    goes out after each change.
//! 3. A code is read by crate `scanner` and judged by `protocol::link`: a login code of an enrolled server goes to that
//!    server ([`server_client`]), an enrolment code asks "Contact HOST?", everything else is shown ([`foreign`]).
//! 4. The server's context becomes the prompt, its [`warnings`] first. The decision is signed over exactly those bytes and
//!    sent until there is an answer.
//! 5. After an approval the page's session is waited for; the [`activity`] of each account is looked at every minute, and
//!    has to extend what was seen before.
//!
//! Invariants: keys and tokens leave this crate towards the keychain and their own server only, never towards a view
//! state, a log or `Debug`; a server is contacted by exact origin, and only when an account is enrolled there or the person
//! said yes to its name; whatever else a code holds is never followed.
//!
//! The TypeScript types of views, commands and errors are written by `cargo run -p authenticator --example export-types`
//! into `ui/src/generated` (one file a type, `index.ts` exports them all).

pub mod accounts;
pub mod activity;
pub mod command;
mod controller;
pub mod describe;
pub mod enrolment_code;
pub mod error_code;
mod facing;
pub mod foreign;
pub mod keychain;
pub mod pin;
pub mod ports;
pub mod secrets;
pub mod server_client;
pub mod view;
pub mod warnings;

pub use controller::{Config, Handle, Ports, PreviewHandle, WindowEvent};
pub use protocol::wire::DeviceKind;
pub use scanner::camera::PreviewFrame;
