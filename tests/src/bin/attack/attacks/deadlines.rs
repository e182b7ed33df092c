//! Deadlines, by server time: each is tried before, at and after its second, on servers whose settings are short.

use anyhow::{Context as _, Result, ensure};
use e2e::patience;
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, Key, Page, Scan, enrolment_in};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        waiting_ends_at_its_second,
        scanned_ends_at_its_second,
        approved_ends_at_its_second,
        redeem_is_not_repeated_after_its_time,
        expired_request_refuses_every_step,
        final_state_is_forgotten,
        nothing_done_makes_a_request_live_longer,
        frame_ends_at_its_second,
        scan_again_after_the_frame_has_ended,
        typed_code_ends_with_its_request,
        token_ends_at_its_second,
        enrolment_link_ends,
        enrolment_is_not_repeated_after_its_time,
        expired_socket_is_told,
    ]
}

fn number(value: &Value, name: &str) -> Result<i64> {
    value[name].as_i64().with_context(|| format!("no {name} in {value}"))
}

/// Waits until the page's state has this name and reason, by polling as a page does.
async fn until_stage(page: &Page, stage: &str) -> Result<()> {
    patience::until_is("the request", stage.to_owned(), async || page.stage().await).await
}

/// Tries `step` on fresh subjects again and again until its deadline has passed for the last one, and judges each answer
/// by the server's own clock: before the deadline it must pass, from the deadline on it must not.
struct Edge {
    before: usize,
    after: usize,
}

impl Edge {
    fn judge(
        &mut self,
        answer: &Answer,
        passed: u16,
        refused: &[u16],
        ends: i64,
        clock: (i64, i64),
    ) -> Result<()> {
        let (earliest, latest) = clock;
        if answer.status == passed {
            ensure!(earliest < ends, "{answer} at {earliest} or later; it ended at {ends}");
            self.before += 1;
        } else {
            ensure!(refused.contains(&answer.status), "{answer}");
            ensure!(latest >= ends, "{answer} at {latest} or earlier; it ends at {ends}");
            self.after += 1;
        }
        Ok(())
    }

    fn held(self) -> Held {
        ensure!(
            self.before > 0 && self.after > 0,
            "{} tries before and {} after: no edge",
            self.before,
            self.after
        );
        Ok(format!("{} tries before the second passed, {} from it on did not", self.before, self.after))
    }
}

/// The server's clock, from a body of its own.
async fn clock(http: &crate::client::Http, page: &Page) -> Result<i64> {
    let state = Page { http: http.clone(), ..page.clone() }.state().await?;
    number(&state, "now")
}

/// Runs `step` on each of these, one after the other at the pace of the calls, from before to after `ends`.
async fn along<T>(
    watch: &Page,
    subjects: Vec<(T, i64)>,
    passed: u16,
    refused: &[u16],
    step: impl AsyncFn(&T) -> Result<Answer>,
) -> Held {
    let mut edge = Edge { before: 0, after: 0 };
    let count = i64::try_from(subjects.len())?;
    for (at, (subject, ends)) in (0_i64..).zip(subjects) {
        // Spread over the second before the end, the end itself and the second after it.
        let wanted = ends - 1 + at * 3 / count;
        patience::until(
            "the second",
            async || Ok((clock(&watch.http, watch).await? >= wanted).then_some(())),
        )
        .await?;
        let earliest = clock(&watch.http, watch).await?;
        let answer = step(&subject).await?;
        let latest = clock(&watch.http, watch).await?;
        edge.judge(&answer, passed, refused, ends, (earliest, latest))?;
    }
    edge.held()
}

async fn pages(ground: &Ground, count: usize) -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for _ in 0..count {
        pages.push(ground.page().await?);
    }
    Ok(pages)
}

/// Ends of subjects in order, latest last.
async fn with_ends<T>(pages: Vec<(Page, T)>) -> Result<Vec<((Page, T), i64)>> {
    let mut all = Vec::new();
    for (page, rest) in pages {
        let ends = number(&page.state().await?, "expires_at")?;
        all.push(((page, rest), ends));
    }
    Ok(all)
}

/// Guard: the deadline of the waiting state, judged at the scan.
async fn waiting_ends_at_its_second(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_WAITING_S", "4")]).await?;
    let device = ground.device().await?;
    let watch = ground.page().await?;
    let mut subjects = Vec::new();
    for page in pages(&ground, 12).await? {
        let code = page.code().await?;
        subjects.push((page, code));
    }
    along(&watch, with_ends(subjects).await?, 201, &[410], async |(_, code): &(Page, String)| {
        device.scan(code).await
    })
    .await
}

