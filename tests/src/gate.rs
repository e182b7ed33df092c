//! Things in the network: a gate in front of a server that lets no WebSocket through, a listener that notes whether
//! anybody came, and a site that has nothing to do with us.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy as some companies run it: calls pass, sockets do not.
#[derive(Debug)]
pub struct Gate {
    origin: String,
    refused: Arc<AtomicUsize>,
    listener: Option<TcpListener>,
    task: Option<JoinHandle<()>>,
}

impl Gate {
    /// Takes a port; [`Gate::lead_to`] opens it.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn new() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self { origin, refused: Arc::default(), listener: Some(listener), task: None })
    }

    /// The origin that browsers and authenticators see.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many sockets were refused so far.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Lets calls through to the server at `address`.
    pub fn lead_to(&mut self, address: &str) {
        let (Some(listener), address) = (self.listener.take(), address.to_owned()) else { return };
        let refused = Arc::clone(&self.refused);
        self.task = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (address, refused) = (address.clone(), Arc::clone(&refused));
                // A connection that breaks is the client's business.
                tokio::spawn(async move { pass(client, &address, &refused).await.ok() });
            }
        }));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Browsers open a fresh connection for a WebSocket, so the first head tells.
async fn pass(mut client: TcpStream, address: &str, refused: &AtomicUsize) -> Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    if String::from_utf8_lossy(&head).to_ascii_lowercase().contains("\r\nupgrade: websocket") {
        refused.fetch_add(1, Ordering::SeqCst);
        client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        return Ok(());
    }
    let mut server = TcpStream::connect(address).await?;
    server.write_all(&head).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A port where nobody should ever knock.
#[derive(Debug)]
pub struct Trap {
    address: String,
    visits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Trap {
    /// Listens on `127.0.0.1` at a port of its own.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn set() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let visits = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&visits);
        let task = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { address, visits, task })
    }

    /// `ADDRESS:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many connections came.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A site that answers every call with the same page.
#[derive(Debug)]
pub struct Site {
    url: String,
    task: JoinHandle<()>,
}

impl Site {
    /// Serves `html` on `127.0.0.1` at a port of its own.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn with_page(html: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{html}",
            html.len()
        );
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut head = [0; 4096];
                // Whoever breaks off gets no page.
                if client.read(&mut head).await.is_ok() {
                    let _sent = client.write_all(answer.as_bytes()).await;
                }
            }
        });
        Ok(Self { url, task })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}
