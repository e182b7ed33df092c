//! Clocks that are set: back, on, and both.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{DAY_S, HOUR_S, YEAR_S, end_of};
use crate::attacks::limits::typed;
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Answer, Device, Jar, Key, Page, Scan, enrolment_in};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        clock_set_back_revives_nothing,
        clock_set_back_puts_nothing_off,
        clock_set_back_in_the_middle_of_a_login,
        clock_set_on_by_an_hour_ends_what_was_under_way,
        clock_set_on_by_a_year_ends_sessions_and_links,
        clock_set_back_and_forth,
        clock_that_was_a_year_ahead_still_keeps_deadlines,
        restart_with_an_earlier_clock_revives_nothing,
        restart_with_an_earlier_clock_locks_nobody_out,
    ]
}

/// Something of each kind that ends.
struct Ending {
    device: Device,
    waiting: Page,
    code: String,
    typed: Value,
    scanned: Page,
    scan: Scan,
    check: String,
    approved: Page,
    signed_in: Page,
    link: Value,
    nonce: String,
}

impl Ending {
    async fn ready(ground: &Ground, device: Device) -> Result<Self> {
        let mut pages = Vec::new();
        for _ in 0..5 {
            pages.push(ground.page().await?);
        }
        let [waiting, typing, scanned, approved, mut signed_in] =
            <[Page; 5]>::try_from(pages).map_err(|_| anyhow::anyhow!("five were started"))?;
        let code = waiting.code().await?;
        let typed = typing.type_instead().await?.is(200)?.json()?["user_code"].clone();
        let scan = device.take(&scanned).await?;
        let check = scanned.check().await?;
        device.approve(&signed_in).await?;
        signed_in.sign_in().await?;
        device.approve(&approved).await?;
        let link = device.enrolment().await?;
        let link = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Late", "kind": "linux"}});
        let nonce = ground.http().nonce().await?;
        Ok(Self { device, waiting, code, typed, scanned, scan, check, approved, signed_in, link, nonce })
    }

    /// None of it is good any more.
    async fn are_over(&self, ground: &Ground) -> Result<()> {
        self.device.scan(&self.code).await?.one_of(&[404, 410])?;
        let typed = json!({"user_code": self.typed, "via": "typed"});
        self.device.scan_via(&typed).await?.one_of(&[404, 410])?;
        self.device.decide(&self.scan, "approve", Some(&self.check)).await?.one_of(&[404, 410])?;
        for page in [&self.waiting, &self.scanned, &self.approved] {
            page.redeem().await?.one_of(&[404, 410])?;
            let seen = page.poll().await?;
            ensure!(seen.status == 404 || seen.json()?["state"] == "expired", "{seen}");
        }
        self.signed_in.whoami().await?.is(401)?;
        Device::enrolling(ground.http(), &Key::fresh(), &self.link).await?.is(404)?;
        let key = Key::fresh();
        let proof = ground.http().proof(&key, "POST", "/api/login-requests").await?;
        let proof = proof.claim("nonce", self.nonce.as_str()).sign(&key);
        starting(ground, &proof).await?.refuses(401, "use_dpop_nonce")?;
        Ok(())
    }
}

async fn starting(ground: &Ground, proof: &str) -> Result<Answer> {
    Page::starting(ground.http(), &Jar::default()).json(&json!({})).header("dpop", proof).send().await
}

/// A whole login, and its session is good.
async fn signs_in(ground: &Ground, device: &Device) -> Result<Page> {
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    page.whoami().await?.is(200)?;
    Ok(page)
}

async fn clock_set_back_revives_nothing(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let ending = Ending::ready(&ground, ground.device().await?).await?;
    let limited = ground.second_device(&ending.device).await?;
    hand.pass(600).await?;
    for _ in 0..5 {
        limited.scan_via(&typed("ZZZZ-ZZZZ")).await?.is(404)?;
    }
    let before = hand.now().await?;
    for back_s in [1, 60, HOUR_S, DAY_S, 50 * YEAR_S] {
        let now = hand.step(-back_s).await?;
        ensure!(now >= before, "server time went from {before} to {now}");
        ending.are_over(&ground).await.with_context(|| format!("set back by {back_s} s"))?;
        limited.scan_via(&typed("ZZZZ-ZZZZ")).await?.is(429)?;
    }
    signs_in(&ground, &ending.device).await?;
    Ok("five steps back: nothing comes back, limits stay shut, logins work".to_owned())
}

/// What has not ended ends when it should have: a clock that is set back does not stand still.
async fn clock_set_back_puts_nothing_off(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let ending = Ending::ready(&ground, ground.device().await?).await?;
    let ends = end_of(&ending.waiting).await?;
    hand.pass(59).await?;
    hand.step(-HOUR_S).await?;
    hand.pass(1).await?;
    ensure!(ending.approved.stage().await? == "expired approved", "{}", ending.approved.stage().await?);
    ending.approved.redeem().await?.is(410)?;
    hand.pass(60).await?;
    ensure!(ending.scanned.stage().await? == "expired scanned", "{}", ending.scanned.stage().await?);
    hand.pass_until(ends - 1).await?;
    ensure!(ending.waiting.stage().await? == "waiting", "{}", ending.waiting.stage().await?);
    hand.pass(1).await?;
    ensure!(ending.waiting.stage().await? == "expired waiting", "{}", ending.waiting.stage().await?);
    hand.pass(299).await?;
    ending.signed_in.whoami().await?.is(200)?;
    hand.pass(1).await?;
    ending.are_over(&ground).await?;
    Ok("an hour back: each deadline after its own seconds".to_owned())
}

