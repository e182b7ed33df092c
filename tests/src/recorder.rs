//! A proxy that hears everything: what crossed the wire in a story, so that its secrets can be looked for elsewhere.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Stands in front of a server that has its origin.
#[derive(Debug)]
pub struct Recorder {
    origin: String,
    heard: Arc<Mutex<Vec<u8>>>,
    listener: Option<TcpListener>,
    task: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Takes a port; [`Recorder::lead_to`] opens it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn new() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self { origin, heard: Arc::default(), listener: Some(listener), task: None })
    }

    /// The origin that browsers and authenticators see.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Lets everything through to the server at `address`.
    pub fn lead_to(&mut self, address: &str) {
        let (Some(listener), address) = (self.listener.take(), address.to_owned()) else { return };
        let heard = Arc::clone(&self.heard);
        self.task = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (address, heard) = (address.clone(), Arc::clone(&heard));
                // A connection that breaks is its owner's business.
                tokio::spawn(async move { pass(client, &address, &heard).await.ok() });
            }
        }));
    }

    /// Every value that followed one of `before` on the wire, up to a character that cannot be in a token, each once.
    ///
    /// # Errors
    /// When there was none.
    pub fn values(&self, before: &[&str]) -> Result<Vec<String>> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&heard);
        let mut found: Vec<String> = before
            .iter()
            .flat_map(|before| text.split(before).skip(1))
            .map(|rest| {
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect()
            })
            .filter(|value: &String| value.len() >= 8)
            .collect();
        found.sort();
        found.dedup();
        ensure!(!found.is_empty(), "nothing on the wire followed {before:?}");
        Ok(found)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn pass(client: TcpStream, address: &str, heard: &Mutex<Vec<u8>>) -> Result<()> {
    let server = TcpStream::connect(address).await.context("the server is gone")?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(hear(from_client, to_server, heard), hear(from_server, to_client, heard))?;
    Ok(())
}

/// Each direction by itself, so that what is said there is heard in one piece.
async fn hear(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: &Mutex<Vec<u8>>) -> Result<()> {
    let mut said = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut piece).await?;
        said.extend_from_slice(&piece[..length]);
        if length < piece.len() {
            heard.lock().unwrap_or_else(PoisonError::into_inner).append(&mut said);
        }
        if length == 0 {
            return Ok(to.shutdown().await?);
        }
        to.write_all(&piece[..length]).await?;
    }
}
