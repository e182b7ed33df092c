//! A bare connection, for what no HTTP client would send.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// A connection that speaks bytes.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects from an address of one's own.
    ///
    /// # Errors
    /// When the server does not take the connection.
    pub(crate) async fn connect(to: SocketAddr, from: Option<IpAddr>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        Ok(Self { stream: socket.connect(to).await.context("the server takes no connection")? })
    }

    /// Sends bytes; whether the server still took them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// All that comes until the server ends the connection, at most so long. The flag says whether it ended it.
    pub(crate) async fn read_to_end(&mut self, limit: Duration) -> (String, bool) {
        let mut all = Vec::new();
        let mut block = [0; 4096];
        let reading = async {
            loop {
                match self.stream.read(&mut block).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => all.extend_from_slice(&block[..count]),
                }
            }
        };
        let ended = tokio::time::timeout(limit, reading).await.is_ok();
        (String::from_utf8_lossy(&all).into_owned(), ended)
    }

    /// Reads until `wanted` is among what came; what came. The text is short of it when the connection ends or the limit is over.
    pub(crate) async fn read_until(&mut self, wanted: &str, limit: Duration) -> String {
        let mut all = Vec::new();
        let mut block = [0; 4096];
        let reading = async {
            while !String::from_utf8_lossy(&all).contains(wanted) {
                match self.stream.read(&mut block).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => all.extend_from_slice(&block[..count]),
                }
            }
        };
        let _in_time = tokio::time::timeout(limit, reading).await;
        String::from_utf8_lossy(&all).into_owned()
    }
}
