//! RFC 8628, from the device's first call to its tokens. Section numbers are that document's.

use countersign_server::config::SessionKind;
use countersign_server::store::{By, ClientPolicy, NewSession, SessionLives};
use protocol::encoding::{base64url, from_base64url};
use protocol::frame::FrameKey;
use protocol::id::{RequestId, SessionId};
use protocol::secret::Secret;
use protocol::statement::{Decision, Statement};
use protocol::user_code::UserCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Device, Extras, Node, Options, Scanned, Tool, add_client, fresh_bytes};

/// RFC 6749 §5.2: an error of the token endpoint, never kept by anybody on the way.
#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some(error)), "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-type"], "application/json");
}

async fn typed(device: &Device, started: &Value) -> Scanned {
    Scanned::read(device.type_code(started["user_code"].as_str().unwrap()).await.expect(201))
}

/// A tool whose person typed its code and approved.
async fn approved(node: &Node, tool: &Tool, scope: &str) -> (Device, Value) {
    let device = node.device("ada").await;
    let started = tool.start(scope).await.expect(200);
    let scanned = typed(&device, &started).await;
    device.decide(&scanned, Decision::Approve, None).await.expect(204);
    (device, started)
}

/// §3.2: everything that is required, in its form.
#[tokio::test]
async fn the_answer_to_a_device_has_all_that_it_needs() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let answer = tool.start("openid").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let body = answer.expect(200);
    let code = from_base64url(body["device_code"].as_str().unwrap()).unwrap();
    assert_eq!(code.len(), 48, "a request id and 256 secret bits");
    let shown = body["user_code"].as_str().unwrap();
    assert_eq!(UserCode::parse(shown).unwrap().to_string(), shown);
    assert_eq!(body["verification_uri"], "https://login.example.com/device");
    assert_eq!((body["expires_in"].as_i64(), body["interval"].as_i64()), (Some(300), Some(5)));
    assert!(body.get("verification_uri_complete").is_none(), "only for clients that show the code too");
}

/// §3.3.1
#[tokio::test]
async fn a_client_that_shows_the_code_gets_the_complete_address() {
    let node = Node::start().await;
    let policy = ClientPolicy { shows_user_code: true, ..ClientPolicy::default() };
    let tool = Tool::with(&node, "tv", None, policy).await;
    let body = tool.start("openid").await.expect(200);
    let complete =
        format!("https://login.example.com/device?user_code={}", body["user_code"].as_str().unwrap());
    assert_eq!(body["verification_uri_complete"], complete.as_str());
}

/// §3.1 to §3.5, and what the person and the owner see on the way.
#[tokio::test]
async fn typed_approved_and_polled_gives_tokens() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let device = node.device("ada").await;
    let started = tool.start("openid profile unknown").await.expect(200);
    refused(&tool.poll(&started).await, "authorization_pending");

    let scanned = typed(&device, &started).await;
    assert_eq!(scanned.body["check"], false, "typing is the check");
    let seen = scanned.seen();
    assert_eq!(seen["client"], json!({"id": "backup", "name": "The backup"}));
    assert_eq!(seen["scopes"], json!(["openid", "profile"]));
    assert_eq!((seen["via"].as_str(), seen["page_key"].is_null()), (Some("typed"), true));
    assert_eq!(seen["seen"]["address"], "203.0.113.7");
    node.clock.advance_s(5);
    refused(&tool.poll(&started).await, "authorization_pending");

    device.decide(&scanned, Decision::Approve, None).await.expect(204);
    let answer = tool.poll(&started).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let tokens = answer.expect(200);
    assert_eq!(
        (tokens["token_type"].as_str(), tokens["scope"].as_str()),
        (Some("Bearer"), Some("openid profile"))
    );
    assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string(), "{tokens}");
    let person = tool.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
    assert_eq!(person["preferred_username"], "ada");

    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["browser"], "The backup");
    let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
    let kinds: Vec<_> = activity["entries"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    for kind in ["sign_in_approved", "signed_in", "client_authorized"] {
        assert!(kinds.contains(&json!(kind)), "{kinds:?}");
    }
}

/// §3.5: a lost answer is asked for again; a stranger in time finds nothing new.
#[tokio::test]
async fn the_same_poll_within_a_minute_gives_the_same_refresh_token() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let (device, started) = approved(&node, &tool, "openid").await;
    let first = tool.poll(&started).await.expect(200);
    node.clock.advance_s(59);
    let again = tool.poll(&started).await.expect(200);
    assert_eq!(first["refresh_token"], again["refresh_token"]);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    node.clock.advance_s(1);
    refused(&tool.poll(&started).await, "invalid_grant");
}

