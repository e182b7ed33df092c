//! The browser session: points 7 and 13.

use countersign_server::store::{By, ClientId, NewGrant, SessionLives};
use protocol::id::{GrantId, SessionId};
use protocol::statement::Decision;
use serde_json::{Value, json};

use crate::support::{Node, Options, Page, approved, scanned, signed_in};

#[tokio::test]
async fn a_session_token_is_refused_ten_minutes_after_its_issue() {
    let node = Node::start().await;
    let (page, _, _) = signed_in(&node).await;
    node.clock.advance_s(599);
    page.session().await.expect(200);
    node.clock.advance_s(1);
    page.session().await.problem(401, "stale_session");
    // Without the key there is no new one: a stolen cookie jar ends here.
    let thief = node.page();
    thief.jar.lock().unwrap().clone_from(&page.jar.lock().unwrap());
    thief.refresh().await.problem(401, "invalid_proof");
    // The refusal has ended nothing.
    page.refresh().await.expect(204);
    page.session().await.expect(200);
    thief.session().await.problem(401, "stale_session");
}

#[tokio::test]
async fn the_token_before_the_newest_works_for_a_minute() {
    for (at_s, good) in [(59, true), (60, false), (61, false)] {
        let node = Node::start().await;
        let (page, _, _) = signed_in(&node).await;
        let tab = copy(&node, &page);
        page.refresh().await.expect(204);
        node.clock.advance_s(at_s);
        page.session().await.expect(200);
        let old = tab.session().await;
        if good {
            old.expect(200);
        } else {
            old.problem(401, "stale_session");
        }
    }
}

#[tokio::test]
async fn parallel_refreshes_leave_every_tab_signed_in() {
    let node = Node::start().await;
    let (page, _, _) = signed_in(&node).await;
    let answers = futures_util::future::join_all((0..8).map(|_| page.refresh())).await;
    assert!(answers.iter().all(|answer| answer.status == 204));
    let session = page.session().await;
    if session.status != 200 {
        session.problem(401, "stale_session");
        page.refresh().await.expect(204);
        page.session().await.expect(200);
    }
}

#[tokio::test]
async fn sid_alone_authorises_nothing() {
    let node = Node::start().await;
    let (page, _, _) = signed_in(&node).await;
    page.drop_cookie("-session");
    page.session().await.problem(401, "stale_session");
    page.drop_cookie("-sid");
    page.session().await.problem(401, "invalid_token");
    page.refresh().await.problem(401, "invalid_token");
}

/// Point 13: also where the approval is gone with its account.
#[tokio::test]
async fn a_removed_account_ends_what_it_approved() {
    let node = Node::start().await;
    let (page, request, device, _) = approved(&node).await;
    let account = device.account.unwrap();
    node.durable.remove_account(account, &By::operator(), node.now()).await.unwrap().unwrap();
    page.redeem(&request).await.problem(410, "ended");
    assert_eq!(page.stands(&request).await, "cancelled revoked");
}

#[tokio::test]
async fn cookies_of_a_session_that_is_over_are_dropped_with_the_answer() {
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 3)).await;
    let (page, _, device) = signed_in(&node).await;
    let (tab, without_token) = (copy(&node, &page), copy(&node, &page));
    without_token.drop_cookie("-session");
    device.call("DELETE", "/api/sessions", None).await.expect(204);
    // The page asks again and again; a dead token is shown, and counted, once.
    for _ in 0..6 {
        page.session().await.problem(401, "invalid_token");
        assert_eq!((page.cookie("-sid"), page.cookie("-session")), (None, None));
    }
    without_token.session().await.problem(401, "invalid_token");
    assert_eq!(without_token.cookie("-sid"), None);
    tab.refresh().await.problem(401, "invalid_token");
    assert_eq!((tab.cookie("-sid"), tab.cookie("-session")), (None, None));
    // Whoever shows no cookie gets none.
    assert_eq!(node.page().session().await.cookies(), Vec::<String>::new());
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    for (body, kind) in [(json!({}), "signed_out"), (json!({ "report": true }), "session_reported")] {
        let node = Node::start().await;
        let (page, _, device) = signed_in(&node).await;
        let tab = copy(&node, &page);
        let answer = page.end_session(body).await;
        assert_eq!(answer.status, 204);
        assert!(
            answer.cookies().iter().all(|line| line.contains("Max-Age=0;")) && answer.cookies().len() == 2
        );
        tab.session().await.problem(401, "invalid_token");
        tab.refresh().await.problem(401, "invalid_token");
        let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
        assert_eq!(sessions["sessions"], json!([]));
        let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
        let last = activity["entries"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["kind"], kind);
        assert_eq!(
            (activity["head"]["seq"].clone(), activity["head"]["hash"].clone()),
            (last["seq"].clone(), last["hash"].clone())
        );
    }
}

