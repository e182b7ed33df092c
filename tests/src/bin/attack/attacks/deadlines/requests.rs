//! The states of a login request.

use anyhow::ensure;
use serde_json::json;

use super::{edge, end_of, number, three_pages};
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Page, Scan};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        waiting_ends_for_scans,
        waiting_ends_for_typed_codes,
        waiting_ends_for_its_page,
        scanned_ends_for_decisions,
        scanned_ends_for_wrong_numbers,
        scanned_ends_for_its_device,
        approved_ends_for_the_redeem,
        redeem_is_not_repeated_after_its_time,
        expired_request_refuses_every_step,
        final_state_is_forgotten,
        nothing_done_makes_a_request_live_longer,
    ]
}

/// Three pages that this device has scanned, with the numbers that they show.
async fn three_scanned(ground: &Ground, device: &Device) -> anyhow::Result<[(Page, Scan, String); 3]> {
    let [one, two, three] = three_pages(ground).await?;
    let scanned = async |page: Page| {
        let scan = device.take(&page).await?;
        let check = page.check().await?;
        anyhow::Ok((page, scan, check))
    };
    Ok([scanned(one).await?, scanned(two).await?, scanned(three).await?])
}

async fn waiting_ends_for_scans(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let [one, two, three] = three_pages(&ground).await?;
    let ends = end_of(&one).await?;
    ensure!(ends == hand.now().await? + 300, "waiting ends at {ends}");
    // A frame is good for a minute only.
    hand.pass_until(ends - 1).await?;
    let codes = [one.code().await?, two.code().await?, three.code().await?];
    let held = edge(hand, ends, &codes, (201, &["410 ended"]), async |code| device.scan(code).await).await?;
    ensure!(two.stage().await? == "expired waiting", "{}", two.stage().await?);
    Ok(held)
}

async fn waiting_ends_for_typed_codes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let pages = three_pages(&ground).await?;
    let mut codes = Vec::new();
    for page in &pages {
        codes.push(page.type_instead().await?.is(200)?.json()?["user_code"].clone());
    }
    let codes = [codes[0].clone(), codes[1].clone(), codes[2].clone()];
    let refused = ["410 ended", "404 not_found"];
    edge(hand, end_of(&pages[0]).await?, &codes, (201, &refused), async |code| {
        device.scan_via(&json!({"user_code": code, "via": "typed"})).await
    })
    .await
}

async fn waiting_ends_for_its_page(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let (typing, cancelling) = (three_pages(&ground).await?, three_pages(&ground).await?);
    let ends = end_of(&typing[0]).await?;
    let pairs: Vec<(&Page, &Page)> = typing.iter().zip(&cancelling).collect();
    let pairs = [pairs[0], pairs[1], pairs[2]];
    edge(hand, ends, &pairs, (204, &["410 ended"]), async |(typing, cancelling)| {
        let cancelled = cancelling.cancel().await?;
        let typed = typing.type_instead().await?;
        ensure!((typed.status == 200) == (cancelled.status == 204), "{cancelled}, but {typed}");
        typed.one_of(&[200, 410])?;
        Ok(cancelled)
    })
    .await
}

async fn scanned_ends_for_decisions(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let (approving, denying) =
        (three_scanned(&ground, &device).await?, three_scanned(&ground, &device).await?);
    let ends = end_of(&approving[0].0).await?;
    ensure!(ends == hand.now().await? + 120, "scanned ends at {ends}");
    let pairs: Vec<_> = approving.iter().zip(&denying).collect();
    let pairs = [pairs[0], pairs[1], pairs[2]];
    let held = edge(hand, ends, &pairs, (204, &["410 ended"]), async |((_, scan, check), (_, other, _))| {
        let approved = device.decide(scan, "approve", Some(check)).await?;
        let denied = device.decide(other, "deny", None).await?;
        ensure!(denied.kind() == approved.kind(), "{approved}, but {denied}");
        Ok(approved)
    })
    .await?;
    for (page, stage) in [
        (&approving[0].0, "approved"),
        (&approving[1].0, "expired scanned"),
        (&denying[2].0, "expired scanned"),
    ] {
        ensure!(page.stage().await? == stage, "{} where {stage} was due", page.stage().await?);
    }
    Ok(held)
}

/// A wrong number before the end is told so and takes a try; after it nothing is said about the number.
async fn scanned_ends_for_wrong_numbers(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let scanned = three_scanned(&ground, &device).await?;
    let ends = end_of(&scanned[0].0).await?;
    edge(hand, ends, &scanned, (422, &["410 ended"]), async |(_, scan, check)| {
        let wrong = if check == "10" { "11" } else { "10" };
        device.decide(scan, "approve", Some(wrong)).await
    })
    .await
}

/// "Scan again, same device, while scanned; later 410."
async fn scanned_ends_for_its_device(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let pages = three_pages(&ground).await?;
    let mut codes = Vec::new();
    for page in &pages {
        codes.push(page.code().await?);
        device.take(page).await?;
    }
    let codes = [codes[0].clone(), codes[1].clone(), codes[2].clone()];
    let ends = end_of(&pages[0]).await?;
    edge(hand, ends, &codes, (201, &["410 ended"]), async |code| device.scan(code).await).await
}