async fn scanned_ends_at_its_second(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_SCANNED_S", "4")]).await?;
    let device = ground.device().await?;
    let watch = ground.page().await?;
    let mut subjects = Vec::new();
    for page in pages(&ground, 12).await? {
        let scan = device.take(&page).await?;
        let check = page.check().await?;
        subjects.push((page, (scan, check)));
    }
    along(
        &watch,
        with_ends(subjects).await?,
        204,
        &[410],
        async |(_, (scan, check)): &(Page, (Scan, String))| device.decide(scan, "approve", Some(check)).await,
    )
    .await
}

async fn approved_ends_at_its_second(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_APPROVED_S", "4")]).await?;
    let device = ground.device().await?;
    let watch = ground.page().await?;
    let mut subjects = Vec::new();
    for page in pages(&ground, 10).await? {
        device.approve(&page).await?;
        subjects.push((page, ()));
    }
    along(&watch, with_ends(subjects).await?, 201, &[410], async |(page, ()): &(Page, ())| {
        page.redeem().await
    })
    .await
}

async fn redeem_is_not_repeated_after_its_time(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_APPROVED_S", "2")]).await?;
    let (mut page, _, _) = ground.approved().await?;
    page.sign_in().await?;
    patience::until("the repeat to be refused", async || {
        let answer = page.redeem().await?;
        if answer.status == 201 {
            return Ok(None);
        }
        answer.refuses(410, "ended").map(Some)
    })
    .await?;
    page.whoami().await?.is(200)?;
    Ok("410; the session lives on".to_owned())
}