/// Point 4: one transition, one session, one grant.
#[tokio::test]
async fn a_hundred_polls_at_once_give_one_session_and_one_refresh_token() {
    let node = Node::start().await;
    let tool = std::sync::Arc::new(Tool::new(&node, "backup").await);
    let (device, started) = approved(&node, &tool, "openid").await;
    let mut polls = JoinSet::new();
    for _ in 0..100 {
        let (tool, started) = (std::sync::Arc::clone(&tool), started.clone());
        polls.spawn(async move { tool.poll(&started).await.expect(200)["refresh_token"].clone() });
    }
    let tokens = polls.join_all().await;
    assert!(tokens.iter().all(|token| token == &tokens[0] && token.is_string()));
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

/// §3.5 `slow_down`: 5 s more for this and all subsequent requests, whichever node is asked.
#[tokio::test]
async fn who_asks_too_often_is_slowed_down_for_good() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let started = tool.start("openid").await.expect(200);
    refused(&tool.poll(&started).await, "authorization_pending");
    node.clock.advance_s(4);
    refused(&tool.poll(&started).await, "slow_down");
    node.clock.advance_s(9);
    refused(&tool.poll(&started).await, "slow_down");
    node.clock.advance_s(15);
    refused(&tool.poll(&started).await, "authorization_pending");
    let other = node.beside(std::sync::Arc::clone(&node.short_lived)).await;
    let mut there = Tool { wire: other.wire(), ..tool };
    node.clock.advance_s(14);
    refused(&there.poll(&started).await, "slow_down");
    node.clock.advance_s(20);
    there.wire = node.wire();
    refused(&there.poll(&started).await, "authorization_pending");
}

/// §3.5 `access_denied`
#[tokio::test]
async fn a_person_that_says_no_ends_it() {
    for decision in [Decision::Deny, Decision::Report] {
        let node = Node::start().await;
        let tool = Tool::new(&node, "backup").await;
        let device = node.device("ada").await;
        let started = tool.start("openid").await.expect(200);
        let scanned = typed(&device, &started).await;
        device.decide(&scanned, decision, None).await.expect(204);
        refused(&tool.poll(&started).await, "access_denied");
        refused(&tool.poll(&started).await, "access_denied");
    }
}

#[tokio::test]
async fn an_owner_that_ends_everything_takes_the_approval_back() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let (device, started) = approved(&node, &tool, "openid").await;
    device.call("DELETE", "/api/sessions", None).await.expect(204);
    refused(&tool.poll(&started).await, "access_denied");
}

/// §3.5 `expired_token`, at each deadline.
#[tokio::test]
async fn every_deadline_ends_it() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let device = node.device("ada").await;
    let started = tool.start("openid").await.expect(200);
    node.clock.advance_s(300);
    refused(&tool.poll(&started).await, "expired_token");
    device.type_code(started["user_code"].as_str().unwrap()).await.problem(410, "ended");

    let started = tool.start("openid").await.expect(200);
    typed(&device, &started).await;
    node.clock.advance_s(120);
    refused(&tool.poll(&started).await, "expired_token");

    let started = tool.start("openid").await.expect(200);
    let scanned = typed(&device, &started).await;
    device.decide(&scanned, Decision::Approve, None).await.expect(204);
    node.clock.advance_s(60);
    refused(&tool.poll(&started).await, "expired_token");
}

/// §5.2, RFC 6749 §5.2 `invalid_grant`: a code of another client, a changed one, and what is none.
#[tokio::test]
async fn a_device_code_is_its_clients_alone() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let other = Tool::new(&node, "other").await;
    let (_, started) = approved(&node, &tool, "openid").await;
    let code = started["device_code"].as_str().unwrap();
    refused(&other.poll(&started).await, "invalid_grant");
    let mut bytes = from_base64url(code).unwrap();
    bytes[47] ^= 1;
    refused(&tool.poll_with(&base64url(&bytes)).await, "invalid_grant");
    bytes[47] ^= 1;
    bytes[0] ^= 1;
    refused(&tool.poll_with(&base64url(&bytes)).await, "invalid_grant");
    for other in [started["user_code"].as_str().unwrap(), "", "A", &code[..63], &format!("{code}A")] {
        let answer = tool.poll_with(other).await;
        assert_eq!(answer.status, 400, "{other}: {}", answer.body);
    }
    tool.poll(&started).await.expect(200);
}

/// A stranger's poll lengthens no wait and takes no approval.
#[tokio::test]
async fn a_strangers_poll_changes_nothing() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let other = Tool::new(&node, "other").await;
    let started = tool.start("openid").await.expect(200);
    for _ in 0..3 {
        refused(&other.poll(&started).await, "invalid_grant");
    }
    refused(&tool.poll(&started).await, "authorization_pending");
    node.clock.advance_s(5);
    refused(&tool.poll(&started).await, "authorization_pending");
}

