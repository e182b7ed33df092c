use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::id::{AccountId, Handle, RequestId, Ticket};
use protocol::request::{Lives, Request, State};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::sync::watch;

use super::shards::{Shards, shrink};
use crate::store::error::StoreError;
use crate::store::short_lived::{Inserted, Replaced, Version, Versioned, Wakeups, forgotten_at, is_live_at};

/// Most records of requests that are over, about 1 KB each. Beyond, the one that ended first is forgotten early: its
/// page is told that there is no such request, and shows a fresh code if it still cares.
const FINALS_MAX: usize = 200_000;

/// Login requests and the ways to find them.
///
/// A record's lock is taken before an index's or a client's, never the other way round and never two of a kind.
#[derive(Debug)]
pub(super) struct Requests {
    lives: Lives,
    open_max: usize,
    /// Requests that are not over; those past their deadline count until somebody looks or sweeps.
    open: AtomicUsize,
    /// Requests that are over, in the order in which they ended, with when they are forgotten.
    finals: Mutex<VecDeque<(Timestamp, RequestId)>>,
    finals_max: usize,
    records: Shards<RequestId, Record>,
    handles: Shards<Handle, RequestId>,
    user_codes: Shards<UserCode, RequestId>,
    tickets: Shards<Ticket, RequestId>,
    /// Requests of each client that may still be open.
    clients: Shards<Box<str>, Vec<Open>>,
}

#[derive(Debug)]
struct Record {
    request: Arc<Request>,
    version: u64,
    client: Box<str>,
    ticket: Option<Ticket>,
    /// Counted in [`Requests::open`].
    is_open: bool,
    /// Made when the first page waits; most requests have one, none has more.
    changes: Option<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Open {
    id: RequestId,
    ends_at: Timestamp,
}

impl Requests {
    pub(super) fn new(lives: Lives, open_max: usize) -> Self {
        Self {
            lives,
            open_max,
            open: AtomicUsize::new(0),
            finals: Mutex::default(),
            finals_max: FINALS_MAX,
            records: Shards::default(),
            handles: Shards::default(),
            user_codes: Shards::default(),
            tickets: Shards::default(),
            clients: Shards::default(),
        }
    }

    pub(super) fn insert(
        &self,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        const DURING: &str = "take in a login request";
        if self.open.load(Ordering::Relaxed) >= self.open_max {
            return Err(StoreError::Full { during: DURING });
        }
        let ends_at = request.state.ends_at().unwrap_or(now);
        if let Some(retry_after_s) = self.seat(client, request.id, ends_at, per_client, now) {
            return Ok(Inserted::TooMany { retry_after_s });
        }
        let record = Record {
            request: Arc::new(request.clone()),
            version: 1,
            client: client.into(),
            ticket: None,
            is_open: true,
            changes: None,
        };
        self.handles.of(&request.handle).insert(request.handle, request.id);
        self.records.of(&request.id).insert(request.id, record);
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Inserted::Inserted(Version(1)))
    }

    pub(super) fn by_id(&self, id: RequestId) -> Option<Versioned> {
        self.records.of(&id).get(&id).map(Record::read)
    }

    pub(super) fn by_handle(&self, handle: Handle) -> Option<Versioned> {
        self.by_id(look_up(&self.handles, &handle)?)
    }

    pub(super) fn by_user_code(&self, code: UserCode) -> Option<Versioned> {
        self.by_id(look_up(&self.user_codes, &code)?)
    }

    pub(super) fn by_ticket(&self, ticket: Ticket) -> Option<Versioned> {
        self.by_id(look_up(&self.tickets, &ticket)?)
    }

    pub(super) fn replace(&self, request: &Request, expected: Version) -> Replaced {
        let mut shard = self.records.of(&request.id);
        let Some(record) = shard.get_mut(&request.id) else {
            return Replaced::Gone;
        };
        if record.version != expected.0 {
            return Replaced::Changed;
        }
        if !self.index_user_code(&record.request, request) {
            return Replaced::UserCodeTaken;
        }
        if let Some(lock) = request.state.lock().filter(|_| record.ticket.is_none()) {
            self.tickets.of(&lock.ticket).insert(lock.ticket, request.id);
            record.ticket = Some(lock.ticket);
        }
        match request.state.ends_at() {
            Some(ends_at) => self.prolong(&record.client, request.id, ends_at),
            None => self.unseat(&record.client, request.id),
        }
        let ended = !is_over(&record.request) && is_over(request);
        if ended {
            self.leave(record);
        }
        record.version += 1;
        record.request = Arc::new(request.clone());
        if let Some(changes) = &record.changes {
            changes.send_replace(record.version);
        }
        let version = Version(record.version);
        drop(shard);
        if ended {
            self.note_final(request);
        }
        Replaced::Replaced(version)
    }

