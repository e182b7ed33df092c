//! The listening socket and its end: bind first, know the port, then serve until told to stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpSocket;
use tracing::{info, warn};

use super::first_word::FirstWord;
use crate::drain::Drain;
use crate::tls::Tls;

/// How long a connection may wait for its first bytes and for the head of each call, so that slow and idle clients do not
/// hold it.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// Connections that wait to be accepted; many pages come back at once after a restart.
const BACKLOG: u32 = 4_096;

/// A socket that listens but does not accept yet.
pub(super) struct Bound {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

/// Binds `address`; port 0 becomes a real one.
///
/// # Errors
/// What the system said, above all that the port is taken.
pub(super) fn bind(address: SocketAddr) -> io::Result<Bound> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Unix this only skips the wait after a restart; on Windows it would share the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, address })
}

impl Bound {
    /// Where it listens, with the real port.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket alone, for a server of another kind.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn into_tokio(self) -> io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.listener)
    }

    /// Serves `router` until `stop` is ready; then says through `drain` that it leaves and goes on until `left` is ready;
    /// then takes no more connections, tells sockets through `drain`, and waits for what is open, at most `drain_limit`.
    ///
    /// # Errors
    /// What the system said when the socket could not be used.
    pub(super) async fn serve(
        self,
        router: Router,
        tls: Option<&Tls>,
        drain: &Drain,
        drain_limit: Duration,
        stop: impl Future<Output = ()>,
        left: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let handle = Handle::new();
        let app = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut server =
            axum_server::from_tcp(self.listener)?.handle(handle.clone()).acceptor(NoDelayAcceptor::new());
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
        let serving = async {
            match tls {
                Some(tls) => {
                    server
                        .map(|acceptor| RustlsAcceptor::new(tls.config()).acceptor(acceptor))
                        .map(|acceptor| FirstWord::new(acceptor, HEAD_LIMIT))
                        .serve(app)
                        .await
                }
                None => server.map(|acceptor| FirstWord::new(acceptor, HEAD_LIMIT)).serve(app).await,
            }
        };
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served,
            () = stop => drain.leave(),
        }
        tokio::select! {
            served = &mut serving => return served,
            () = left => {}
        }
        info!(sockets = drain.open(), limit_s = drain_limit.as_secs(), "Stopping: open calls may finish");
        drain.begin();
        handle.graceful_shutdown(Some(drain_limit));
        let (served, closed) = tokio::join!(serving, tokio::time::timeout(drain_limit, drain.closed()));
        if closed.is_err() {
            warn!(sockets = drain.open(), "Sockets were still open at the end of the drain limit");
        }
        served
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn a_call_that_is_open_at_the_end_is_answered() {
        let bound = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}/slow", bound.address());
        let (entered, mut in_call) = tokio::sync::mpsc::channel::<()>(1);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (go_on, gate) = tokio::sync::watch::channel(false);
        let slow = move || {
            let (entered, mut gate) = (entered.clone(), gate.clone());
            async move {
                entered.send(()).await.unwrap();
                gate.wait_for(|open| *open).await.unwrap();
                "finished"
            }
        };
        let drain = Drain::new();
        let node = tokio::spawn(async move {
            let router = Router::new().route("/slow", get(slow));
            let stop = async { stopped.await.unwrap() };
            bound.serve(router, None, &drain, Duration::from_secs(20), stop, std::future::ready(())).await
        });
        crate::tls::install_provider();
        let call = tokio::spawn(async move { reqwest::get(url).await.unwrap().text().await.unwrap() });
        in_call.recv().await.unwrap();
        stop.send(()).unwrap();
        go_on.send(true).unwrap();
        assert_eq!(call.await.unwrap(), "finished");
        node.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_node_that_leaves_serves_on_until_it_has_left() {
        let bound = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}/leaving", bound.address());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (leave, left) = tokio::sync::oneshot::channel::<()>();
        let drain = Drain::new();
        let (seen, mut guard) = (drain.clone(), drain.guard());
        let node = tokio::spawn(async move {
            let leaving = move || std::future::ready(seen.is_leaving().to_string());
            let router = Router::new().route("/leaving", get(leaving));
            let (stop, left) = (async { stopped.await.unwrap() }, async { left.await.unwrap() });
            bound.serve(router, None, &drain, Duration::from_secs(20), stop, left).await
        });
        crate::tls::install_provider();
        let leaving = || async { reqwest::get(&url).await.unwrap().text().await.unwrap() };
        assert_eq!(leaving().await, "false");
        stop.send(()).unwrap();
        while leaving().await == "false" {}
        assert!(futures_util::FutureExt::now_or_never(guard.draining()).is_none(), "sockets stay until then");
        leave.send(()).unwrap();
        guard.draining().await;
        drop(guard);
        node.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn http_2_is_not_spoken() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let bound = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = bound.address();
        let node = tokio::spawn(async move {
            let drain = Drain::new();
            let (stop, left) = (std::future::pending(), std::future::pending());
            bound.serve(Router::new(), None, &drain, Duration::ZERO, stop, left).await
        });
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let preface_and_empty_settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        client.write_all(preface_and_empty_settings).await.unwrap();
        let mut answer = Vec::new();
        // Closed or reset, but without an answer.
        let _ = client.read_to_end(&mut answer).await;
        assert_eq!(answer, Vec::<u8>::new());
        node.abort();
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_an_error() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let second = bind(first.address());
        assert_eq!(second.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    }
}
