//! What stands in front of the scripted server and answers some calls itself, byte by byte: things that no web framework
//! would send.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::origin::Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::server::Server;

/// An answer that is not the server's.
#[derive(Clone, Debug)]
pub enum Trick {
    /// These bytes, then the connection ends.
    Bytes(Vec<u8>),
    /// The first bytes, then the second ones until the client has had enough.
    Endless(Vec<u8>, Vec<u8>),
    /// The first bytes, then the second ones now and then until the client has had enough.
    Drip(Vec<u8>, Vec<u8>),
    /// The server's own answer with more header lines.
    With(&'static str),
}

/// The scripted server behind the front that speaks for it.
pub struct Front {
    pub server: Server,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<HashMap<String, VecDeque<Trick>>>,
    heads: Mutex<Vec<String>>,
    sent: AtomicU64,
}

impl Front {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (server, behind) = Server::behind(origin).await;
        let shared = Arc::<Shared>::default();
        let given = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&given);
                // A client that has had enough breaks off.
                tokio::spawn(async move { answer(client, &shared, behind).await.ok() });
            }
        });
        Self { server, shared, task }
    }

    /// Answers the next `times` calls (`POST /api/scans`) so.
    pub fn play(&self, call: &str, trick: &Trick, times: usize) {
        let mut script = self.shared.script.lock().unwrap();
        script.entry(call.to_owned()).or_default().extend(std::iter::repeat_n(trick.clone(), times));
    }

    /// Lies no more.
    pub fn behave(&self) {
        self.shared.script.lock().unwrap().clear();
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// How many bytes of tricks went out so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request a connection.
async fn answer(mut client: TcpStream, shared: &Shared, behind: SocketAddr) -> std::io::Result<()> {
    let Some((head, body)) = request(&mut client).await? else { return Ok(()) };
    let mut line = head.split(' ');
    let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let call = format!("{method} {}", target.split('?').next().unwrap_or_default());
    shared.heads.lock().unwrap().push(head.clone());
    let trick = shared.script.lock().unwrap().get_mut(&call).and_then(VecDeque::pop_front);
    let send = async |client: &mut TcpStream, bytes: &[u8]| {
        client.write_all(bytes).await?;
        shared.sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok::<_, std::io::Error>(())
    };
    match trick {
        None => client.write_all(&usual(&head, &body, behind).await?).await,
        Some(Trick::With(lines)) => {
            let answer = usual(&head, &body, behind).await?;
            let end = answer.windows(2).position(|two| two == b"\r\n").map_or(0, |at| at + 2);
            client.write_all(&[&answer[..end], lines.as_bytes(), &answer[end..]].concat()).await
        }
        Some(Trick::Bytes(bytes)) => send(&mut client, &bytes).await,
        Some(Trick::Endless(first, more)) => {
            send(&mut client, &first).await?;
            loop {
                send(&mut client, &more).await?;
            }
        }
        Some(Trick::Drip(first, more)) => {
            send(&mut client, &first).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                send(&mut client, &more).await?;
            }
        }
    }
}

/// Head and body of a request; `None` when the client went away first.
async fn request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or(0) {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((head, body)))
}

/// The server's own answer, to its last byte.
async fn usual(head: &str, body: &[u8], behind: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(behind).await?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    server.write_all(body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}
