//! The peer: the npm package `oidc-provider`, its device flow (RFC 8628) with a proof (RFC 9449) at the token endpoint.
//!
//! What a login is there: start, approval, token. One proof is made and checked, the ID token is signed once; the approval
//! is one call without a signature. A waiting device holds no socket but asks again each 5 seconds.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use protocol::time::Timestamp;
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::call::{Ask, Connection, Reply};
use crate::party::Prover;
use crate::statistics::Times;
use crate::subject::Subject;
use crate::waiting::Starts;

/// What it does and what it does not, beside the figures.
pub(crate) const WHAT: &str = "oidc-provider: the device flow of the npm package, everything in memory in one process of Node.js. A login is \
     start, approval and token; it checks one signature and makes one (ID token) where the others check four. Its approval \
     is one call without a signature, and it has no push: a device asks again each 5 s (RFC 8628), which is what its \
     times from approval to sign-in are, and its waiting devices hold no socket.";

/// RFC 8628 section 3.5, when the server names no other.
const INTERVAL: Duration = Duration::from_secs(5);
const TOKEN: &str = "/token";
const GRANT: &str =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=bench&device_code=";

/// A device that signs in, and the account that approves it.
pub(crate) struct Client {
    connection: Connection,
    prover: Prover,
    account: usize,
}

/// A device that waits.
pub(crate) struct Pending {
    connection: Connection,
    form: String,
}

#[derive(Deserialize)]
struct Started {
    device_code: String,
    user_code: String,
}

impl Client {
    pub(crate) async fn new(subject: &Subject, account: usize) -> Result<Self> {
        Ok(Self { connection: subject.connect(0).await?, prover: Prover::new(None)?, account })
    }

    pub(crate) async fn login(&mut self) -> Result<()> {
        let started = start(&mut self.connection).await?;
        self.approve(&started).await?;
        self.redeem(&started).await
    }

    async fn approve(&mut self, started: &Started) -> Result<()> {
        let body = format!(r#"{{"user_code":"{}","account":"bench{}"}}"#, started.user_code, self.account);
        let ask = Ask { method: "POST", path: "/approve", body: &body, ..Ask::default() };
        self.connection.call(ask).await?.expect(204, "an approval").map(drop)
    }

    async fn redeem(&mut self, started: &Started) -> Result<()> {
        let now = Timestamp(unix_s());
        let proof = self.prover.proof_at(self.connection.origin(), "POST", TOKEN, None, now)?;
        let form = format!("{GRANT}{}", started.device_code);
        let ask = Ask { proof: Some(&proof), ..post(TOKEN, &form) };
        self.connection.call(ask).await?.expect(200, "a token").map(drop)
    }
}

impl Pending {
    pub(crate) async fn start(mut connection: Connection) -> Result<Self> {
        let started = start(&mut connection).await?;
        Ok(Self { connection, form: format!("{GRANT}{}", started.device_code) })
    }

    pub(crate) async fn poll(&mut self) -> Result<()> {
        poll(&mut self.connection, &self.form).await.map(drop)
    }
}

/// Devices that wait, each asking in its turn.
#[derive(Default)]
pub(crate) struct Waiting {
    forms: Vec<String>,
}

impl Waiting {
    /// Starts `count` more, 32 at a time.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) async fn open(&mut self, subject: &Subject, count: u32) -> Result<Starts> {
        let (clock, cpu_s) = (Instant::now(), subject.cpu_s()?);
        let mut workers = JoinSet::new();
        for worker in 0..32 {
            let mut connection = subject.connect(0).await?;
            workers.spawn(async move {
                let mut forms = Vec::new();
                for _ in (worker..count).step_by(32) {
                    forms.push(format!("{GRANT}{}", start(&mut connection).await?.device_code));
                }
                anyhow::Ok(forms)
            });
        }
        while let Some(forms) = workers.join_next().await {
            self.forms.extend(forms??);
        }
        let count = f64::from(count);
        Ok(Starts {
            per_s: count / clock.elapsed().as_secs_f64(),
            cpu_ms: (subject.cpu_s()? - cpu_s) * 1_000.0 / count,
        })
    }

    /// Each asks three times, at its interval.
    pub(crate) async fn rounds(&self, subject: &Subject) -> Result<()> {
        let mut connection = subject.connect(0).await?;
        #[expect(clippy::cast_precision_loss, reason = "some thousand")]
        let mut turns = tokio::time::interval(INTERVAL.div_f64(self.forms.len().max(1) as f64));
        for form in self.forms.iter().cycle().take(self.forms.len() * 3) {
            turns.tick().await;
            poll(&mut connection, form).await?;
        }
        Ok(())
    }
}

/// From approval to token when each of `count` devices asks at its interval; approvals come at every part of that.
pub(crate) async fn approvals(subject: &Subject, count: u32) -> Result<Times> {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let mut client = Client::new(subject, number as usize).await?;
        tasks.spawn(async move {
            let started = start(&mut client.connection).await?;
            tokio::time::sleep(INTERVAL.mul_f64(f64::from(number) / f64::from(count))).await;
            client.approve(&started).await?;
            #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
            let clock = Instant::now();
            let asked_before = INTERVAL.mul_f64(f64::from(number) / f64::from(count));
            tokio::time::sleep(INTERVAL.saturating_sub(asked_before)).await;
            client.redeem(&started).await?;
            anyhow::Ok(clock.elapsed().as_secs_f64() * 1_000.0)
        });
    }
    let mut times_ms = Vec::new();
    while let Some(time_ms) = tasks.join_next().await {
        times_ms.push(time_ms??);
    }
    Ok(Times::of(times_ms))
}

async fn start(connection: &mut Connection) -> Result<Started> {
    let reply = connection.call(post("/device/auth", "client_id=bench&scope=openid")).await?;
    reply.expect(200, "a start")?.json()
}

async fn poll(connection: &mut Connection, form: &str) -> Result<Reply> {
    let reply = connection.call(post(TOKEN, form)).await?.expect(400, "a poll")?;
    ensure!(reply.body.starts_with(br#"{"error":"authorization_pending""#), "a poll was not pending");
    Ok(reply)
}

fn post<'a>(path: &'a str, form: &'a str) -> Ask<'a> {
    Ask { method: "POST", path, body: form, is_form: true, ..Ask::default() }
}

#[expect(clippy::disallowed_methods, reason = "the peer looks at the clock in a proof")]
fn unix_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
