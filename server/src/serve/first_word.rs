//! A connection that says nothing is let go of: the timers of HTTP start once it is known which version is spoken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// As long as the preface of HTTP/2 (RFC 9113 §3.4): with so many bytes the version is known.
const PREFACE_LENGTH: usize = 24;

/// Accepts as `inner` does, and waits `limit` for what comes first then.
#[derive(Clone, Debug)]
pub(super) struct FirstWord<A> {
    inner: A,
    limit: Duration,
}

/// A stream that fails when too little is read from it in time.
pub(super) struct Impatient<S> {
    stream: S,
    /// Bytes that have come, up to [`PREFACE_LENGTH`].
    heard: usize,
    /// Until so many have come.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<A> FirstWord<A> {
    pub(super) const fn new(inner: A, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<I, S, A> Accept<I, S> for FirstWord<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Impatient<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let limit = self.limit;
        let accepting = self.inner.accept(stream, service);
        accepting
            .map(move |accepted| accepted.map(|(stream, service)| (Impatient::new(stream, limit), service)))
            .boxed()
    }
}

impl<S> Impatient<S> {
    fn new(stream: S, limit: Duration) -> Self {
        Self { stream, heard: 0, patience: Some(Box::pin(sleep(limit))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.heard = PREFACE_LENGTH.min(self.heard + buffer.filled().len() - before);
            if self.heard == PREFACE_LENGTH {
                self.patience = None;
            }
            return Poll::Ready(read);
        }
        match &mut self.patience {
            Some(patience) => patience.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into())),
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_let_go_of() {
        for said in ["", "PRI * HTTP/2.0\r\n"] {
            let (mut client, stream) = duplex(64);
            let mut server = Impatient::new(stream, Duration::from_millis(1));
            client.write_all(said.as_bytes()).await.unwrap();
            let refused = server.read_exact(&mut [0; PREFACE_LENGTH]).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{said}");
        }
    }

    #[tokio::test]
    async fn one_that_has_spoken_may_be_silent_after_that() {
        let (mut client, stream) = duplex(64);
        let mut server = Impatient::new(stream, Duration::from_mins(10));
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        server.read_exact(&mut [0; PREFACE_LENGTH]).await.unwrap();
        assert!(server.patience.is_none());
        server.write_u8(8).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 8);
    }
}
