//! A line to the server that is cut after so many bytes, or on which a call stays for ever.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Where a call is cut, counted from its own first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// So many bytes of the request arrive.
    Request(usize),
    /// The request arrives, and so many bytes of the reply come back.
    Reply(usize),
}

/// Places that matter: nothing, the first byte, inside the head; all requests and replies here are longer.
pub(crate) const CUTS: [Cut; 7] = [
    Cut::Request(0),
    Cut::Request(1),
    Cut::Request(60),
    Cut::Request(160),
    Cut::Reply(0),
    Cut::Reply(1),
    Cut::Reply(60),
];

/// What of a call stays on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
    /// The request: the server never hears of it.
    Request,
    /// The reply: the server has done it.
    Reply,
}

/// What happens to the next call.
#[derive(Clone, Copy)]
enum Plan {
    Cut(Cut),
    /// The next call that begins so.
    Hold(&'static str, Stays),
}

#[derive(Default)]
struct Shared {
    server: Mutex<Option<SocketAddr>>,
    plan: Mutex<Option<Plan>>,
    held: Notify,
}

/// A proxy that passes everything on until it is told otherwise.
pub(crate) struct Line {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line that leads nowhere yet.
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let ours = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let ours = Arc::clone(&ours);
                // What breaks here is what the test wants to see.
                tokio::spawn(async move { pass(client, &ours).await.ok() });
            }
        });
        Ok(Self { address, shared, task })
    }

    /// A line to `server`.
    pub(crate) async fn to(server: SocketAddr) -> Result<Self> {
        let line = Self::open().await?;
        line.lead_to(server);
        Ok(line)
    }

    /// It leads there from now on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *lock(&self.shared.server) = Some(server);
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts the next call, and that one only.
    pub(crate) fn cut(&self, at: Cut) {
        *lock(&self.shared.plan) = Some(Plan::Cut(at));
    }

    /// Keeps the next call that begins so (`POST /api/decisions`), and that one only.
    pub(crate) fn hold(&self, begins: &'static str, what: Stays) {
        *lock(&self.shared.plan) = Some(Plan::Hold(begins, what));
    }

    /// Waits until it is kept.
    pub(crate) async fn held(&self) {
        self.shared.held.notified().await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(mut client: TcpStream, shared: &Shared) -> Result<()> {
    let server = lock(&shared.server).context("the line leads nowhere")?;
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut told) = ([0; 4_096], [0; 4_096]);
    let mut holds_reply = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let read = read?;
                match held(&shared.plan, &asked[..read]) {
                    Some(Stays::Request) => return stay(client, shared).await,
                    Some(Stays::Reply) => holds_reply = true,
                    None => {}
                }
                let (keep, goes_on) = share(&shared.plan, read, |cut| match cut {
                    Cut::Request(left) => Some(left),
                    Cut::Reply(_) => None,
                });
                server.write_all(&asked[..keep]).await?;
                if !goes_on { return Ok(()); }
            }
            read = server.read(&mut told) => {
                if holds_reply {
                    return stay(client, shared).await;
                }
                let (keep, goes_on) = share(&shared.plan, read?, |cut| match cut {
                    Cut::Reply(left) => Some(left),
                    Cut::Request(_) => None,
                });
                client.write_all(&told[..keep]).await?;
                if !goes_on { return Ok(()); }
            }
        }
    }
}

/// Nothing more passes; the connection lives until its client is gone.
async fn stay(mut client: TcpStream, shared: &Shared) -> Result<()> {
    shared.held.notify_one();
    while client.read(&mut [0; 4_096]).await? > 0 {}
    Ok(())
}

/// What of a call that begins with these bytes stays.
fn held(plan: &Mutex<Option<Plan>>, asked: &[u8]) -> Option<Stays> {
    let mut plan = lock(plan);
    match *plan {
        Some(Plan::Hold(begins, what)) if asked.starts_with(begins.as_bytes()) => {
            *plan = None;
            Some(what)
        }
        Some(Plan::Hold(..) | Plan::Cut(_)) | None => None,
    }
}

/// How many of `read` bytes go on, and whether the line lives after them.
fn share(plan: &Mutex<Option<Plan>>, read: usize, left: fn(&mut Cut) -> Option<&mut usize>) -> (usize, bool) {
    let mut plan = lock(plan);
    let left = match plan.as_mut() {
        Some(Plan::Cut(cut)) => left(cut),
        Some(Plan::Hold(..)) | None => None,
    };
    let Some(left) = left else {
        return (read, read > 0);
    };
    if *left > read {
        *left -= read;
        return (read, read > 0);
    }
    let keep = *left;
    *plan = None;
    (keep, false)
}
