//! HTTP itself: smuggled, slow, oversized, half-open and pipelined requests on bare connections.

mod http2;
mod malformed;
mod slow;

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Attack;
use crate::ground::Ground;

/// How long a client may hold a connection without saying anything, in this suite's patience: the server's own limit is
/// half a minute.
const PATIENCE: Duration = Duration::from_mins(5);

/// No answer to a whole request takes longer, not even on a slow machine.
const SOON: Duration = Duration::from_mins(3);

/// How long an answer is looked for where none is as good as a refusal.
const A_WHILE: Duration = Duration::from_secs(10);

/// All of them; the slow ones first, so that they wait beside the others.
pub(super) fn all() -> Vec<Attack> {
    [slow::all(), http2::all(), malformed::all()].into_iter().flatten().collect()
}

fn status(seen: &str) -> u16 {
    seen.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn host(ground: &Ground) -> String {
    ground.http().origin().trim_start_matches("http://").to_owned()
}

/// Sends bytes, reads what comes; refused or cut, and never two answers.
async fn refused(ground: &Ground, bytes: &[u8]) -> Result<String> {
    let mut raw = ground.raw().await?;
    raw.send(bytes).await;
    let seen = raw.read_until("\r\n\r\n", A_WHILE).await;
    let (rest, _) = raw.read_to_end(Duration::from_millis(300)).await;
    let all = format!("{seen}{rest}");
    let text = String::from_utf8_lossy(bytes);
    let start: String = text.chars().take(120).collect();
    ensure!(all.is_empty() || (400..=505).contains(&status(&all)), "{start:?} got {all}");
    ensure!(all.matches("HTTP/1.1 ").count() <= 1, "{start:?} got two answers: {all}");
    ensure!(status(&all) != 500, "{start:?} got {all}");
    Ok(all.lines().next().unwrap_or("cut").to_owned())
}

async fn serves_others(ground: &Ground) -> Result<()> {
    let other = ground.elsewhere()?;
    let whole = async {
        let (mut page, _, _) = other.approved().await?;
        page.sign_in().await
    };
    tokio::time::timeout(SOON, whole)
        .await
        .map_err(|_| anyhow::anyhow!("nobody else could sign in meanwhile"))??;
    Ok(())
}

/// A decision with these extra header lines and this body; the second request behind it must never be seen as one.
fn decision(ground: &Ground, lines: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/decisions HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{lines}\r\n{body}",
        host(ground)
    )
    .into_bytes()
}
