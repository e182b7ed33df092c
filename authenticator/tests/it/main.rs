//! The controller against a scripted server on loopback: every flow of docs/protocol.md from the authenticator's side, and
//! what happens when answers are lost, late or wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "the modules of one test binary")]

mod any_order;
mod app;
mod deciding;
mod disowning;
mod enrolling;
mod enrolling_again;
mod front;
mod hostile_codes;
mod hostile_server;
mod keeping;
mod lists;
mod pin;
mod recovery;
mod scanning;
mod server;
mod tls;
