//! OpenID Connect Back-Channel Logout: sites hear that a session is over however often it takes to tell them, and none waits
//! for another.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_server::config::Settings;
use countersign_server::oauth::back_channel_logout::run;
use countersign_server::store::ClientId;
use protocol::encoding::{base64url, from_base64url};
use protocol::id::{AccountId, GrantId};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::secrecy::Log;
use crate::support::{Device, Node, Page, Site, fresh_bytes};

/// Seconds between sweeps.
const SWEEP_S: u32 = 60;

/// Longer than any test: nobody is given up.
const NEVER: Duration = Duration::from_hours(1);

/// What a test waits for comes long before, on any machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// As long as a lease lasts, in seconds; what was put off after a first failure is due before.
const LEASE_S: i64 = 120;

#[tokio::test]
async fn a_site_hears_of_an_end_by_a_token_for_it_alone() {
    let node = Node::start().await;
    let (wiki, device, page) = (Ear::open(Mood::Takes).await, node.device("ada").await, node.page());
    let blog = Ear::open(Mood::Takes).await;
    let id_token = claims(&sign_in(&node, "wiki", &wiki, &page, &device).await);
    sign_in(&node, "blog", &blog, &page, &device).await;
    // One that never asked to hear.
    Site::add(&node, "deaf").await.id_token(&page, &device).await;
    while_told(&node, NEVER, async {
        device.call("DELETE", "/api/sessions", None).await.expect(204);
        let heard = wiki.hears(1).await;
        let head: Value = part(&heard[0], 0);
        assert_eq!((&head["typ"], &head["alg"]), (&json!("logout+jwt"), &json!("ES256")));
        let said = claims(&heard[0]);
        for same in ["iss", "aud", "sub", "sid"] {
            assert_eq!(said[same], id_token[same], "{same}");
        }
        assert_eq!(said["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 120);
        assert!(said["jti"].is_string() && said.get("nonce").is_none(), "{said}");
        assert_eq!(claims(&blog.hears(1).await[0])["aud"], "blog");
    })
    .await;
}

/// Whatever is wrong with it: once it is there again, it is told, and once it took it, never again.
#[tokio::test]
async fn a_site_that_does_not_take_it_hears_it_again() {
    let log = Log::of_this_process();
    for mood in [Mood::Answers(500), Mood::Answers(302), Mood::Closes, Mood::Hangs] {
        let node = Node::start().await;
        let (ear, device, page) = (Ear::open(mood).await, node.device("ada").await, node.page());
        let first = claims(&sign_in(&node, "wiki", &ear, &page, &device).await);
        let hangs = mood == Mood::Hangs;
        while_told(&node, if hangs { Duration::from_millis(200) } else { NEVER }, async {
            device.call("DELETE", "/api/sessions", None).await.expect(204);
            is_put_off(&node, &device).await;
        })
        .await;
        ear.is_now(Mood::Takes);
        let then = while_told(&node, NEVER, async {
            node.clock.advance_s(SWEEP_S);
            ear.takes(1).await;
            is_forgotten(&node).await;
            node.clock.advance_s(SWEEP_S);
            // What it hears next is of the next session.
            let next = claims(&sign_in_again("wiki", &page, &device).await);
            device.call("DELETE", "/api/sessions", None).await.expect(204);
            ear.takes(2).await;
            next
        })
        .await;
        let taken: BTreeSet<String> =
            ear.taken().iter().map(|token| claims(token)["sid"].to_string()).collect();
        assert_eq!(taken, BTreeSet::from([first["sid"].to_string(), then["sid"].to_string()]), "{mood:?}");
        assert_eq!(ear.taken().len(), 2, "{mood:?}");
        let text = log.text();
        assert!(text.contains("A site did not take a logout") && text.contains("Told a site"), "{text}");
        for token in ear.heard() {
            let signature = token.rsplit('.').next().unwrap();
            assert!(!text.contains(signature), "a logout token is in the log");
        }
        assert!(!text.contains(&ear.path), "the address of a site is in the log");
    }
}

/// A site that takes the call and says nothing keeps none of the others waiting: neither those of the same person nor
/// those of people whose sessions end meanwhile.
#[tokio::test]
async fn a_site_that_hangs_holds_nobody_up() {
    let node = Node::start().await;
    let (hung, good) = (Ear::open(Mood::Hangs).await, Ear::open(Mood::Takes).await);
    let (ada, ada_page) = (node.device("ada").await, node.page());
    sign_in(&node, "hung", &hung, &ada_page, &ada).await;
    sign_in(&node, "good", &good, &ada_page, &ada).await;
    let (grace, grace_page) = (node.device("grace").await, node.page());
    sign_in_again("good", &grace_page, &grace).await;
    while_told(&node, NEVER, async {
        ada.call("DELETE", "/api/sessions", None).await.expect(204);
        hung.hears(1).await;
        good.takes(1).await;
        grace.call("DELETE", "/api/sessions", None).await.expect(204);
        good.takes(2).await;
    })
    .await;
    assert_eq!(hung.heard().len(), 1, "it was asked again while it had not answered");
}

/// Of hundreds that are owed to a site that does not answer, a few are tried: the others may have their turn.
#[tokio::test]
async fn a_site_that_is_gone_is_asked_a_few_times_a_round() {
    const OWED: usize = 250;
    let log = Log::of_this_process();
    let node = Node::start().await;
    let (gone, good) = (Ear::open(Mood::Closes).await, Ear::open(Mood::Takes).await);
    listen_at(&node, "gone", &gone).await;
    listen_at(&node, "good", &good).await;
    for id in std::iter::repeat_n("gone", OWED).chain(["good"]) {
        // Of grants that were swept away, so they are over.
        let (grant, account) = (GrantId::from_random(fresh_bytes()), AccountId::from_random(fresh_bytes()));
        node.durable.watch_logout(grant, &ClientId::parse(id).unwrap(), account).await.unwrap();
    }
    while_told(&node, NEVER, async {
        good.takes(1).await;
        let put_off = || log.text().matches("client.id=gone").count();
        until(async || (put_off() >= OWED).then_some(())).await;
    })
    .await;
    let calls = gone.heard().len();
    assert!((1..=3 * 8).contains(&calls), "{calls} calls in three rounds");
}

/// Runs what tells sites for as long as `story` takes, at a site that may think about its answer for so long.
async fn while_told<T>(node: &Node, answer_limit: Duration, story: impl Future<Output = T>) -> T {
    tokio::select! {
        never = run(&node.service, &*node.clock, SWEEP_S, answer_limit) => match never {},
        told = story => told,
    }
}

/// Registers a site that wants to hear, and signs in there; the ID token.
async fn sign_in(node: &Node, id: &str, ear: &Ear, page: &Page, device: &Device) -> String {
    listen_at(node, id, ear).await;
    sign_in_again(id, page, device).await
}

async fn listen_at(node: &Node, id: &str, ear: &Ear) {
    let uri = format!("http://{}{}", ear.address, ear.path);
    Site::add_with(node, id, |client| client.policy.back_channel_logout = Some(uri)).await;
}

async fn sign_in_again(id: &str, page: &Page, device: &Device) -> String {
    let site = Site { id: id.to_owned(), redirect_uri: format!("https://{id}.example/callback") };
    site.id_token(page, device).await
}

/// Waits until the failed try is noted. Found before its lease is over, so it is due again at once, as it was found.
async fn is_put_off(node: &Node, device: &Device) {
    let (lives, now) = (Settings::in_memory().session_lives(), node.now());
    until(async || {
        let due = node.durable.due_logouts(device.account, &lives, now, now.plus_s(LEASE_S - 1)).await;
        (!due.unwrap().is_empty()).then_some(())
    })
    .await;
}

async fn is_forgotten(node: &Node) {
    let (lives, now) = (Settings::in_memory().session_lives(), node.now());
    until(async || {
        let due = node.durable.due_logouts(None, &lives, now, now.plus_s(LEASE_S + 1)).await;
        due.unwrap().is_empty().then_some(())
    })
    .await;
}

/// Looks until there is something.
async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("it never comes")
}

fn claims(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&from_base64url(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

/// What a site does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Takes,
    Answers(u16),
    /// Ends the line without a word.
    Closes,
    /// Says nothing for as long as the caller stays.
    Hangs,
}

/// Where a site hears of ends.
struct Ear {
    address: String,
    /// Nobody else knows it.
    path: String,
    mood: Arc<Mutex<Mood>>,
    heard: Arc<Mutex<Vec<(String, Mood)>>>,
}

impl Ear {
    async fn open(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let path = format!("/over/{}", base64url(&fresh_bytes()));
        let (mood, heard) = (Arc::new(Mutex::new(mood)), Arc::<Mutex<Vec<_>>>::default());
        let (moods, hears, called) = (Arc::clone(&mood), Arc::clone(&heard), path.clone());
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(hear(line, called.clone(), Arc::clone(&moods), Arc::clone(&hears)));
            }
        });
        Self { address, path, mood, heard }
    }

    fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Tokens so far, taken or not.
    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(token, _)| token.clone()).collect()
    }

    fn taken(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(_, mood)| *mood == Mood::Takes).map(|(token, _)| token.clone()).collect()
    }

    async fn hears(&self, number: usize) -> Vec<String> {
        until(async || Some(self.heard()).filter(|heard| heard.len() >= number)).await
    }

    async fn takes(&self, number: usize) {
        until(async || (self.taken().len() >= number).then_some(())).await;
    }
}

/// One call: a form with one token.
async fn hear(
    line: TcpStream,
    path: String,
    moods: Arc<Mutex<Mood>>,
    heard: Arc<Mutex<Vec<(String, Mood)>>>,
) {
    let mut line = BufReader::new(line);
    let (mut head, mut length) = (String::new(), 0);
    while line.read_line(&mut head).await.unwrap() > 2 {
        let last = head.lines().last().unwrap().to_ascii_lowercase();
        if let Some(value) = last.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    assert!(head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{head}");
    assert!(
        head.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{head}"
    );
    let mut body = vec![0; length];
    line.read_exact(&mut body).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    let mood = *moods.lock().unwrap();
    heard.lock().unwrap().push((body.strip_prefix("logout_token=").unwrap().to_owned(), mood));
    let status = match mood {
        Mood::Takes => 204,
        Mood::Answers(status) => status,
        Mood::Closes => return,
        Mood::Hangs => {
            // Until the caller has left.
            let _left = line.read(&mut [0]).await;
            return;
        }
    };
    let answer = format!(
        "HTTP/1.1 {status} Said\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    line.get_mut().write_all(answer.as_bytes()).await.unwrap();
}