#[tokio::test]
async fn a_session_names_the_sites_that_it_is_used_at() {
    let node = Node::start().await;
    let (_, _, device) = signed_in(&node).await;
    let row = device.call("GET", "/api/sessions", None).await.expect(200)["sessions"][0].clone();
    assert_eq!(row["clients"], json!([]));
    let session = SessionId::parse(row["id"].as_str().unwrap()).unwrap();
    let lives = SessionLives::default();
    let view = node.durable.session(session, &lives, node.now()).await.unwrap().unwrap();
    // The name of a device grant's own session is not told twice.
    for (n, name) in [(1, "Wiki"), (2, "Grafana"), (3, "Grafana"), (4, "Firefox 153")] {
        let grant = NewGrant {
            id: GrantId::from_random([n; 16]),
            client: ClientId::parse("one").unwrap(),
            client_name: name.to_owned(),
            account: view.account.id,
            session,
            scopes: Vec::new(),
            nonce: None,
            verified: false,
            dpop: None,
            ends_at: node.now().plus_s(600),
            code: None,
        };
        assert!(node.durable.create_grant(&grant, &lives, &By::server(), node.now()).await.unwrap());
    }
    let row = device.call("GET", "/api/sessions", None).await.expect(200)["sessions"][0].clone();
    assert_eq!(row["clients"], json!(["Grafana", "Wiki"]));
    let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
    let last = activity["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (last["kind"].clone(), last["summary"].clone()),
        ("client_authorized".into(), "Wiki may see who is signed in.".into())
    );
}