async fn approved_ends_for_the_redeem(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let pages = three_pages(&ground).await?;
    for page in &pages {
        device.approve(page).await?;
    }
    let ends = end_of(&pages[0]).await?;
    ensure!(ends == hand.now().await? + 60, "approved ends at {ends}");
    let held = edge(hand, ends, &pages, (201, &["410 ended"]), async |page| page.redeem().await).await?;
    ensure!(pages[1].stage().await? == "expired approved", "{}", pages[1].stage().await?);
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    ensure!(sessions["sessions"].as_array().map(Vec::len) == Some(1), "{sessions}");
    Ok(held)
}

/// "Redeem again within 60 s of the decision: the same 201 and the same cookie while that session lives, then 410."
async fn redeem_is_not_repeated_after_its_time(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    let ends = end_of(&page).await?;
    hand.pass(50).await?;
    let first = page.sign_in().await?;
    let three = [&page, &page, &page];
    let held = edge(hand, ends, &three, (201, &["410 ended"]), async |page| {
        let again = page.redeem().await?;
        if again.status == 201 {
            let (one, two) = (first.cookie("-session")?.value, again.cookie("-session")?.value);
            ensure!(one == two, "the repeat has another token");
        }
        Ok(again)
    })
    .await?;
    page.whoami().await?.is(200)?;
    Ok(format!("{held}; the session lives on"))
}

async fn expired_request_refuses_every_step(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let waiting = ground.page().await?;
    hand.pass(180).await?;
    let scanned = ground.page().await?;
    let scan = device.take(&scanned).await?;
    let check = scanned.check().await?;
    hand.pass(60).await?;
    let approved = ground.page().await?;
    let decided = device.approve(&approved).await?;
    let code = waiting.code().await?;
    hand.pass(60).await?;
    for (page, stage) in
        [(&waiting, "expired waiting"), (&scanned, "expired scanned"), (&approved, "expired approved")]
    {
        ensure!(page.stage().await? == stage, "{} where {stage} was due", page.stage().await?);
    }
    device.scan(&code).await?.is(410)?;
    device.decide(&scan, "approve", Some(&check)).await?.is(410)?;
    device.decide(&scan, "deny", None).await?.is(410)?;
    device.decide(&decided, "deny", None).await?.one_of(&[409, 410])?;
    for page in [&waiting, &scanned, &approved] {
        page.redeem().await?.is(410)?;
        page.type_instead().await?.one_of(&[409, 410])?;
        let state = page.state().await?;
        ensure!(
            state["frame"].is_null() && state["check"].is_null() && state["user_code"].is_null(),
            "{state}"
        );
    }
    ensure!(waiting.stage().await? == "expired waiting", "revived: {}", waiting.stage().await?);
    Ok("expired waiting, scanned, approved: 410 at every step".to_owned())
}

/// "Final records stay readable 300 s", each kind of end.
async fn final_state_is_forgotten(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let expired = ground.page().await?;
    hand.pass_until(end_of(&expired).await?).await?;
    let (cancelled, denied, redeemed) = (ground.page().await?, ground.page().await?, ground.page().await?);
    let code = cancelled.code().await?;
    cancelled.cancel().await?.is(204)?;
    let scan = device.take(&denied).await?;
    device.decide(&scan, "deny", None).await?.is(204)?;
    device.approve(&redeemed).await?;
    redeemed.redeem().await?.is(201)?;
    for (page, stage) in [
        (&expired, "expired waiting"),
        (&cancelled, "cancelled page"),
        (&denied, "denied user"),
        (&redeemed, "redeemed"),
    ] {
        ensure!(page.stage().await? == stage, "{} where {stage} was due", page.stage().await?);
    }
    let ends = hand.now().await? + 300;
    let all = [&expired, &cancelled, &denied, &redeemed];
    let held = edge(hand, ends, &[all, all, all], (200, &["404 not_found"]), async |pages| {
        let mut answers = Vec::new();
        for page in *pages {
            answers.push(page.poll().await?);
        }
        ensure!(answers.iter().all(|answer| answer.status == answers[0].status), "{answers:?}");
        Ok(answers.remove(0))
    })
    .await?;
    device.scan(&code).await?.is(404)?;
    Ok(format!("{held}, for expired, cancelled, denied and redeemed"))
}

/// Polling, sockets, scans by the same device, wrong numbers: none of it moves the end.
async fn nothing_done_makes_a_request_live_longer(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, page, device) = (ground.hand()?, ground.page().await?, ground.device().await?);
    let ends = end_of(&page).await?;
    hand.pass(5).await?;
    page.poll().await?.is(200)?;
    number(&crate::client::Socket::open(&page).await?.state().await?, "expires_at")?;
    ensure!(end_of(&page).await? == ends, "watching moved the end");
    page.type_instead().await?.is(200)?;
    ensure!(end_of(&page).await? == ends, "typing moved the end");
    let other = ground.page().await?;
    let code = other.code().await?;
    let scan = device.take(&other).await?;
    let ends = end_of(&other).await?;
    hand.pass(5).await?;
    let wrong = if other.check().await? == "10" { "11" } else { "10" };
    device.decide(&scan, "approve", Some(wrong)).await?.is(422)?;
    device.scan(&code).await?.is(201)?;
    ensure!(end_of(&other).await? == ends, "a wrong number or a repeat moved the end");
    let check = other.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let ends = end_of(&other).await?;
    hand.pass(5).await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    ensure!(end_of(&other).await? == ends, "a repeated decision moved the end");
    Ok("watching, typing, wrong numbers and repeats move nothing".to_owned())
}
