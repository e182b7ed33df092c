//! From an approval to the page's session.

use std::time::Instant;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use protocol::request::Phase;

use crate::crew::Pair;
use crate::login;
use crate::statistics::Times;
use crate::subject::Subject;
use crate::waiting::{self, Socket};

/// One login after the other, its page on a WebSocket of `page_node`. The clock runs from the sending of the approval to the
/// answer that sets the session.
pub(crate) async fn time(subject: &Subject, pair: &mut Pair, page_node: usize, count: u32) -> Result<Times> {
    let mut times_ms = Vec::new();
    for _ in 0..count {
        let started = login::start(&mut pair.page, &mut pair.at_page).await?;
        let mut socket = waiting::socket(subject.address(page_node), &subject.origin, &started).await?;
        let statement = login::scan(&mut pair.device, &mut pair.at_app, &started, &mut pair.at_page).await?;
        let body = login::sign(&pair.device, &statement)?;
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let clock = Instant::now();
        let (page, at_page) = (&mut pair.page, &mut pair.at_page);
        let signed_in = async {
            until_approved(&mut socket).await?;
            login::redeem(page, &started, at_page).await?;
            anyhow::Ok(clock.elapsed())
        };
        let (decided, signed_in) = tokio::join!(login::decide(&body, &mut pair.at_app), signed_in);
        decided?;
        times_ms.push(signed_in?.as_secs_f64() * 1_000.0);
    }
    Ok(Times::of(times_ms))
}

async fn until_approved(socket: &mut Socket) -> Result<()> {
    loop {
        let message = socket.next().await.context("the socket closed before the approval")??;
        if message.is_text() && waiting::phase(message.to_text()?)? == Phase::Approved {
            return Ok(());
        }
    }
}
