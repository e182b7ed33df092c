//! Tells sites that a session is over, server to server (OpenID Connect Back-Channel Logout 1.0).
//!
//! 1. The token endpoint notes for whom (`watch_logout`), when the site wants to hear of it.
//! 2. Whatever ends sessions rings; what other processes end, the next sweep finds.
//! 3. [`run`] asks the store for grants that are over and sends a logout token to each one's site, again until it is taken.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use protocol::encoding::base64url;
use protocol::id::{AccountId, GrantId};
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::clients::Client;
use crate::clock::Clock;
use crate::service::{Failure, Service};
use crate::store::{DueLogout, Grant, StoreError};

/// How long a site may take to answer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Calls to one site at the same time.
const AT_ONCE: usize = 8;

/// Accounts whose sites are told at the same time; what more of them end meanwhile is left to the next sweep.
const ACCOUNTS_AT_ONCE: usize = 64;

/// Nobody else tells a site meanwhile: longer than a whole batch takes at a site that answers each call at the last moment.
const LEASE_S: i64 = 120;

/// The wait after the first failure; each further one doubles it.
const WAIT_S: i64 = 5;
const WAIT_S_MAX: i64 = 3_600;

/// A site that did not take it so often, over about a day, never hears of it.
const TRIES_MAX: u32 = 33;

/// Life of a logout token, in seconds: two minutes as §2.4 recommends.
const TOKEN_S: i64 = 120;

/// The member of `events` that makes a token a logout (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Accounts whose sessions ended a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Notify,
    accounts: Mutex<BTreeSet<AccountId>>,
}

/// Claims of a logout token (§2.4).
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: Timestamp,
    exp: Timestamp,
    jti: String,
    sub: AccountId,
    sid: GrantId,
    events: Value,
}

impl Service {
    /// Notes that this grant's site wants to hear of its end, if it said so.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub(crate) async fn watch_logout(&self, client: &Client, grant: &Grant) -> Result<(), Failure> {
        // Without an ID token the site knows neither subject nor session.
        let is_told_who = grant.scopes.iter().any(|scope| scope == "openid");
        if is_told_who && client.policy.back_channel_logout.is_some() {
            self.durable.watch_logout(grant.id, &client.id, grant.session.account.id).await?;
        }
        Ok(())
    }

    /// Sessions of this account have ended.
    pub(crate) fn ring(&self, account: AccountId) {
        self.bell.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(account);
        self.bell.rung.notify_one();
    }

    /// Tells the sites of one account, or all that are due: each site by itself, so that none waits for another.
    async fn tell_sites(&self, http: &reqwest::Client, account: Option<AccountId>) -> Result<(), StoreError> {
        loop {
            let now = self.now();
            let mut due =
                self.durable.due_logouts(account, &self.session_lives, now.plus_s(LEASE_S), now).await?;
            if due.is_empty() {
                return Ok(());
            }
            due.sort_by(|one, other| one.client.cmp(&other.client));
            let sites = due.chunk_by(|one, other| one.client == other.client);
            stream::iter(sites).for_each_concurrent(None, |logouts| self.tell_site(http, logouts)).await;
        }
    }

    /// Tells one site of all that is over. Once it does not answer, the rest is put off untried.
    async fn tell_site(&self, http: &reqwest::Client, logouts: &[DueLogout]) {
        let silent = AtomicBool::new(false);
        let tell = |logout| self.tell_of(http, logout, &silent);
        stream::iter(logouts).for_each_concurrent(AT_ONCE, tell).await;
    }

    async fn tell_of(&self, http: &reqwest::Client, logout: &DueLogout, silent: &AtomicBool) {
        let sent = if silent.load(Ordering::Relaxed) {
            Err(NotTold::Silent)
        } else {
            self.send_logout(http, logout).await
        };
        let told = match sent {
            Ok(()) => true,
            Err(cause) => {
                if matches!(cause, NotTold::Unreachable(_)) {
                    silent.store(true, Ordering::Relaxed);
                }
                let gives_up = logout.tries >= TRIES_MAX;
                warn!(client.id = %logout.client, tries = logout.tries, gives_up, %cause, "A site did not take a logout");
                gives_up
            }
        };
        let noted = if told {
            self.durable.forget_logout(logout.grant).await
        } else {
            self.durable.delay_logout(logout.grant, self.now().plus_s(wait_s(logout.tries))).await
        };
        if let Err(cause) = noted {
            warn!(client.id = %logout.client, ?cause, "A site will hear of a logout again");
        }
    }

    /// One try. A client that is gone, or wants to hear nothing any more, is as good as told.
    async fn send_logout(&self, http: &reqwest::Client, logout: &DueLogout) -> Result<(), NotTold> {
        let client = self.find_client(&logout.client).await.map_err(|_| NotTold::NotReady)?;
        let Some(client) = client else { return Ok(()) };
        let Some(uri) = &client.policy.back_channel_logout else { return Ok(()) };
        let now = self.now();
        let claims = LogoutToken {
            iss: self.origin().as_str(),
            aud: client.id.as_str(),
            iat: now,
            exp: now.plus_s(TOKEN_S),
            jti: base64url(&self.entropy.bytes_16()),
            sub: logout.account,
            sid: logout.grant,
            events: json!({ EVENT: {} }),
        };
        let signed = self.sign_jwt("logout+jwt", client.policy.id_token_alg, &claims).await;
        let token = signed.map_err(|_| NotTold::NotReady)?;
        // A compact JWS needs no escape in a form.
        let form = (CONTENT_TYPE, "application/x-www-form-urlencoded");
        let call = http.post(uri).header(form.0, form.1).body(format!("logout_token={token}"));
        let answer = call.send().await;
        let status = answer.map_err(|error| NotTold::Unreachable(error.without_url()))?.status();
        if !status.is_success() {
            return Err(NotTold::Refused(status.as_u16()));
        }
        info!(client.id = %client.id, "Told a site that a session is over");
        Ok(())
    }
}

