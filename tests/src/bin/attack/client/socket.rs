//! The page's WebSocket, over an upgraded call, so that every header is the attack's own.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use super::{Answer, Call, Page, chance};

/// No message of the protocol takes longer on the slowest machine: the state comes again each 15 seconds.
const LIMIT: Duration = Duration::from_mins(3);

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<reqwest::Upgraded>,
}

/// What came over it.
#[derive(Debug)]
pub(crate) enum Event {
    /// A whole state.
    State(Value),
    /// The server closed it with this code.
    Closed(u16),
    /// The connection ended without a close frame.
    Cut,
}

impl Socket {
    /// Opens the socket of a page as its script does.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn open(page: &Page) -> Result<Self> {
        match Self::upgrade(Self::opening(page)).await? {
            Ok(socket) => Ok(socket),
            Err(answer) => bail!("{answer}; 101 was due"),
        }
    }

    /// The call that opens it, before the upgrade's own headers.
    pub(crate) fn opening(page: &Page) -> Call {
        page.call("GET", &page.path("/events"))
    }

    /// Adds the upgrade's headers and sends; the answer when there is no upgrade.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn upgrade(call: Call) -> Result<Result<Self, Answer>> {
        let call = call
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", BASE64.encode(&chance::bytes(16)));
        let response = call.send_unread().await?;
        if response.status().as_u16() != 101 {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await?.to_vec();
            return Ok(Err(Answer { call: "the socket".to_owned(), status, headers, body }));
        }
        let upgraded = response.upgrade().await.context("the connection was not upgraded")?;
        Ok(Ok(Self { stream: WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await }))
    }

    /// The next state or the end.
    ///
    /// # Errors
    /// When nothing comes for much longer than the protocol allows.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        loop {
            let message = tokio::time::timeout(LIMIT, self.stream.next())
                .await
                .with_context(|| format!("the socket said nothing for {} s", LIMIT.as_secs()))?;
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Ok(Event::State(
                        serde_json::from_str(&text).context("a message that is not JSON")?,
                    ));
                }
                Some(Ok(Message::Close(Some(frame)))) => return Ok(Event::Closed(frame.code.into())),
                Some(Ok(Message::Close(None))) => return Ok(Event::Closed(1005)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Event::Cut),
            }
        }
    }

    /// The next state.
    ///
    /// # Errors
    /// When the socket ends instead.
    pub(crate) async fn state(&mut self) -> Result<Value> {
        match self.next().await? {
            Event::State(state) => Ok(state),
            other => bail!("the socket ended ({other:?}) where a state was due"),
        }
    }

    /// Reads on until a state of this name comes.
    ///
    /// # Errors
    /// When the socket ends first.
    pub(crate) async fn until(&mut self, name: &str) -> Result<Value> {
        loop {
            let state = self.state().await?;
            if state["state"] == name {
                return Ok(state);
            }
        }
    }

    /// Reads on until the end; the close code, 1006 when there was none.
    ///
    /// # Errors
    /// When it stays open.
    pub(crate) async fn end(&mut self) -> Result<u16> {
        loop {
            match self.next().await? {
                Event::State(_) => {}
                Event::Closed(code) => return Ok(code),
                Event::Cut => return Ok(1006),
            }
        }
    }

    /// Sends a message; whether it could be sent.
    pub(crate) async fn send(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }
}
