//! Pages that wait: a started request and an open WebSocket each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use protocol::request::Phase;
use protocol::wire::RequestBody;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::{COOKIE, ORIGIN};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::login::{self, Started};
use crate::party;
use crate::subject::Subject;

/// A page's socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// How many start at once.
const AT_ONCE: u32 = 32;
/// Once for each page: its next frame comes 15 s after the last.
const ROUND: Duration = Duration::from_secs(15);

/// Pages that wait for as long as this lives.
#[derive(Default)]
pub(crate) struct Waiting {
    readers: JoinSet<()>,
    heard: Arc<Heard>,
}

/// How many started a second, and the subject's CPU time for each.
#[derive(Clone, Copy)]
pub(crate) struct Starts {
    pub(crate) per_s: f64,
    pub(crate) cpu_ms: f64,
}

/// What came over the sockets after their first word.
#[derive(Debug, Default)]
struct Heard {
    frames: AtomicU64,
    bytes: AtomicU64,
}

/// What a round of new frames costs.
pub(crate) struct Round {
    /// CPU time of the subject for each frame that it renewed and sent.
    pub(crate) cpu_ms: f64,
    /// Bytes of a message, without its header.
    pub(crate) bytes: f64,
}

impl Waiting {
    /// Opens `count` more, and returns when each has its first state.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) async fn open(&mut self, subject: &Subject, count: u32) -> Result<Starts> {
        let (clock, cpu_s) = (Instant::now(), subject.cpu_s()?);
        let mut workers = JoinSet::new();
        for worker in 0..AT_ONCE {
            let node = worker as usize;
            let mut connection = subject.connect(node).await?;
            let mut page = party::page(&mut connection).await?;
            let (address, origin) = (subject.address(node), subject.origin.clone());
            workers.spawn(async move {
                let mut sockets = Vec::new();
                for _ in (worker..count).step_by(AT_ONCE as usize) {
                    let started = login::start(&mut page, &mut connection).await?;
                    let mut socket = socket(address, &origin, &started).await?;
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
        let count = f64::from(count);
        let rate = Starts {
            per_s: count / clock.elapsed().as_secs_f64(),
            cpu_ms: (subject.cpu_s()? - cpu_s) * 1_000.0 / count,
        };
        for mut socket in sockets {
            let heard = Arc::clone(&self.heard);
            self.readers.spawn(async move {
                while let Some(Ok(message)) = socket.next().await {
                    heard.frames.fetch_add(1, Ordering::Relaxed);
                    heard.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
                }
            });
        }
        Ok(rate)
    }

    /// Waits until each has had a new frame, so that what a page costs in the long run is there.
    pub(crate) async fn round(&self, subject: &Subject) -> Result<Round> {
        let (frames, bytes, cpu_s) = (self.frames(), self.bytes(), subject.cpu_s()?);
        tokio::time::sleep(ROUND).await;
        let frames = (self.frames() - frames).max(1.0);
        Ok(Round {
            cpu_ms: (subject.cpu_s()? - cpu_s) * 1_000.0 / frames,
            bytes: (self.bytes() - bytes) / frames,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn frames(&self) -> f64 {
        self.heard.frames.load(Ordering::Relaxed) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn bytes(&self) -> f64 {
        self.heard.bytes.load(Ordering::Relaxed) as f64
    }
}

/// The page's socket for `started`.
pub(crate) async fn socket(address: SocketAddr, origin: &str, started: &Started) -> Result<Socket> {
    let (_, host) = origin.split_once("://").context("an origin has a scheme")?;
    let mut request =
        format!("ws://{host}/api/login-requests/{}/events", started.id).into_client_request()?;
    request.headers_mut().insert(ORIGIN, origin.parse()?);
    request.headers_mut().insert(COOKIE, started.cookie.parse()?);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1_024);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
    Ok(socket)
}

/// The state's word in a message.
pub(crate) fn phase(message: &str) -> Result<Phase> {
    Ok(serde_json::from_str::<RequestBody>(message)?.state)
}
