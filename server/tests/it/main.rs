//! The server as its callers see it: a page and an authenticator speak HTTP to a node on a port of its own, and a test
//! moves its clock. Point numbers are those of docs/protocol.md, "What must hold".
#![allow(clippy::unwrap_used, unreachable_pub, reason = "a test fails by panicking and has no outside")]

mod support;

mod authorize;
mod authorize_attacks;
mod back_channel_logout;
mod back_channel_logout_retries;
mod crash;
mod deadlines;
mod device_grant;
mod embedded;
mod end_session;
mod enrolment;
mod figures;
mod forward_auth;
mod interface;
mod limits;
mod login;
#[cfg(unix)]
mod moved;
mod must_hold;
mod networks;
mod oauth;
mod proofs;
mod recovery;
mod rotation;
mod secrecy;
mod sessions;
mod shapes;
mod sockets;
mod statements;
mod verification;
