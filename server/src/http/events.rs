//! The WebSocket of a waiting page. Small on purpose: a waiting page costs its state machine and
//! 256 bytes to read into.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use http::HeaderMap;
use protocol::id::RequestId;
use protocol::wire::ProblemBody;

use super::App;
use super::extract::{Id, SameOrigin};
use super::problem::Problem;
use crate::service::{Next, Watch};

/// Pages have nothing to say.
const MESSAGE_LENGTH_MAX: usize = 1_024;
/// Holds any control frame (RFC 6455 §5.5: 125 bytes and a head of 6); it lasts as long as the socket.
const READ_BUFFER: usize = 256;
/// Longest time that one message may take to leave, and the goodbye to be answered.
const SEND_LIMIT: Duration = Duration::from_secs(10);
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Opens a WebSocket that tells the page each change of its request, the whole state each time.
///
/// Close codes: 1000 after a final state, 1001 when the node ends, 4000 for the oldest of too many.
#[utoipa::path(
    get, path = "/api/login-requests/{id}/events", tag = "page",
    params(("id" = RequestId, Path, description = "The request")),
    responses(
        (status = 101, description = "Messages are request states"),
        (status = "4XX", description = "A problem; 403 without the exact Origin", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    _: SameOrigin,
    Id(id): Id<RequestId>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let secret = app.cookies().page_secret(&headers, id);
    let watch = app.service().watch(id, secret.as_ref()).await?;
    let upgrade = upgrade.map_err(|_| Problem::malformed("This address speaks WebSocket"))?;
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MESSAGE_LENGTH_MAX)
        .max_frame_size(MESSAGE_LENGTH_MAX)
        .on_upgrade(move |socket| serve(socket, watch)))
}

async fn serve(mut socket: WebSocket, mut watch: Watch) {
    loop {
        let next = tokio::select! {
            next = watch.next() => next,
            heard = socket.recv() => match heard {
                // Whatever a page says changes nothing.
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        let (message, last) = match next {
            Next::Show(body) => match serde_json::to_string(&body) {
                Ok(text) => (Message::Text(text.into()), false),
                Err(_) => return,
            },
            Next::Close(closing) => {
                let frame = CloseFrame { code: closing.code(), reason: "".into() };
                (Message::Close(Some(frame)), true)
            }
        };
        match tokio::time::timeout(SEND_LIMIT, socket.send(message)).await {
            Ok(Ok(())) if last => break,
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    // The seat and the node need not wait for the page's own goodbye.
    drop(watch);
    let _ =
        tokio::time::timeout(GOODBYE_LIMIT, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}
