//! Point 9: what reaches whom.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::json;

use crate::oauth::{Given, Program, World};
use crate::support::{Node, Page, approved, scanned, signed_in};

/// Point 9: neither states before the approval nor what the authenticator gets name anybody or hold the page's secrets.
#[tokio::test]
async fn nothing_personal_reaches_a_page_before_approval() {
    let node = Node::start().await;
    let (page, request, _, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let state = page.state(&request).await.expect(200).to_string().to_lowercase();
    for word in ["ada", "desk", "203.0.113"] {
        assert!(!state.contains(word), "{word} in {state}");
    }
    assert_eq!(scanned.body["check"], true);
    assert!(!scanned.seen().to_string().contains(&format!("\"{number}\"")));
    let secret = page.cookie(&format!("request-{}", request.id)).unwrap();
    assert!(!scanned.body.to_string().contains(&secret) && !request.body.to_string().contains(&secret));
}

/// Point 9: what is logged during a whole login holds no secret and nobody's name.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::of_this_process();
    let node = Node::start().await;
    let account = node.account("ada", Some("correct horse")).await;
    let code = node.link(account.id).await;
    let (page, request, device) = signed_in(&node).await;
    let mut second = node.stranger();
    second.enrol(&code).await.expect(201);
    let number = check_of(&page, &device, &node).await;
    page.refresh().await.expect(204);
    let link =
        device.call("POST", "/api/enrolments", None).await.expect(201)["link"].as_str().unwrap().to_owned();

    let text = log.text();
    assert!(text.contains("Signed in") && text.contains(&request.id), "{text}");
    let tokens = page
        .jar
        .lock()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.ends_with("-sid"))
        .map(|(_, v)| v.clone())
        .collect::<Vec<_>>();
    let link_code = link.rsplit('/').next().unwrap().to_owned();
    for secret in
        tokens.iter().chain([&device.token, &second.token, &code, &link_code, &request.code(), &number])
    {
        assert!(!text.contains(secret.as_str()), "{secret} in {text}");
    }
    for word in ["ada", "ADA", "203.0.113", "Desk", "Firefox", "correct horse"] {
        let lines: Vec<&str> =
            text.lines().filter(|line| line.contains("countersign") && says(line, word)).collect();
        assert_eq!(lines, Vec::<&str>::new(), "{word}");
    }
}

/// Point 9: neither codes nor tokens nor secrets of clients are logged, whether they are good, wrong or used twice.
#[tokio::test]
async fn no_token_of_a_client_reaches_the_log() {
    let log = Log::of_this_process();
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let code = world.code(&site, Given::default()).await;
    let call = Program::code_call(&code);
    let body = site.proven_token(&call).await.expect(200);
    site.refresh(&body["refresh_token"]).await.expect(200);
    site.exchange(&code).await;
    site.userinfo(&format!("Bearer {}", body["access_token"].as_str().unwrap())).await;
    let token = body["refresh_token"].as_str().unwrap();
    for path in ["/oauth/introspect", "/oauth/revoke", "/oauth/token"] {
        site.post(path, &[("token", token.to_owned()), ("refresh_token", token.to_owned())]).await;
    }
    let text = log.text();
    assert!(text.contains("Exchanged a code") && text.contains("A code was used twice"), "{text}");
    let parts =
        ["access_token", "id_token"].map(|name| body[name].as_str().unwrap().split('.').collect::<Vec<_>>());
    let signatures = parts.iter().map(|parts| parts[2]);
    for secret in
        [code.as_str(), token, super::oauth::SECRET, super::oauth::VERIFIER].into_iter().chain(signatures)
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Whether a line has this word, not as a part of a random id.
fn says(line: &str, word: &str) -> bool {
    let is_of_ids = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if word.chars().all(is_of_ids) {
        line.split(|c| !is_of_ids(c)).any(|part| part == word)
    } else {
        line.contains(word)
    }
}

/// A number with a word that cannot occur by chance: the user code of another request.
async fn check_of(page: &Page, device: &crate::support::Device, node: &Node) -> String {
    let request = page.start().await;
    let code = page.user_code(&request).await.expect(200)["user_code"].as_str().unwrap().to_owned();
    device.type_code(&code).await.expect(201);
    node.clock.advance_s(1);
    code
}

/// Point 9: tokens travel in cookies and one JSON member, and answers that hold them are not stored.
#[tokio::test]
async fn session_tokens_are_in_cookies_only_and_nothing_is_cached() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    let redeemed = page.redeem(&request).await;
    let token = page.cookie("-session").unwrap();
    assert!(!redeemed.body.to_string().contains(&token));
    assert!(!page.session().await.body.to_string().contains(&token));
    for answer in [redeemed, page.session().await, page.start_with(json!({})).await, page.refresh().await] {
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

/// What is logged by this process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// One for all tests of the process: what a thread of its own hears depends on who else runs.
    pub(crate) fn of_this_process() -> Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing_subscriber::fmt()
                .with_env_filter("countersign_server=trace,sqlx=debug,axum=trace")
                .with_ansi(false)
                .with_writer(log.clone())
                .init();
            log
        });
        LOG.clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
