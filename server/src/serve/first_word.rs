//! The first bytes of a connection: one that says nothing is let go of, and so is one that speaks HTTP/2.
//!
//! The timers of HTTP/1 start once it is known that HTTP/1 is spoken. HTTP/2 has none: a connection without a call stays
//! for as long as its client likes, and nothing here needs it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How the preface of HTTP/2 begins (RFC 9113 §3.4), and no method of HTTP/1.
const HTTP_2: [u8; 3] = *b"PRI";

/// Accepts as `inner` does, and waits `limit` for what comes first then.
#[derive(Clone, Debug)]
pub(super) struct FirstWord<A> {
    inner: A,
    limit: Duration,
}

/// A stream that fails when too little is read from it in time, or HTTP/2.
pub(super) struct Impatient<S> {
    stream: S,
    /// The first bytes, and how many of them have come.
    first: [u8; HTTP_2.len()],
    heard: usize,
    /// Until all of these have come.
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
        Self { stream, first: [0; HTTP_2.len()], heard: 0, patience: Some(Box::pin(sleep(limit))) }
    }

    fn hear(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.patience.is_none() {
            return Ok(());
        }
        for (slot, byte) in self.first[self.heard..].iter_mut().zip(bytes) {
            *slot = *byte;
        }
        self.heard = HTTP_2.len().min(self.heard + bytes.len());
        if self.heard < HTTP_2.len() {
            return Ok(());
        }
        self.patience = None;
        if self.first == HTTP_2 { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
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
            return Poll::Ready(read.and_then(|()| self.hear(&buffer.filled()[before..])));
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
        for said in ["", "PR"] {
            let (mut client, stream) = duplex(64);
            let mut server = Impatient::new(stream, Duration::from_millis(1));
            client.write_all(said.as_bytes()).await.unwrap();
            let refused = server.read_exact(&mut [0; 3]).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "{said}");
        }
    }

    #[tokio::test]
    async fn http_2_is_refused_in_one_piece_or_in_many() {
        for piece in [1, 2, 16] {
            let (mut client, stream) = duplex(64);
            let mut server = Impatient::new(stream, Duration::from_mins(10));
            client.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
            let mut buffer = vec![0; piece];
            let refused = loop {
                match server.read(&mut buffer).await {
                    Ok(_) => {}
                    Err(refused) => break refused,
                }
            };
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{piece}");
        }
    }

    #[tokio::test]
    async fn one_that_has_spoken_may_be_silent_after_that() {
        let (mut client, stream) = duplex(64);
        let mut server = Impatient::new(stream, Duration::from_mins(10));
        client.write_all(b"GET").await.unwrap();
        server.read_exact(&mut [0; 3]).await.unwrap();
        assert!(server.patience.is_none());
        server.write_u8(8).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 8);
    }
}