async fn expired_request_refuses_every_step(_: Ground) -> Held {
    let settings = [("LIVES_WAITING_S", "2"), ("LIVES_SCANNED_S", "2"), ("LIVES_APPROVED_S", "2")];
    let ground = Ground::with(&settings).await?;
    let device = ground.device().await?;
    let waiting = ground.page().await?;
    let code = waiting.code().await?;
    let scanned = ground.page().await?;
    let scan = device.take(&scanned).await?;
    let check = scanned.check().await?;
    let approved = ground.page().await?;
    device.approve(&approved).await?;
    until_stage(&waiting, "expired waiting").await?;
    until_stage(&scanned, "expired scanned").await?;
    until_stage(&approved, "expired approved").await?;
    device.scan(&code).await?.is(410)?;
    device.decide(&scan, "approve", Some(&check)).await?.is(410)?;
    device.decide(&scan, "deny", None).await?.is(410)?;
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

async fn final_state_is_forgotten(_: Ground) -> Held {
    // A server each: where waiting ends soon, a slow machine cancels too late.
    let (cancelling, expiring) = (
        Ground::with(&[("LIVES_FINAL_S", "1")]).await?,
        Ground::with(&[("LIVES_FINAL_S", "1"), ("LIVES_WAITING_S", "1")]).await?,
    );
    let (cancelled, expired) = (cancelling.page().await?, expiring.page().await?);
    let code = cancelled.code().await?;
    cancelled.cancel().await?.is(204)?;
    for page in [&cancelled, &expired] {
        patience::until("the record to go", async || Ok((page.poll().await?.status == 404).then_some(())))
            .await?;
    }
    cancelling.device().await?.scan(&code).await?.one_of(&[404, 410])?;
    Ok("404 after it".to_owned())
}

/// Polling, sockets, scans by the same device, wrong numbers: none of it moves the end.
async fn nothing_done_makes_a_request_live_longer(ground: Ground) -> Held {
    let (page, device) = (ground.page().await?, ground.device().await?);
    let ends = number(&page.state().await?, "expires_at")?;
    page.poll().await?.is(200)?;
    crate::client::Socket::open(&page).await?.state().await?;
    ensure!(number(&page.state().await?, "expires_at")? == ends, "watching moved the end");
    page.type_instead().await?.is(200)?;
    ensure!(number(&page.state().await?, "expires_at")? == ends, "typing moved the end");
    let other = ground.page().await?;
    let scan = device.take(&other).await?;
    let ends = number(&other.state().await?, "expires_at")?;
    let wrong = if other.check().await? == "10" { "11" } else { "10" };
    device.decide(&scan, "approve", Some(wrong)).await?.is(422)?;
    ensure!(number(&other.state().await?, "expires_at")? == ends, "a wrong number moved the end");
    Ok("watching, typing and wrong numbers move nothing".to_owned())
}

async fn frame_ends_at_its_second(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_FRAME_S", "4"), ("LIVES_FRAME_STEP_S", "2")]).await?;
    let device = ground.device().await?;
    let watch = ground.page().await?;
    let mut subjects = Vec::new();
    for page in pages(&ground, 12).await? {
        let state = page.state().await?;
        let ends = number(&state["frame"], "expires_at")?;
        let code = page.code().await?;
        ensure!(ends - number(&state["frame"], "issued_at")? == 4, "{state}");
        subjects.push(((page, code), ends));
    }
    along(&watch, subjects, 201, &[410], async |(_, code): &(Page, String)| device.scan(code).await).await
}

/// "Judged before frame age": a lost answer is asked for again, also when the picture is old by then.
async fn scan_again_after_the_frame_has_ended(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_FRAME_S", "2"), ("LIVES_FRAME_STEP_S", "2")]).await?;
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code = page.code().await?;
    let ends = number(&page.state().await?["frame"], "expires_at")?;
    let first = Scan::read(device.scan(&code).await?)?;
    patience::until("the frame to end", async || Ok((clock(&page.http, &page).await? > ends).then_some(())))
        .await?;
    let other = ground.second_device(&device).await?;
    other.scan(&code).await?.one_of(&[409, 410])?;
    let again = Scan::read(device.scan(&code).await?)?;
    ensure!(again.ticket == first.ticket, "another ticket");
    Ok("same ticket after the frame's end; a stranger gets 409 or 410".to_owned())
}

async fn typed_code_ends_with_its_request(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_WAITING_S", "2")]).await?;
    let (page, device) = (ground.page().await?, ground.device().await?);
    let code =
        page.type_instead().await?.is(200)?.json()?["user_code"].as_str().unwrap_or_default().to_owned();
    until_stage(&page, "expired waiting").await?;
    let answer = device.scan_via(&json!({"user_code": code, "via": "typed"})).await?;
    let seen = answer.kind();
    answer.one_of(&[404, 410])?;
    Ok(seen)
}

async fn token_ends_at_its_second(_: Ground) -> Held {
    let ground = Ground::with(&[("SESSION_TOKEN_S", "4"), ("SESSION_PREVIOUS_TOKEN_S", "1")]).await?;
    let watch = ground.page().await?;
    let device = ground.device().await?;
    let mut subjects = Vec::new();
    for mut page in pages(&ground, 8).await? {
        device.approve(&page).await?;
        let ends = number(&page.sign_in().await?.json()?, "expires_at")?;
        subjects.push((page, ends));
    }
    along(&watch, subjects, 200, &[401], async |page: &Page| page.whoami().await).await
}

async fn enrolment_link_ends(_: Ground) -> Held {
    let ground = Ground::with(&[("ENROLMENT_LINK_S", "1")]).await?;
    let link = ground.link().await?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Late", "kind": "linux"}});
    let page = ground.page().await?;
    let started = number(&page.started.json()?, "now")?;
    patience::until("the link to end", async || {
        Ok((clock(&page.http, &page).await? > started + 1).then_some(()))
    })
    .await?;
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    Ok("404".to_owned())
}

/// "Repeating within 10 minutes": afterwards the same key and code are as used as for anybody.
async fn enrolment_is_not_repeated_after_its_time(_: Ground) -> Held {
    let ground = Ground::with(&[("ENROLMENT_LINK_S", "2")]).await?;
    let link = ground.link().await?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Late", "kind": "linux"}});
    let key = Key::fresh();
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let page = ground.page().await?;
    let started = number(&page.started.json()?, "now")?;
    patience::until("the link to end", async || {
        Ok((clock(&page.http, &page).await? > started + 3).then_some(()))
    })
    .await?;
    let late = Device::enrolling(ground.http(), &key, &body).await?;
    let seen = late.kind();
    if late.status == 201 {
        // Ten minutes are the text's; a setting that shortens the link need not shorten the repeat.
        ensure!(Device::read(ground.http(), &key, late)?.id == first.id, "a late repeat made another device");
    } else {
        late.is(404)?;
    }
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
    Ok(format!("same key: {seen}; another key: 404"))
}

async fn expired_socket_is_told(_: Ground) -> Held {
    let ground = Ground::with(&[("LIVES_WAITING_S", "2")]).await?;
    let page = ground.page().await?;
    let mut socket = crate::client::Socket::open(&page).await?;
    let last = socket.until("expired").await?;
    ensure!(last["reason"] == "waiting", "{last}");
    let late = number(&last, "now")? - number(&page.started.json()?, "expires_at")?;
    ensure!((0..=2).contains(&late), "told {late} s after the end");
    let code = socket.end().await?;
    ensure!(code == 1000, "closed with {code}");
    Ok(format!("told {late} s after the end, 1000"))
}