/// Point 11: guessing is limited per address.
#[tokio::test]
async fn wrong_device_codes_count_against_the_address() {
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 3)).await;
    let tool = Tool::new(&node, "backup").await;
    for _ in 0..3 {
        refused(&tool.poll_with(&base64url(&[7; 48])).await, "invalid_grant");
    }
    let limited = tool.poll_with(&base64url(&[7; 48])).await;
    assert_eq!(limited.status, 429, "{}", limited.body);
    assert!(limited.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn starts_are_limited_as_those_of_pages_are() {
    let node = Node::with(Options::with(|settings| settings.limits.live_requests_per_address = 2)).await;
    let tool = Tool::new(&node, "backup").await;
    tool.start("openid").await.expect(200);
    tool.start("openid").await.expect(200);
    let limited = tool.start("openid").await;
    assert_eq!(limited.status, 429, "{}", limited.body);
    assert!(limited.headers.contains_key("retry-after"));
}

/// §3.1: who may ask; RFC 6749 §5.2.
#[tokio::test]
async fn only_a_client_that_may_starts_a_device_grant() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    add_client(&node, "website", None, false, ClientPolicy::default()).await;
    let may_not = Tool { id: "website", wire: node.wire(), ..Tool::new(&node, "third").await };
    refused(&may_not.start("openid").await, "unauthorized_client");
    refused(&tool.start("a\u{7f}b").await, "invalid_scope");
    let unknown = Tool { id: "nobody", wire: node.wire(), ..may_not }.start("openid").await;
    assert_eq!((unknown.status, unknown.body["error"].as_str()), (401, Some("invalid_client")));
    let nameless = tool.post_text("/oauth/device-authorization", "scope=openid".to_owned()).await;
    assert_eq!((nameless.status, nameless.body["error"].as_str()), (401, Some("invalid_client")));
    // §3.1: no parameter twice; one that is not known is ignored.
    let twice = "client_id=backup&scope=openid&scope=profile".to_owned();
    refused(&tool.post_text("/oauth/device-authorization", twice).await, "invalid_request");
    let more = "client_id=backup&scope=openid&colour=blue".to_owned();
    tool.post_text("/oauth/device-authorization", more).await.expect(200);
}

/// RFC 6749 §3.2.1: a confidential client shows its secret at both endpoints.
#[tokio::test]
async fn a_confidential_client_shows_who_it_is_at_each_call() {
    let node = Node::start().await;
    let tool = Tool::with(&node, "server", Some("sesame"), ClientPolicy::default()).await;
    let (_, started) = approved(&node, &tool, "openid").await;
    let silent = format!(
        "client_id=server&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
        started["device_code"].as_str().unwrap()
    );
    assert_eq!(tool.post_text("/oauth/token", silent).await.status, 401);
    let silent = tool.post_text("/oauth/device-authorization", "client_id=server".to_owned()).await;
    assert_eq!(silent.status, 401);
    tool.poll(&started).await.expect(200);
}

/// RFC 9449 §5: what was asked for with a key is given to that key alone, and bound to it.
#[tokio::test]
async fn a_device_that_proves_a_key_gets_tokens_bound_to_it() {
    let node = Node::start().await;
    let tool = Tool { proves: true, ..Tool::new(&node, "backup").await };
    let (_, started) = approved(&node, &tool, "openid").await;
    let without = Tool { proves: false, wire: node.wire(), ..tool };
    refused(&without.poll(&started).await, "invalid_dpop_proof");
    let other = Tool { proves: true, wire: node.wire(), ..without };
    refused(&other.poll(&started).await, "invalid_dpop_proof");
}

/// RFC 9449 §5: the key may come as late as the poll; from then on it is that one.
#[tokio::test]
async fn a_key_that_comes_with_the_poll_binds_what_it_gives() {
    let node = Node::start().await;
    let started_by = Tool::new(&node, "backup").await;
    let (_, started) = approved(&node, &started_by, "openid").await;
    let tool = Tool { proves: true, ..started_by };
    let tokens = tool.poll(&started).await.expect(200);
    assert_eq!(tokens["token_type"], "DPoP");
    let other = Tool { wire: node.wire(), proves: true, ..tool };
    refused(&other.poll(&started).await, "invalid_dpop_proof");
}