/// A wrong clock locks nobody out: what is under way goes on.
async fn clock_set_back_in_the_middle_of_a_login(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let mut page = ground.page().await?;
    hand.step(-HOUR_S).await?;
    let scan = device.take(&page).await?;
    hand.step(-DAY_S).await?;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    hand.step(-YEAR_S).await?;
    page.sign_in().await?;
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    Ok("back before the scan, the decision and the redeem: signed in".to_owned())
}

async fn clock_set_on_by_an_hour_ends_what_was_under_way(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let mut ending = Ending::ready(&ground, ground.device().await?).await?;
    hand.step(HOUR_S).await?;
    ending.are_over(&ground).await?;
    ending.signed_in.refresh().await?.is(204)?;
    ending.signed_in.whoami().await?.is(200)?;
    signs_in(&ground, &ending.device).await?;
    Ok("all that lives for minutes is over; the session heals, logins work".to_owned())
}

async fn clock_set_on_by_a_year_ends_sessions_and_links(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let mut ending = Ending::ready(&ground, ground.device().await?).await?;
    hand.step(YEAR_S).await?;
    ending.are_over(&ground).await?;
    ending.signed_in.refresh().await?.is(401)?;
    signs_in(&ground, &ending.device).await?;
    Ok("the session is over, too; the device still signs in".to_owned())
}

async fn clock_set_back_and_forth(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let mut latest = hand.now().await?;
    for step in [-1, 1, HOUR_S, -HOUR_S, HOUR_S, -2 * HOUR_S, DAY_S, -YEAR_S, YEAR_S, -DAY_S, 3, -3, 90] {
        let now = hand.step(step).await?;
        ensure!(now >= latest, "server time went from {latest} to {now} at {step}");
        latest = now;
        let page = signs_in(&ground, &device).await.with_context(|| format!("after a step of {step} s"))?;
        page.redeem().await?.is(201)?;
        latest = hand.pass(60).await?.max(latest);
        page.redeem().await?.refuses(410, "ended").with_context(|| format!("after a step of {step} s"))?;
    }
    Ok("13 steps: time never goes back, each login works and each repeat ends after a minute".to_owned())
}

/// A clock that was wrong by a year for a moment must not take the ends away from what comes after.
async fn clock_that_was_a_year_ahead_still_keeps_deadlines(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    hand.step(YEAR_S).await?;
    hand.step(-YEAR_S).await?;
    let ending = Ending::ready(&ground, device).await?;
    hand.pass(600).await?;
    ending.are_over(&ground).await?;
    signs_in(&ground, &ending.device).await?;
    Ok("ten minutes later all of it is over; logins work".to_owned())
}

/// The machine's battery is flat, or somebody answers in the time server's place.
async fn comes_up_earlier(ground: &Ground, seconds: i64) -> Result<()> {
    ground.server()?.kill().await?;
    ground.hand()?.set_back_meanwhile(seconds);
    ground.server()?.start_again().await?;
    ground.http().forget_nonce();
    Ok(())
}

/// Guard: a process begins at the newest moment in the data, whatever the system's clock says.
async fn restart_with_an_earlier_clock_revives_nothing(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let ending = Ending::ready(&ground, ground.device().await?).await?;
    hand.pass(600).await?;
    // Whoever uses it leaves the moment in the data.
    ending.device.get("/api/devices").await?.is(200)?;
    let before = hand.now().await?;
    for back_s in [60, HOUR_S, 50 * YEAR_S] {
        comes_up_earlier(&ground, back_s).await?;
        let now = hand.now().await?;
        ensure!(now >= before, "server time went from {before} to {now}");
        ending.are_over(&ground).await.with_context(|| format!("restarted {back_s} s earlier"))?;
    }
    let log = ground.server()?.log().await?;
    ensure!(log.contains("clock is behind"), "the log says nothing of the clock: {log}");
    Ok("three restarts with an earlier clock: nothing comes back, the log says so".to_owned())
}

/// What is made after such a start has its whole life, by server and commands alike.
async fn restart_with_an_earlier_clock_locks_nobody_out(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let device = ground.device().await?;
    hand.pass(HOUR_S).await?;
    let mut page = signs_in(&ground, &device).await?;
    comes_up_earlier(&ground, YEAR_S).await?;
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    // Made by a command, whose clock is as early as the server's.
    let link = ground.link().await?;
    hand.pass(599).await?;
    Device::enrol(ground.http(), &link).await.context("a link one second before its end")?;
    let late = json!({"enrolment": enrolment_in(&ground.link().await?)?, "device": {"name": "Late", "kind": "linux"}});
    hand.pass(600).await?;
    Device::enrolling(ground.http(), &Key::fresh(), &late).await?.is(404)?;
    signs_in(&ground, &device).await?;
    Ok("the session goes on, links live ten minutes, logins work".to_owned())
}