/// Why a site was not told.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error("the server could not make the token")]
    NotReady,
    #[error("the site is out of reach")]
    Unreachable(#[source] reqwest::Error),
    #[error("the site did not answer a moment ago")]
    Silent,
    #[error("the site answered {0}")]
    Refused(u16),
}

/// Tells sites for as long as the node runs: at each ring those of one account, every `every_s` seconds all that are due.
/// A site that has not answered after `answer_limit` ([`ANSWER_LIMIT`]) is asked again later; nobody else waits for it.
pub async fn run(service: &Service, clock: &dyn Clock, every_s: u32, answer_limit: Duration) -> Infallible {
    // Made at the first need: it reads the system's certificates, which takes a while.
    let http = LazyLock::new(|| client(answer_limit));
    let tell = async |account: Option<AccountId>| {
        if let Err(cause) = service.tell_sites(&http, account).await {
            warn!(?cause, "Sites could not be told of a logout; the next sweep makes up for it");
        }
        account
    };
    let mut telling = FuturesUnordered::new();
    let (mut sweeps, mut sweep_at) = (false, clock.elapsed());
    loop {
        let is_due = tokio::select! {
            () = service.bell.rung.notified() => false,
            () = clock.reached(sweep_at), if !sweeps => true,
            Some(told) = telling.next() => {
                let account: Option<AccountId> = told;
                sweeps &= account.is_some();
                continue;
            }
        };
        if is_due {
            (sweeps, sweep_at) = (true, clock.elapsed().plus_s(every_s.into()));
            telling.push(tell(None));
        }
        let room = ACCOUNTS_AT_ONCE.saturating_sub(telling.len());
        telling.extend(service.bell.take().into_iter().take(room).map(|account| tell(Some(account))));
    }
}

/// Follows no redirect: a site is told where it said.
fn client(answer_limit: Duration) -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(answer_limit)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client that reads no files of ours, with the provider that serving installs")
}

impl Bell {
    fn take(&self) -> BTreeSet<AccountId> {
        std::mem::take(&mut *self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The wait after so many tries, in seconds.
fn wait_s(tries: u32) -> i64 {
    (WAIT_S << tries.saturating_sub(1).min(12)).min(WAIT_S_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tries_reach_over_a_day() {
        assert_eq!([1, 2, 3, 4].map(wait_s), [5, 10, 20, 40]);
        let all: i64 = (1..TRIES_MAX).map(wait_s).sum();
        assert!((80_000..100_000).contains(&all), "{all}");
    }
}
