//! The browser session: its tokens live for minutes, the session for days.

use anyhow::{Result, ensure};

use super::{DAY_S, edge, number, three_pages};
use crate::attacks::{Attack, Held, attacks};
use crate::client::Page;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        token_ends_after_ten_minutes,
        refreshed_token_ends_after_ten_minutes,
        previous_token_ends_after_a_minute,
        previous_token_never_outlives_itself,
        session_ends_after_14_idle_days,
        session_ends_after_90_days,
    ]
}

/// Three browsers that were signed in at the same second.
async fn three_signed_in(ground: &Ground) -> Result<[Page; 3]> {
    let device = ground.device().await?;
    let mut pages = three_pages(ground).await?;
    for page in &mut pages {
        device.approve(page).await?;
        page.sign_in().await?;
    }
    Ok(pages)
}

async fn token_ends_after_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let pages = three_signed_in(&ground).await?;
    let ends = number(&pages[0].whoami().await?.is(200)?.json()?, "expires_at")?;
    ensure!(ends == hand.now().await? + 600, "the token ends at {ends}");
    edge(hand, ends, &pages, (200, &["401 stale_session"]), async |page| page.whoami().await).await
}

async fn refreshed_token_ends_after_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let mut pages = three_signed_in(&ground).await?;
    hand.pass(300).await?;
    for page in &mut pages {
        page.refresh().await?.is(204)?;
        // Looking does not make it live longer.
        page.whoami().await?.is(200)?;
    }
    let ends = hand.now().await? + 600;
    hand.pass(590).await?;
    pages[0].whoami().await?.is(200)?;
    edge(hand, ends, &pages, (200, &["401 stale_session"]), async |page| page.whoami().await).await
}

/// "The previous token stays good for 60 s, so parallel tabs heal."
async fn previous_token_ends_after_a_minute(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let old = three_signed_in(&ground).await?;
    hand.pass(300).await?;
    let mut newest = old.clone();
    for page in &mut newest {
        page.refresh().await?.is(204)?;
    }
    let ends = hand.now().await? + 60;
    let held =
        edge(hand, ends, &old, (200, &["401 stale_session"]), async |page| page.whoami().await).await?;
    newest[0].whoami().await?.is(200)?;
    Ok(format!("{held}; the newest is good"))
}

async fn previous_token_never_outlives_itself(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let old = three_signed_in(&ground).await?;
    let ends = hand.now().await? + 600;
    hand.pass(570).await?;
    for page in &mut old.clone() {
        page.refresh().await?.is(204)?;
    }
    edge(hand, ends, &old, (200, &["401 stale_session"]), async |page| page.whoami().await).await
}

async fn session_ends_after_14_idle_days(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let pages = three_signed_in(&ground).await?;
    let ends = hand.now().await? + 14 * DAY_S;
    edge(hand, ends, &pages, (204, &["401 invalid_token"]), async |page| page.clone().refresh().await).await
}

/// Refreshed again and again, it ends all the same.
async fn session_ends_after_90_days(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let mut pages = three_signed_in(&ground).await?;
    let ends = hand.now().await? + 90 * DAY_S;
    for _ in 0..8 {
        hand.pass(11 * DAY_S).await?;
        for page in &mut pages {
            page.refresh().await?.is(204)?;
        }
    }
    edge(hand, ends, &pages, (204, &["401 invalid_token"]), async |page| page.clone().refresh().await).await
}
