//! The server as its operator meets it: the real program with its exit codes, files, listeners and signals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli;
mod keys;
mod program;
mod serve;
mod signing_keys;
mod tls;
mod waiting;