    /// Keeps the number of records that are over in bounds.
    fn note_final(&self, request: &Request) {
        let mut finals = self.finals.lock().unwrap_or_else(PoisonError::into_inner);
        finals.push_back((forgotten_at(request, &self.lives), request.id));
        let surplus = if finals.len() > self.finals_max { finals.pop_front() } else { None };
        drop(finals);
        if let Some((_, id)) = surplus {
            let record = self.records.of(&id).remove(&id);
            if let Some(mut record) = record {
                self.forget(id, &mut record);
            }
        }
    }

    /// Counts a record no longer as open.
    fn leave(&self, record: &mut Record) {
        if std::mem::take(&mut record.is_open) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Looks at every record; asked for by a person who ends something, never by a waiting page.
    pub(super) fn scanned_by(&self, account: AccountId) -> Vec<Versioned> {
        let mut found = Vec::new();
        for shard in self.records.all() {
            let is_theirs = |record: &&Record| {
                let lock = record.request.state.lock();
                lock.is_some_and(|lock| lock.account == account)
            };
            found.extend(shard.values().filter(is_theirs).map(Record::read));
        }
        found
    }

    pub(super) fn subscribe(&self, id: RequestId) -> Option<Wakeups> {
        let mut shard = self.records.of(&id);
        let record = shard.get_mut(&id)?;
        let version = record.version;
        let changes = record.changes.get_or_insert_with(|| watch::Sender::new(version));
        Some(Wakeups::new(changes.subscribe()))
    }

    pub(super) fn sweep(&self, now: Timestamp) {
        for mut shard in self.records.all() {
            let gone: Vec<_> =
                shard.extract_if(|_, record| forgotten_at(&record.request, &self.lives) <= now).collect();
            for record in shard.values_mut().filter(|record| !is_live_at(&record.request, now)) {
                self.leave(record);
            }
            shrink(&mut shard);
            for (id, mut record) in gone {
                self.forget(id, &mut record);
            }
        }
        let mut finals = self.finals.lock().unwrap_or_else(PoisonError::into_inner);
        while finals.front().is_some_and(|(forgotten_at, _)| *forgotten_at <= now) {
            finals.pop_front();
        }
        drop(finals);
        for mut shard in self.clients.all() {
            shard.retain(|_, open| {
                open.retain(|request| now < request.ends_at);
                !open.is_empty()
            });
            shrink(&mut shard);
        }
    }

    fn forget(&self, id: RequestId, record: &mut Record) {
        self.leave(record);
        remove_index(&self.handles, &record.request.handle, id);
        if let Some(code) = &record.request.user_code {
            remove_index(&self.user_codes, code, id);
        }
        if let Some(ticket) = &record.ticket {
            remove_index(&self.tickets, ticket, id);
        }
        self.unseat(&record.client, id);
    }

    /// Notes an open request of a client; says how long to wait when it has too many.
    fn seat(
        &self,
        client: &str,
        id: RequestId,
        ends_at: Timestamp,
        per_client: u32,
        now: Timestamp,
    ) -> Option<u32> {
        let mut shard = self.clients.of(client);
        let open = shard.entry(client.into()).or_default();
        if open.len() >= per_client as usize {
            open.retain(|request| now < request.ends_at);
        }
        if open.len() >= per_client as usize {
            let first = open.iter().map(|request| request.ends_at).min().unwrap_or(now);
            return Some(u32::try_from(first.since_s(now)).unwrap_or(1).max(1));
        }
        open.push(Open { id, ends_at });
        None
    }

    fn prolong(&self, client: &str, id: RequestId, ends_at: Timestamp) {
        let mut shard = self.clients.of(client);
        let open = shard.get_mut(client).into_iter().flatten();
        for request in open.filter(|request| request.id == id) {
            request.ends_at = ends_at;
        }
    }

    fn unseat(&self, client: &str, id: RequestId) {
        let mut shard = self.clients.of(client);
        if let Some(open) = shard.get_mut(client) {
            open.retain(|request| request.id != id);
            if open.is_empty() {
                shard.remove(client);
            }
        }
    }

    /// Enters a user code that the request did not have; false when another live request has it.
    fn index_user_code(&self, before: &Request, after: &Request) -> bool {
        let Some(code) = after.user_code.filter(|_| before.user_code.is_none()) else {
            return true;
        };
        let mut shard = self.user_codes.of(&code);
        if shard.contains_key(&code) {
            return false;
        }
        shard.insert(code, after.id);
        true
    }
}

impl Record {
    fn read(&self) -> Versioned {
        Versioned { request: Arc::clone(&self.request), version: Version(self.version) }
    }
}

const fn is_over(request: &Request) -> bool {
    matches!(request.state, State::Over { .. })
}

fn look_up<K: Hash + Eq>(index: &Shards<K, RequestId>, key: &K) -> Option<RequestId> {
    index.of(key).get(key).copied()
}

fn remove_index<K: Hash + Eq>(index: &Shards<K, RequestId>, key: &K, id: RequestId) {
    let mut shard = index.of(key);
    if shard.get(key) == Some(&id) {
        shard.remove(key);
        shrink(&mut shard);
    }
}

#[cfg(test)]
mod tests {
    use protocol::context::Claimed;
    use protocol::key::Thumbprint;
    use protocol::request::{Cancelled, Outcome, Redeemer};
    use protocol::secret::SecretHash;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn request(n: u8) -> Request {
        let redeemer =
            Redeemer::Page { secret: SecretHash::from_bytes([n; 32]), key: Thumbprint::from_bytes([n; 32]) };
        let (id, handle) = (RequestId::from_random([n; 16]), Handle::from_random([n; 16]));
        let (address, claimed) = ("192.0.2.7".to_owned(), Claimed::default());
        Request::start(id, handle, redeemer, None, address, true, claimed, NOW, &Lives::default())
    }

