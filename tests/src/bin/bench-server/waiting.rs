//! Pages that wait: a started request and an open WebSocket each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use protocol::request::Phase;
use protocol::wire::RequestBody;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::{COOKIE, ORIGIN};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::call::Connection;
use crate::login::{self, Started};
use crate::party::{Prover, nonce};
use crate::subject::Subject;

/// A page's socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Pages that wait for as long as this lives.
pub(crate) struct Waiting {
    /// Starts with an open socket per second.
    pub(crate) per_s: f64,
    readers: tokio::task::JoinSet<()>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.readers.abort_all();
    }
}

/// Opens `count` waiting pages, 32 at a time, and returns when each has its first state.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) async fn open(subject: &Subject, count: u32) -> Result<Waiting> {
    let clock = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..32 {
        let mut connection = Connection::open(&subject.origin).await?;
        let mut page = Prover::new(nonce(&mut connection).await?)?;
        let subject = subject.address();
        workers.spawn(async move {
            let mut sockets = Vec::new();
            for _ in (worker..count).step_by(32) {
                let started = login::start(&mut page, &mut connection).await?;
                let mut socket = socket(&subject, &started).await?;
                socket.next().await.context("the socket closed at once")??;
                sockets.push(socket);
            }
            anyhow::Ok(sockets)
        });
    }
    let mut sockets = Vec::new();
    while let Some(worker) = workers.join_next().await {
        sockets.extend(worker??);
    }
    let per_s = f64::from(count) / clock.elapsed().as_secs_f64();
    let mut readers = tokio::task::JoinSet::new();
    for mut socket in sockets {
        readers.spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    }
    // One round of renewed frames, so that what each page costs in the long run is there.
    tokio::time::sleep(Duration::from_secs(20)).await;
    Ok(Waiting { per_s, readers })
}

/// The page's socket for `started`.
pub(crate) async fn socket(subject: &impl AsRef<str>, started: &Started) -> Result<Socket> {
    let origin = subject.as_ref();
    let host = origin.trim_start_matches("http://");
    let mut request =
        format!("ws://{host}/api/login-requests/{}/events", started.id).into_client_request()?;
    request.headers_mut().insert(ORIGIN, origin.parse()?);
    request.headers_mut().insert(COOKIE, started.cookie.parse()?);
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1_024);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
    Ok(socket)
}

/// The state's word in a message.
pub(crate) fn phase(message: &str) -> Result<Phase> {
    Ok(serde_json::from_str::<RequestBody>(message)?.state)
}
