//! A line between two parts that can be cut and healed: its near end stays where it is, whatever happens at the far one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// They pass.
    Whole,
    /// They wait, and pass once it is whole again, as TCP has it when a cable was pulled for a moment.
    Silent,
    /// Connections end, and new ones end at once.
    Cut,
}

/// A line that passes everything on until it is told otherwise.
#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    state: watch::Sender<State>,
    far: Arc<Mutex<Option<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Line {
    /// A line that leads nowhere yet.
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State::Whole);
        let far = Arc::<Mutex<Option<SocketAddr>>>::default();
        let (states, leads) = (state.clone(), Arc::clone(&far));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (states, leads) = (states.clone(), Arc::clone(&leads));
                // What breaks here is what its ends are to see.
                tokio::spawn(async move { pass(near, &states, &leads).await.ok() });
            }
        });
        Ok(Self { address, state, far, task })
    }

    /// A line to a port of this machine.
    pub(crate) async fn to(port: u16) -> Result<Self> {
        let line = Self::open().await?;
        line.lead_to(SocketAddr::from(([127, 0, 0, 1], port)));
        Ok(line)
    }

    /// New connections lead there from now on.
    pub(crate) fn lead_to(&self, far: SocketAddr) {
        *self.far.lock().unwrap_or_else(PoisonError::into_inner) = Some(far);
    }

    /// Where it begins.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// It is so from now on, for connections that are there, too.
    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(near: TcpStream, states: &watch::Sender<State>, far: &Mutex<Option<SocketAddr>>) -> Result<()> {
    let mut state = states.subscribe();
    if *state.wait_for(|state| *state != State::Silent).await? == State::Cut {
        bail!("cut");
    }
    let far = far.lock().unwrap_or_else(PoisonError::into_inner).context("it leads nowhere")?;
    let far = TcpStream::connect(far).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let there = carry(near_read, far_write, states.subscribe());
    let back = carry(far_read, near_write, states.subscribe());
    tokio::select! {
        done = async { tokio::try_join!(there, back) } => done.map(drop),
        _ = state.wait_for(|state| *state == State::Cut) => Ok(()),
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) -> Result<()> {
    let mut block = vec![0; 16 * 1_024];
    loop {
        let read = from.read(&mut block).await?;
        state.wait_for(|state| *state != State::Silent).await?;
        if read == 0 {
            return Ok(to.shutdown().await?);
        }
        to.write_all(&block[..read]).await?;
    }
}
