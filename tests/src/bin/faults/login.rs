//! One login, both sides played as page and app play them: whatever is not answered is repeated, whatever is refused is
//! the end of it, with its reason.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::client::{Answer, Device, Http, Jar, Key, Page, Scan, Socket};
use crate::person::{Person, chance};
use crate::repeated::repeated;
use crate::run::Progress;

/// A socket says its state each 15 seconds; without a word for longer the page asks.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a page that asks waits in between.
const ASK_EVERY: Duration = Duration::from_millis(150);

/// What both sides were told.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// The request that was scanned or would have been; `None` when none could be started.
    pub(crate) request: Option<String>,
    /// 204 for the approval.
    pub(crate) approval_taken: bool,
    /// 201 for the session.
    pub(crate) session_given: bool,
    pub(crate) end: End,
}

/// How it ended for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The server says who is signed in.
    SignedIn,
    /// A final answer, which the page shows a reason and a fresh code for.
    Refused(String),
    /// No final answer as long as anybody waits; with the last one that came, if any.
    Silent(String),
}

/// Signs in once.
pub(crate) async fn sign_in(person: &Person, progress: &Progress) -> Story {
    let mut login = Login {
        person,
        progress,
        story: Story { request: None, approval_taken: false, session_given: false, end: End::SignedIn },
    };
    if let Err(end) = login.play().await {
        login.story.end = end;
    }
    login.story
}

struct Login<'a> {
    person: &'a Person,
    progress: &'a Progress,
    story: Story,
}

impl Login<'_> {
    async fn play(&mut self) -> Result<(), End> {
        let mut page = self.start().await?;
        let mut watch = Watch { socket: None, wants_socket: chance().is_multiple_of(2) };
        let mut state = self.until(&mut watch, &page, "waiting").await?;
        let scan = loop {
            let code = code_in(&state).ok_or_else(|| refused("the page", "shows no code"))?;
            let body = json!({"code": code, "via": "camera"});
            let (person, body) = (self.person, &body);
            let answer = repeated("scan", person, self.progress, |http| async move {
                Ok(person.device_at(&http).call("POST", "/api/scans").await?.json(body))
            });
            let answer = answer.await?;
            if answer.problem() != "frame_expired" {
                break Scan::read(expect("scan", answer, 201)?)
                    .map_err(|_| refused("scan", "not as agreed"))?;
            }
            // The camera sees the page's next picture.
            watch.socket = None;
            state = self.until(&mut watch, &page, "waiting").await?;
        };
        let shown = self.until(&mut watch, &page, "scanned").await?;
        self.decide(&scan, shown["check"].as_str()).await?;
        self.story.approval_taken = true;
        self.until(&mut watch, &page, "approved").await?;

        let unsigned = &page;
        let answer = repeated("redeem", self.person, self.progress, |http| async move {
            moved(unsigned, &http).redeeming().proof(&unsigned.key).await
        });
        let answer = expect("redeem", answer.await?, 201)?;
        self.story.session_given = true;
        if is_reloaded() {
            // The same session, or a reason to have forgotten it; a second one would be found afterwards.
            let again = repeated("redeem again", self.person, self.progress, |http| async move {
                moved(unsigned, &http).redeeming().proof(&unsigned.key).await
            });
            again.await?;
        }
        page.jar.absorb(&answer);
        let signed = &page;
        let answer = repeated("who am I", self.person, self.progress, |http| async move {
            Ok(moved(signed, &http).call("GET", "/api/session"))
        });
        expect("who am I", answer.await?, 200).map(drop)
    }

    async fn start(&mut self) -> Result<Page, End> {
        let key = Key::fresh();
        let own = &key;
        let answer = repeated("start", self.person, self.progress, |http| async move {
            Page::starting(&http, &Jar::default()).json(&json!({})).proof(own).await
        });
        let started = expect("start", answer.await?, 201)?;
        let body = started.json().unwrap_or_default();
        let id = body["id"].as_str().ok_or_else(|| refused("start", "not as agreed"))?.to_owned();
        self.story.request = Some(id.clone());
        let mut jar = Jar::default();
        jar.absorb(&started);
        Ok(Page { http: self.person.any_node(), key, jar, id, started })
    }

    /// The same bytes each time.
    async fn decide(&self, scan: &Scan, check: Option<&str>) -> Result<(), End> {
        let device: &Device = self.person.device();
        let statement = device.statement(scan, "approve", check);
        let statement = statement.map_err(|_| refused("scan", "not as agreed"))?.sign(&device.key);
        let body = &json!({"statement": statement});
        let answer = repeated("approval", self.person, self.progress, |http| async move {
            Ok(http.call("POST", "/api/decisions").json(body))
        });
        expect("approval", answer.await?, 204).map(drop)
    }

    /// Watches by socket or by asking until the page is that far.
    async fn until(&self, watch: &mut Watch, page: &Page, wanted: &str) -> Result<Value, End> {
        loop {
            let state = if let Some(state) = watch.told(&moved(page, &self.person.any_node())).await {
                state
            } else {
                let answer = repeated("the page's state", self.person, self.progress, |http| async move {
                    Ok(moved(page, &http).call("GET", &page.path("")))
                });
                expect("the page's state", answer.await?, 200)?.json().unwrap_or_default()
            };
            let name = state["state"].as_str().unwrap_or_default();
            if name == wanted {
                return Ok(state);
            }
            if !["waiting", "scanned", "approved"].contains(&name) {
                let reason = state["reason"].as_str().unwrap_or_default();
                return Err(refused("the page's state", &format!("{name} {reason}")));
            }
            if watch.socket.is_none() {
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    }
}

/// How a page learns of changes.
struct Watch {
    socket: Option<Socket>,
    wants_socket: bool,
}

impl Watch {
    /// What the socket says next; `None` without one, and the page asks.
    async fn told(&mut self, page: &Page) -> Option<Value> {
        if let Some(socket) = &mut self.socket {
            if let Ok(Ok(state)) = tokio::time::timeout(SILENCE, socket.state()).await {
                return Some(state);
            }
            self.socket = None;
            return None;
        }
        if self.wants_socket {
            let opening = tokio::time::timeout(SILENCE, Socket::open(page)).await;
            self.socket = opening.ok().and_then(Result::ok);
        }
        if self.socket.is_some() { Box::pin(self.told(page)).await } else { None }
    }
}

/// What the camera reads.
fn code_in(state: &Value) -> Option<String> {
    let (_, code) = state["frame"]["url"].as_str()?.split_once("/Q/")?;
    Some(code.to_owned())
}

/// Every fourth page is loaded again by its person in the moment that it was signed in.
fn is_reloaded() -> bool {
    chance().is_multiple_of(4)
}

/// The same page, calling another node.
fn moved(page: &Page, http: &Http) -> Page {
    Page { http: http.clone(), ..page.clone() }
}

fn expect(what: &str, answer: Answer, status: u16) -> Result<Answer, End> {
    if answer.status == status { Ok(answer) } else { Err(refused(what, &answer.kind())) }
}

fn refused(what: &str, why: &str) -> End {
    End::Refused(format!("{what}: {}", why.trim()))
}