#[tokio::test]
async fn a_page_without_its_key_drops_its_cookies_and_ends_nothing() {
    let node = Node::start().await;
    let (page, _, device) = signed_in(&node).await;
    let thief = copy(&node, &page);
    node.clock.advance_s(600);
    let answer = thief.end_session(json!({})).await;
    assert_eq!(answer.cookies().len(), 2);
    answer.problem(401, "stale_session");
    assert_eq!((thief.cookie("-sid"), thief.cookie("-session")), (None, None));
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stale_page_signs_out_with_its_key() {
    let node = Node::start().await;
    let (page, _, device) = signed_in(&node).await;
    let thief = copy(&node, &page);
    node.clock.advance_s(700);
    thief.call("DELETE", "/api/session", Some(json!({})), true).await.problem(401, "invalid_proof");
    page.call("DELETE", "/api/session", Some(json!({})), true).await.expect(204);
    assert_eq!(device.call("GET", "/api/sessions", None).await.expect(200)["sessions"], json!([]));
}

#[tokio::test]
async fn sessions_end_when_idle_and_when_old() {
    const DAY_S: u32 = 86_400;
    let node = Node::start().await;
    let (page, _, _) = signed_in(&node).await;
    node.clock.advance_s(14 * DAY_S - 1);
    page.refresh().await.expect(204);
    node.clock.advance_s(14 * DAY_S);
    page.refresh().await.problem(401, "invalid_token");

    let (page, _, _) = signed_in(&node).await;
    for _ in 0..8 {
        node.clock.advance_s(11 * DAY_S);
        page.refresh().await.expect(204);
    }
    node.clock.advance_s(2 * DAY_S - 1);
    page.refresh().await.expect(204);
    node.clock.advance_s(1);
    page.refresh().await.problem(401, "invalid_token");
}

/// Point 13, at each step of a login.
#[tokio::test]
async fn removing_a_device_takes_effect_at_the_next_call() {
    for step in ["scanned", "approved", "signed in"] {
        let node = Node::start().await;
        let keeper = node.device("ada").await;
        let (page, request, device, scan) = match step {
            "scanned" => scanned(&node).await,
            _ => approved(&node).await,
        };
        if step == "signed in" {
            page.redeem(&request).await.expect(201);
        }
        let number = page.state(&request).await.body["check"].as_str().unwrap_or("47").to_owned();
        let path = format!("/api/devices/{}", device.id.unwrap());
        keeper.call("DELETE", &path, None).await.expect(204);

        device.call("GET", "/api/sessions", None).await.problem(401, "invalid_token");
        device.decide(&scan, Decision::Approve, Some(&number)).await.problem(404, "not_found");
        if step == "signed in" {
            page.session().await.problem(401, "invalid_token");
            page.refresh().await.problem(401, "invalid_token");
        } else {
            assert_eq!(page.stands(&request).await, "cancelled revoked", "{step}");
            page.redeem(&request).await.problem(410, "ended");
        }
    }
}

/// Point 13.
#[tokio::test]
async fn ending_all_sessions_takes_unredeemed_approvals_back() {
    let node = Node::start().await;
    let (first, _, device) = signed_in(&node).await;
    let mut waiting = Vec::new();
    for approve in [false, true] {
        let page = node.page();
        let request = page.start().await;
        let scanned = device.scanned(&request).await;
        if approve {
            let number = page.number(&request).await;
            device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
        }
        waiting.push((page, request));
    }
    let untouched = node.page();
    let untouched_request = untouched.start().await;
    let (other_page, other_request, _, _) = {
        let mallory = node.device("mallory").await;
        let page = node.page();
        let request = page.start().await;
        let scanned = mallory.scanned(&request).await;
        (page, request, mallory, scanned)
    };
    device.call("DELETE", "/api/sessions", None).await.expect(204);

    first.session().await.problem(401, "invalid_token");
    for (page, request) in &waiting {
        assert_eq!(page.stands(request).await, "cancelled revoked");
        page.redeem(request).await.problem(410, "ended");
    }
    assert_eq!(untouched.stands(&untouched_request).await, "waiting");
    assert_eq!(other_page.stands(&other_request).await, "scanned");
}

/// Point 13: the operator disables the account in another process; only the durable store knows.
#[tokio::test]
async fn a_disabled_account_is_signed_in_nowhere() {
    use countersign_server::store::AccountState;
    let node = Node::start().await;
    let (page, _, device) = signed_in(&node).await;
    let second = node.page();
    let request = second.start().await;
    let scanned = device.scanned(&request).await;
    let number = second.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    let (account, now) = (device.account.unwrap(), node.now());
    node.durable.set_account_state(account, AccountState::Disabled, &By::operator(), now).await.unwrap();

    page.session().await.problem(401, "invalid_token");
    second.redeem(&request).await.problem(410, "ended");
    assert_eq!(second.stands(&request).await, "cancelled revoked");
    device.call("GET", "/api/devices", None).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn one_session_is_ended_by_its_owner_alone() {
    let node = Node::start().await;
    let (page, _, device) = signed_in(&node).await;
    let sid = page.cookie("-sid").unwrap();
    let path = format!("/api/sessions/{sid}");
    node.device("mallory").await.call("DELETE", &path, None).await.problem(404, "not_found");
    page.session().await.expect(200);
    device.call("DELETE", &path, None).await.expect(204);
    page.session().await.problem(401, "invalid_token");
    device.call("DELETE", "/api/sessions/nonsense", None).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_independent_session_outlives_its_device() {
    use countersign_server::config::SessionKind;
    for (kind, status) in [(SessionKind::Linked, 401), (SessionKind::Independent, 200)] {
        let node = Node::with(Options::with(|settings| settings.session.kind = kind)).await;
        let keeper = node.device("ada").await;
        let (page, _, device) = signed_in(&node).await;
        keeper.call("DELETE", &format!("/api/devices/{}", device.id.unwrap()), None).await.expect(204);
        assert_eq!(page.session().await.status, status);
    }
}

#[tokio::test]
async fn cookies_have_the_attributes_of_the_protocol() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    let id = &request.id;
    let redeemed = page.redeem(&request).await;
    let (sid, token) = (page.cookie("-sid").unwrap(), page.cookie("-session").unwrap());
    assert_eq!(
        redeemed.cookies(),
        [
            format!("__Host-countersign-sid={sid}; Path=/; Max-Age=7776000; HttpOnly; Secure; SameSite=Lax"),
            format!(
                "__Host-countersign-session={token}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
            ),
        ]
    );
    assert!(page.cookie(&format!("__Host-countersign-request-{id}")).is_some());
    assert_eq!(redeemed.body["expires_at"], json!(node.now().unix_s() + 600));
    assert_eq!(page.session().await.body["expires_at"], redeemed.body["expires_at"]);
}

#[tokio::test]
async fn devices_are_renamed_by_their_account_alone() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let mallory = node.device("mallory").await;
    let path = format!("/api/devices/{}", device.id.unwrap());
    let name = |name: &str| Some(json!({ "name": name }));
    mallory.call("PATCH", &path, name("Mine")).await.problem(404, "not_found");
    mallory.call("DELETE", &path, None).await.problem(404, "not_found");
    device.call("PATCH", &path, name(" Work\u{202E} laptop\u{0} ")).await.expect(204);
    device.call("PATCH", &path, name("\u{200B}")).await.problem(400, "malformed");
    let devices = device.call("GET", "/api/devices", None).await.expect(200);
    assert_eq!(
        (devices["devices"][0]["name"].clone(), devices["devices"][0]["current"].clone()),
        (json!("Work laptop"), Value::Bool(true))
    );
    device.call("DELETE", &path, None).await.expect(204);
    device.call("GET", "/api/devices", None).await.problem(401, "invalid_token");
}

/// The same cookies in another browser, with another key.
fn copy(node: &Node, page: &Page) -> Page {
    let copy = node.page();
    copy.jar.lock().unwrap().clone_from(&page.jar.lock().unwrap());
    copy
}
