//! A line that is cut inside a call, calls that arrive twice, and replies that overtake each other.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::line::{CUTS, Cut, Line};
use super::world::World;
use crate::client::{Answer, Device, Http, Jar, Key, Page, Scan, enrolment_in};

/// A world whose server is reached over a line, by everybody.
struct Far {
    world: World,
    line: Line,
    http: Http,
}

impl Far {
    async fn new() -> Result<Self> {
        let mut world = World::new().await?;
        let line = Line::to(world.server.address()?).await?;
        let http = world.server.http_through(line.address())?;
        world.device.http = http.clone();
        Ok(Self { world, line, http })
    }

    /// A call that is cut: prepared with all that it needs, so that its own bytes are the next ones.
    async fn cut(&self, at: Cut, call: crate::client::Call) -> Result<()> {
        self.line.cut(at);
        match call.send().await {
            Err(_) => Ok(()),
            Ok(answer) => anyhow::bail!("cut at {at:?}, and there is an answer: {answer}"),
        }
    }

    async fn page(&self) -> Result<Page> {
        Page::start(&self.http).await
    }

    async fn approved(&self) -> Result<Page> {
        let page = self.page().await?;
        self.world.device.approve(&page).await?;
        Ok(page)
    }

    async fn signed_in(&self) -> Result<Page> {
        let mut page = self.approved().await?;
        page.sign_in().await?;
        Ok(page)
    }
}

#[tokio::test]
async fn a_start_that_is_cut_leaves_nothing_to_redeem() -> Result<()> {
    let far = Far::new().await?;
    for at in CUTS {
        let call = Page::starting(&far.http, &Jar::default()).json(&json!({}));
        far.cut(at, call.proof(&Key::fresh()).await?).await?;
        far.signed_in().await.with_context(|| format!("after a cut at {at:?}"))?;
    }
    ensure!(far.world.sessions().await? == CUTS.len(), "a session more or less");
    far.world.works().await
}

#[tokio::test]
async fn a_scan_that_is_cut_locks_once() -> Result<()> {
    let far = Far::new().await?;
    let device = &far.world.device;
    for at in CUTS {
        let mut page = far.page().await?;
        let body = json!({"code": page.code().await?, "via": "camera"});
        far.cut(at, device.call("POST", "/api/scans").await?.json(&body)).await?;
        let (first, second) = (device.scan_via(&body).await?, device.scan_via(&body).await?);
        let (first, second) = (Scan::read(first)?, Scan::read(second)?);
        ensure!(first.ticket == second.ticket && first.context == second.context, "two scans after {at:?}");
        let check = page.check().await?;
        device.decide(&first, "approve", Some(&check)).await?.is(204)?;
        page.sign_in().await?;
    }
    far.world.works().await
}

#[tokio::test]
async fn a_decision_that_is_cut_counts_once() -> Result<()> {
    let far = Far::new().await?;
    let device = &far.world.device;
    for (number, at) in CUTS.into_iter().enumerate() {
        let mut page = far.page().await?;
        let scan = device.take(&page).await?;
        let check = page.check().await?;
        let statement = device.statement(&scan, "approve", Some(&check))?.sign(&device.key);
        let body = json!({"statement": statement});
        let call = far.http.call("POST", "/api/decisions").json(&body);
        far.cut(at, call.clone()).await?;
        call.clone().send().await?.is(204).with_context(|| format!("after a cut at {at:?}"))?;
        call.send().await?.is(204)?;
        ensure!(far.world.entries("sign_in_approved").await? == number + 1, "approved twice after {at:?}");
        page.sign_in().await?;
    }
    far.world.works().await
}

#[tokio::test]
async fn a_redeem_that_is_cut_signs_in_once() -> Result<()> {
    let far = Far::new().await?;
    for (number, at) in CUTS.into_iter().enumerate() {
        let mut page = far.approved().await?;
        far.cut(at, page.redeeming().proof(&page.key).await?).await?;
        let first = page.sign_in().await.with_context(|| format!("after a cut at {at:?}"))?;
        let second = page.sign_in().await?;
        ensure!(token(&first)? == token(&second)?, "two tokens after {at:?}");
        page.whoami().await?.is(200)?;
        ensure!(far.world.sessions().await? == number + 1, "more than one session after {at:?}");
    }
    far.world.works().await
}

#[tokio::test]
async fn a_refresh_that_is_cut_heals() -> Result<()> {
    let far = Far::new().await?;
    let mut page = far.signed_in().await?;
    for at in CUTS {
        far.cut(at, page.refreshing().proof(&page.key).await?).await?;
        page.whoami().await?.is(200).with_context(|| format!("after a cut at {at:?}"))?;
        far.world.server.pass_s(61).await?;
        // With a lost reply the server has a token that nobody knows, and the page's own has aged.
        if matches!(at, Cut::Reply(_)) {
            page.whoami().await?.refuses(401, "stale_session")?;
        }
        far.http.forget_nonce();
        page.refresh().await?.is(204)?;
        page.whoami().await?.is(200)?;
    }
    ensure!(far.world.sessions().await? == 1, "not one session");
    far.world.works().await
}

#[tokio::test]
async fn an_enrolment_that_is_cut_trusts_one_device() -> Result<()> {
    let far = Far::new().await?;
    for (number, at) in CUTS.into_iter().enumerate() {
        let link = far.world.device.enrolment().await?;
        let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Far", "kind": "linux"}});
        let key = Key::fresh();
        far.cut(at, far.http.call("POST", "/api/devices").json(&body).proof(&key).await?).await?;
        let device = Device::read(&far.http, &key, Device::enrolling(&far.http, &key, &body).await?)?;
        device.get("/api/devices").await?.is(200)?;
        ensure!(far.world.entries("device_enrolled").await? == number + 2, "enrolled twice after {at:?}");
    }
    far.world.works().await
}