/// What the app ends is over: list, refresh and userinfo.
#[tokio::test]
async fn ending_the_session_in_the_app_ends_the_tokens() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let (device, started) = approved(&node, &tool, "openid").await;
    let tokens = tool.poll(&started).await.expect(200);
    let next = tool.refresh(tokens["refresh_token"].as_str().unwrap()).await.expect(200);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    device.call("DELETE", &format!("/api/sessions/{id}"), None).await.expect(204);
    refused(&tool.refresh(next["refresh_token"].as_str().unwrap()).await, "invalid_grant");
    assert_eq!(tool.userinfo(next["access_token"].as_str().unwrap()).await.status, 401);
    let again = tool.poll(&started).await;
    assert_eq!(again.status, 400, "{}", again.body);
}

/// Point 2: what a device started is no page's; its code in a page's calls finds nothing.
#[tokio::test]
async fn a_page_finds_no_request_of_a_device() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let started = tool.start("openid").await.expect(200);
    let bytes = from_base64url(started["device_code"].as_str().unwrap()).unwrap();
    let id = RequestId::from_random(bytes[..16].try_into().unwrap());
    let secret = base64url(&bytes[16..]);
    let cookie = format!("__Host-countersign-request-{id}={secret}");
    let headers = vec![("cookie", cookie), ("origin", "https://login.example.com".to_owned())];
    let path = format!("/api/login-requests/{id}");
    let extras = Extras { headers, ..Extras::default() };
    tool.wire.send("GET", &path, &extras, None).await.problem(404, "not_found");
    tool.wire.send("DELETE", &path, &extras, None).await.problem(404, "not_found");
    refused(&tool.poll(&started).await, "authorization_pending");
}

/// A client may insist on a verified person; the tokens say that there was one.
#[tokio::test]
async fn a_client_that_steps_up_gets_a_verified_person() {
    let node = Node::start().await;
    let policy = ClientPolicy { step_up: true, ..ClientPolicy::default() };
    let tool = Tool::with(&node, "bank", None, policy).await;
    let device = node.device("ada").await;
    let started = tool.start("openid").await.expect(200);
    let scanned = typed(&device, &started).await;
    assert_eq!(scanned.seen()["user_verification"], "required");
    device.decide(&scanned, Decision::Approve, None).await.problem(403, "user_verification_required");
    let verified = Statement { user_verified: true, ..device.statement(&scanned, Decision::Approve, None) };
    device.send_statement(&device.sign(&verified)).await.expect(204);
    let tokens = tool.poll(&started).await.expect(200);
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&from_base64url(claims).unwrap()).unwrap();
    assert_eq!(claims["acr"], "urn:countersign:acr:verified");
}

/// §5.1: guessing a user code is limited per device and account, and gives the guesser nothing of the tokens.
#[tokio::test]
async fn a_wrong_user_code_is_counted_and_types_nothing() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let device = node.device("ada").await;
    let started = tool.start("openid").await.expect(200);
    for _ in 0..5 {
        device.type_code("BBBB-BBBB").await.problem(404, "not_found");
    }
    device.type_code(started["user_code"].as_str().unwrap()).await.problem(429, "too_many_requests");
    refused(&tool.poll(&started).await, "authorization_pending");
}

/// Point 12: the process ended after the session was made and before its grant was.
#[tokio::test]
async fn a_session_that_a_crash_left_behind_gets_its_grant_at_the_next_poll() {
    let node = Node::start().await;
    let tool = Tool::new(&node, "backup").await;
    let (device, started) = approved(&node, &tool, "openid").await;
    let made = redeem_and_crash(&node, &started).await;
    let tokens = tool.poll(&started).await.expect(200);
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    let ids: Vec<_> = sessions["sessions"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [json!(made.to_string())]);
}

/// Writes the session to the durable store and nothing else, as a crash right after it leaves things.
async fn redeem_and_crash(node: &Node, started: &Value) -> SessionId {
    let code = from_base64url(started["device_code"].as_str().unwrap()).unwrap();
    let id = RequestId::from_random(code[..16].try_into().unwrap());
    let secret = Secret::new(code[16..].try_into().unwrap());
    let read = node.short_lived.by_id(id).await.unwrap().unwrap().request;
    let token = FrameKey::derive(&Secret::new([7; 32]), &read.handle).session_token(&secret, &id);
    let new = NewSession {
        id: SessionId::from_random(fresh_bytes()),
        ticket: read.state.lock().unwrap().ticket,
        request: id,
        token: token.hash(),
        page_key: None,
        consent: None,
        kind: SessionKind::Linked,
        address: String::new(),
        browser: String::new(),
        system: String::new(),
        verified: false,
    };
    node.durable.redeem(&new, 60, &SessionLives::default(), &By::server(), node.now()).await.unwrap();
    new.id
}
