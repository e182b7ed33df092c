//! What the protocol's text promises to whoever writes a client from it: every call, header, status, name, message,
//! close code, deadline and limit. An attacker starts where a server is not what its text says.

mod approving;
mod cookies;
mod devices;
mod log;
mod public;
mod requests;
mod sessions;
mod sockets;
mod typing;

use super::Attack;
pub(super) use approving::another_number;
pub(super) use log::{rewrite, whole_activity};

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [
        public::all(),
        requests::all(),
        cookies::all(),
        sockets::all(),
        typing::all(),
        approving::all(),
        sessions::all(),
        devices::all(),
        log::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
