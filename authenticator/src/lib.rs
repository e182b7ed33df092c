//! The authenticator without its window.
//!
//! The person's acts come in as [`command::Command`], the whole [`view::ViewState`] goes out after each change. The
//! TypeScript types of both are written by `cargo run -p authenticator --example export-types` into `ui/src/generated`
//! (one file a type, `index.ts` exports them all).

pub mod command;
pub mod error_code;
pub mod view;
