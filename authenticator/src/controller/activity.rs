//! The regular look at every account's activity, its list, and the alarm when a log was rewritten.

use std::collections::HashSet;

use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::wire::ActivityEntry as Entry;
use serde::Deserialize;

use super::lists::shown_moment;
use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::activity::{Head, Look, look};
use crate::ports::Notification;
use crate::secrets::Failure;
use crate::view::{AccountRef, ActivityEntry, Listing, NoticeMessage, SignIn};

/// Older entries that the list shows beside those that are new.
const SHOWN_BACK: i64 = 200;
/// Longest summary shown, in characters.
const SUMMARY_LENGTH_MAX: usize = 300;
/// Entry kinds that the person is told about.
const SIGNED_IN: &str = "signed_in";
const DEVICE_ENROLLED: &str = "device_enrolled";
const RECOVERY_CODES_MADE: &str = "recovery_codes_made";
/// Most of them that are told one by one: after a long absence, or by a hostile server, there may be thousands.
const TOLD_ONE_BY_ONE_MAX: usize = 3;
/// Most entries that the list shows.
const SHOWN_MAX: usize = 2_000;
/// Places in the log from 1 up to what a webview counts exactly (2^53 - 1).
const PLACES: std::ops::RangeInclusive<i64> = 1..=(1 << 53) - 1;

impl Controller {
    /// Looks at the activity of every account that works, one look at a time each.
    pub(super) fn look_at_activity(&mut self) {
        if !self.is_started() {
            return;
        }
        let accounts: Vec<Account> =
            self.saved.accounts.iter().filter(|account| self.is_ready(account)).cloned().collect();
        for account in accounts {
            if self.looking.insert(account.id.clone()) {
                let (chain, head, since) = (account.account.to_string(), account.head.clone(), account.head);
                self.ask(
                    &account.id,
                    async move |access| look(&access.client, &access.auth, &chain, head.as_ref(), 0).await,
                    |account, result| Message::Looked { account, since, result },
                );
            }
        }
    }

    pub(super) async fn looked(
        &mut self,
        id: AccountRef,
        since: Option<Head>,
        result: Result<Look, Failure>,
    ) {
        self.looking.remove(&id);
        self.mind(&id, &result).await;
        match result {
            Ok(look) => self.take_look(&id, since.as_ref(), &look).await,
            Err(failure) => {
                tracing::debug!(%failure, "The activity could not be looked at; the next look is in a minute");
            }
        }
    }

    pub(super) fn show_activity(&mut self) {
        let Some(account) = self.listed_account() else { return self.show_home() };
        self.show(Stage::Activity { account, list: Listing::loading() });
        self.fetch_activity();
    }

    pub(super) fn fetch_activity(&mut self) {
        let Stage::Activity { account, list } = &mut self.stage else { return };
        list.loading = true;
        let (turn, id) = (self.turn, account.clone());
        let Some((chain, since)) =
            self.account(&id).map(|account| (account.account.to_string(), account.head.clone()))
        else {
            return;
        };
        let head = since.clone();
        self.ask(
            &id,
            async move |access| look(&access.client, &access.auth, &chain, head.as_ref(), SHOWN_BACK).await,
            move |account, result| Message::ActivityFetched { turn, account, since, result },
        );
    }

    pub(super) async fn activity_fetched(
        &mut self,
        turn: Turn,
        id: AccountRef,
        since: Option<Head>,
        result: Result<Look, Failure>,
    ) {
        self.mind(&id, &result).await;
        let items = match result {
            Ok(look) => {
                self.take_look(&id, since.as_ref(), &look).await;
                Ok(shown(&look.entries))
            }
            Err(failure) => Err(failure),
        };
        let Stage::Activity { list, .. } = &mut self.stage else { return };
        if turn == self.turn {
            super::lists::fill(list, items);
        }
    }

    /// The person has read the alarm: what the server says is where the next look begins.
    pub(super) async fn accept_activity(&mut self, id: &AccountRef) {
        let Some(account) = self.saved.accounts.iter_mut().find(|account| account.id == *id) else { return };
        if account.alarm {
            account.alarm = false;
            account.head = None;
            self.save_or_tell().await;
            self.look_at_activity();
        }
    }

