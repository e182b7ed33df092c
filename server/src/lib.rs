//! The reference server of Countersign: it shows login codes, hears what an authenticator decides, and signs the
//! waiting page in.
//!
//! One call, start to end:
//!
//! 1. [`config`] turns flags, environment and file into settings.
//! 2. [`serve`] binds the listener, fixes the public origin and puts the parts together.
//!
//! A handler extracts, calls one service function and maps the result. The service decides with the pure code of
//! crate `protocol`, and its store repeats the check in its own statement, so that two nodes cannot both win.

mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod counts;
pub mod data;
pub mod drain;
pub mod entropy;
pub mod forward_auth;
mod holes;
pub mod housekeeping;
pub mod http;
pub mod kill_point;
pub mod logging;
pub mod metrics;
pub mod oauth;
pub mod observe;
pub mod operator;
pub mod pages;
mod problem;
pub mod published;
pub mod seal;
pub mod serve;
pub mod server_keys;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod terminal_qr;
pub mod tls;
