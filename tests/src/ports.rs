//! Ports of one's own.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// A port on 127.0.0.1 that was free a moment ago.
///
/// # Errors
/// When the system has none.
pub fn free() -> Result<u16> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on 127.0.0.1")?;
    Ok(socket.local_addr()?.port())
}
