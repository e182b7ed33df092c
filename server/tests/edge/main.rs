//! The server as its operator meets it: the real program with its exit codes, files, listeners and signals.

mod cli;
mod program;
mod serve;
mod tls;
mod waiting;
