//! The picture: a new one each 15 seconds, each good for a minute.

use anyhow::ensure;

use super::{edge, end_of, number};
use crate::attacks::{Attack, Held, attacks};
use crate::client::Scan;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        frame_ends_after_a_minute,
        frame_changes_each_15_s,
        last_frame_ends_with_its_request,
        scan_again_after_the_frame_has_ended,
    ]
}

async fn frame_ends_after_a_minute(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let pages = super::three_pages(&ground).await?;
    let frame = pages[0].state().await?["frame"].clone();
    let ends = number(&frame, "expires_at")?;
    ensure!(ends - number(&frame, "issued_at")? == 60, "{frame}");
    let codes = [pages[0].code().await?, pages[1].code().await?, pages[2].code().await?];
    let refused = ["410 frame_expired"];
    let held = edge(hand, ends, &codes, (201, &refused), async |code| device.scan(code).await).await?;
    // The request lives: what it shows by then is good.
    device.take(&pages[1]).await?;
    Ok(held)
}

async fn frame_changes_each_15_s(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, page) = (ground.hand()?, ground.page().await?);
    let began = hand.now().await?;
    let mut seen = vec![page.state().await?["frame"].clone()];
    for step in 1..20 {
        hand.pass_until(began + 15 * step - 1).await?;
        let frame = page.state().await?["frame"].clone();
        ensure!(Some(&frame) == seen.last(), "another frame after 14 s: {frame}");
        hand.pass(1).await?;
        let frame = page.state().await?["frame"].clone();
        ensure!(number(&frame, "issued_at")? == began + 15 * step, "{frame} at {step} times 15 s");
        ensure!(!seen.iter().any(|old| old["url"] == frame["url"]), "a frame came again: {frame}");
        seen.push(frame);
    }
    Ok(format!("{} frames, each at its second, none twice", seen.len()))
}

/// A frame that would be good for longer than its request is not.
async fn last_frame_ends_with_its_request(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, page, device) = (ground.hand()?, ground.page().await?, ground.device().await?);
    let ends = end_of(&page).await?;
    hand.pass_until(ends - 10).await?;
    let code = page.code().await?;
    hand.pass_until(ends).await?;
    device.scan(&code).await?.refuses(410, "ended")?;
    ensure!(page.state().await?["frame"].is_null(), "an expired request shows a frame");
    Ok("410 ended ten seconds after its issue".to_owned())
}

/// "Judged before frame age": a lost answer is asked for again, also when the picture is old by then.
async fn scan_again_after_the_frame_has_ended(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code = page.code().await?;
    let first = Scan::read(device.scan(&code).await?)?;
    ground.hand()?.pass(61).await?;
    let other = ground.second_device(&device).await?;
    other.scan(&code).await?.one_of(&[409, 410])?;
    let again = Scan::read(device.scan(&code).await?)?;
    ensure!(again.ticket == first.ticket, "another ticket");
    Ok("same ticket after the frame's end; a stranger gets 409 or 410".to_owned())
}