    fn end(requests: &Requests, n: u8) {
        let outcome = Outcome::Cancelled(Cancelled::Page);
        let over = Request { state: State::Over { outcome, at: NOW, decided: None }, ..request(n) };
        assert!(matches!(requests.replace(&over, Version(1)), Replaced::Replaced(_)));
    }

    #[test]
    fn only_what_is_not_over_counts_as_open() {
        let requests = Requests::new(Lives::default(), 2);
        let insert = |n| requests.insert(&request(n), "c", 9, NOW).is_ok();
        assert!(insert(1) && insert(2) && !insert(3));
        end(&requests, 1);
        assert!(insert(4) && !insert(5));
        requests.sweep(NOW.plus_s(300));
        assert!(insert(6) && insert(7) && !insert(8), "what is past its deadline makes room at a sweep");
        requests.sweep(NOW.plus_s(600));
        assert_eq!(requests.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn records_that_are_over_are_bounded() {
        let requests = Requests { finals_max: 2, ..Requests::new(Lives::default(), 9) };
        for n in 1..=3 {
            assert!(requests.insert(&request(n), "c", 9, NOW).is_ok());
            end(&requests, n);
        }
        let is_there = |n| requests.by_id(RequestId::from_random([n; 16])).is_some();
        assert!(!is_there(1) && is_there(2) && is_there(3));
        assert!(requests.by_handle(Handle::from_random([1; 16])).is_none());
        requests.sweep(NOW.plus_s(300));
        assert!(!is_there(3) && requests.finals.lock().is_ok_and(|finals| finals.is_empty()));
    }

    #[test]
    fn nothing_is_left_of_what_was_forgotten() {
        let requests = Requests::new(Lives::default(), 9);
        for n in 1..=5 {
            assert!(requests.insert(&request(n), "c", 9, NOW).is_ok());
        }
        end(&requests, 1);
        requests.sweep(NOW.plus_s(600));
        assert_eq!(requests.records.all().map(|shard| shard.len()).sum::<usize>(), 0);
        assert_eq!(requests.handles.all().map(|shard| shard.len()).sum::<usize>(), 0);
        assert_eq!(requests.clients.all().map(|shard| shard.len()).sum::<usize>(), 0);
    }
}