#[tokio::test]
async fn a_removal_that_is_cut_removes_once() -> Result<()> {
    let far = Far::new().await?;
    for (number, at) in CUTS.into_iter().enumerate() {
        let other = Device::enrol(&far.http, &far.world.device.enrolment().await?).await?;
        let path = format!("/api/devices/{}", other.id);
        far.cut(at, far.world.device.call("DELETE", &path).await?).await?;
        let again = match at {
            Cut::Request(_) => 204,
            Cut::Reply(_) => 404,
        };
        far.world.device.delete(&path).await?.is(again)?;
        other.get("/api/devices").await?.is(401)?;
        ensure!(far.world.entries("device_removed").await? == number + 1, "removed twice after {at:?}");
    }
    far.world.works().await
}

#[tokio::test]
async fn calls_that_arrive_twice_count_once() -> Result<()> {
    let world = World::new().await?;
    let http = world.server.http()?;
    let start = Page::starting(&http, &Jar::default()).json(&json!({})).proof(&Key::fresh()).await?;
    twice(start, 201, Some("invalid_proof")).await?;

    let mut page = Page::start(&http).await?;
    let scan = world.device.call("POST", "/api/scans").await?;
    let scan = scan.json(&json!({"code": page.code().await?, "via": "camera"}));
    let scan = Scan::read(twice(scan, 201, Some("invalid_proof")).await?)?;
    let check = page.check().await?;
    let statement = world.device.statement(&scan, "approve", Some(&check))?.sign(&world.device.key);
    let decision = http.call("POST", "/api/decisions").json(&json!({"statement": statement}));
    twice(decision, 204, None).await?;
    let signed_in = twice(page.redeeming().proof(&page.key).await?, 201, Some("invalid_proof")).await?;
    page.jar.absorb(&signed_in);
    let refreshed = twice(page.refreshing().proof(&page.key).await?, 204, Some("invalid_proof")).await?;
    page.jar.absorb(&refreshed);
    page.whoami().await?.is(200)?;
    ensure!(world.sessions().await? == 1, "not one session");
    ensure!(world.entries("sign_in_approved").await? == 1, "approved twice");
    twice(world.device.call("DELETE", "/api/sessions").await?, 204, Some("invalid_proof")).await?;
    world.works().await
}

#[tokio::test]
async fn replies_of_two_redeems_in_any_order_are_one_session() -> Result<()> {
    let world = World::new().await?;
    for swapped in [false, true] {
        let mut page = world.approved().await?;
        let (first, second) = (page.redeem().await?.is(201)?, page.redeem().await?.is(201)?);
        arrive(&mut page.jar, [first, second], swapped);
        page.whoami().await?.is(200)?;
    }
    ensure!(world.sessions().await? == 2, "not one session for each page");
    world.works().await
}

#[tokio::test]
async fn replies_of_two_refreshes_in_any_order_heal() -> Result<()> {
    let world = World::new().await?;
    let mut page = world.signed_in().await?;
    for swapped in [false, true] {
        let call = async || page.refreshing().proof(&page.key).await?.send().await?.is(204);
        let replies = [call().await?, call().await?];
        arrive(&mut page.jar, replies, swapped);
        page.whoami().await?.is(200)?;
        world.server.pass_s(61).await?;
        if swapped {
            // The older token came last; it has aged, and the bound key gets another.
            page.whoami().await?.refuses(401, "stale_session")?;
        }
        page.refresh().await?.is(204)?;
        page.whoami().await?.is(200)?;
    }
    ensure!(world.sessions().await? == 1, "not one session");
    world.works().await
}

#[tokio::test]
async fn of_two_decisions_that_overtake_each_other_the_first_to_arrive_counts() -> Result<()> {
    let world = World::new().await?;
    for (first, second, then) in [("approve", "deny", "approved"), ("deny", "approve", "denied user")] {
        let page = world.page().await?;
        let scan = world.device.take(&page).await?;
        let check = page.check().await?;
        let check = |decision| (decision == "approve").then_some(check.as_str());
        world.device.decide(&scan, first, check(first)).await?.is(204)?;
        let late = world.device.decide(&scan, second, check(second)).await?;
        let expected = if first == "approve" { (409, "already_decided") } else { (410, "ended") };
        ensure!([expected, (409, "already_decided")].contains(&(late.status, &late.problem())), "{late}");
        world.device.decide(&scan, first, check(first)).await?.is(204)?;
        ensure!(page.stage().await? == then, "{first}, then {second}: {}", page.stage().await?);
    }
    world.works().await
}

/// The very same bytes two times: the first succeeds, the second is a replay or changes nothing. Gives the first answer.
async fn twice(call: crate::client::Call, status: u16, replay: Option<&str>) -> Result<Answer> {
    let first = call.clone().send().await?.is(status)?;
    let second = call.send().await?;
    match replay {
        Some(name) => second.refuses(401, name)?,
        None => second.is(status)?,
    };
    Ok(first)
}

/// Both replies reach the browser, the second one first when `swapped`.
fn arrive(jar: &mut Jar, [first, second]: [Answer; 2], swapped: bool) {
    let order = if swapped { [second, first] } else { [first, second] };
    for answer in &order {
        jar.absorb(answer);
    }
}

fn token(answer: &Answer) -> Result<String> {
    Ok(answer.cookie("-session")?.value)
}