    /// Keeps where the log ends, tells what is new, raises the alarm. While it stands, the old head is kept as evidence.
    /// A look that began before another head was kept says nothing.
    async fn take_look(&mut self, id: &AccountRef, since: Option<&Head>, look: &Look) {
        let Some(at) = self.saved.accounts.iter().position(|account| account.id == *id) else { return };
        let account = &mut self.saved.accounts[at];
        if account.head.as_ref() != since {
            return;
        }
        let host = account.origin.host_and_port().to_owned();
        if look.rewritten {
            if !account.alarm {
                tracing::warn!(account.host = host, "The activity log does not extend what was seen before");
                account.alarm = true;
                self.notify(Notification::ActivityRewritten { host });
                self.save_or_tell().await;
            }
            return;
        }
        if account.alarm {
            return;
        }
        let seen_to = account.head.as_ref().map(|head| head.seq);
        let is_newer = match (&look.head, seen_to) {
            (Some(head), Some(seen_to)) => head.seq > seen_to,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_newer {
            return;
        }
        account.head.clone_from(&look.head);
        let own = account.device;
        self.save_or_tell().await;
        // The first look after enrolling reads what happened before this computer came.
        let Some(seen_to) = seen_to else { return };
        let is_news = |entry: &&Entry| {
            entry.seq > seen_to
                && entry.device != Some(own)
                && matches!(entry.kind.as_str(), SIGNED_IN | DEVICE_ENROLLED | RECOVERY_CODES_MADE)
        };
        let news: Vec<_> = look.entries.iter().filter(is_news).collect();
        if news.len() > TOLD_ONE_BY_ONE_MAX {
            self.notify(Notification::ManyNew { host, count: news.len() });
        } else {
            for entry in news {
                self.tell_entry(id, &host, entry);
            }
        }
    }

    fn notify(&self, notification: Notification) {
        if self.saved.settings.notifications {
            self.notifier.notify(notification);
        }
    }

    fn tell_entry(&mut self, account: &AccountRef, host: &str, entry: &Entry) {
        let (host, summary) = (host.to_owned(), clean(&entry.summary, SUMMARY_LENGTH_MAX));
        match entry.kind.as_str() {
            SIGNED_IN => {
                let sign_in = sign_in(account, &host, entry);
                self.tell(NoticeMessage::NewSignIn { sign_in });
                self.notify(Notification::NewSignIn { host, summary });
            }
            RECOVERY_CODES_MADE => self.notify(Notification::RecoveryCodesMade { host, summary }),
            DEVICE_ENROLLED => self.notify(Notification::DeviceAdded { host, summary }),
            _ => {}
        }
    }
}

/// A sign-in as the person is told of it.
fn sign_in(account: &AccountRef, host: &str, entry: &Entry) -> SignIn {
    let body = Body::of(entry);
    let sign_in = SignIn {
        account: account.clone(),
        host: host.to_owned(),
        session: entry.session.map(|session| session.to_string()).unwrap_or_default(),
        at: shown_moment(entry.at),
        browser: cleaned(body.browser).unwrap_or_default(),
        system: cleaned(body.system).unwrap_or_default(),
        device: cleaned(body.device.map(|device| device.name)).unwrap_or_default(),
    };
    if sign_in.can_be_ended() { sign_in } else { SignIn { session: String::new(), ..sign_in } }
}

/// What an entry may say; the server keeps more in it, and another version other things.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    browser: Option<String>,
    system: Option<String>,
    device: Option<Named>,
    subject: Option<Named>,
    client: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Body {
    fn of(entry: &Entry) -> Self {
        serde_json::from_str(&entry.body).unwrap_or_default()
    }
}

fn cleaned(text: Option<String>) -> Option<String> {
    text.map(|text| clean(&text, NAME_LENGTH_MAX)).filter(|text| !text.is_empty())
}

/// The newest entries, newest first, each place once.
fn shown(entries: &[Entry]) -> Vec<ActivityEntry> {
    let mut seen = HashSet::new();
    let is_place = |entry: &&Entry| PLACES.contains(&entry.seq) && seen.insert(entry.seq);
    entries.iter().rev().filter(is_place).take(SHOWN_MAX).map(entry_view).collect()
}

fn entry_view(entry: &Entry) -> ActivityEntry {
    let body = Body::of(entry);
    ActivityEntry {
        seq: u64::try_from(entry.seq).unwrap_or(0),
        at: shown_moment(entry.at),
        kind: clean(&entry.kind, NAME_LENGTH_MAX),
        summary: clean(&entry.summary, SUMMARY_LENGTH_MAX),
        address: cleaned(entry.address.clone()),
        device: cleaned(body.device.map(|device| device.name)),
        subject: cleaned(body.subject.or(body.client).map(|subject| subject.name)),
        browser: cleaned(body.browser).unwrap_or_default(),
        system: cleaned(body.system).unwrap_or_default(),
    }
}
