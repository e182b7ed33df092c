use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::id::{AccountId, Handle, RequestId, Ticket};
use protocol::request::{Lives, Request};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::sync::watch;

use super::shards::{Shards, shrink};
use crate::store::error::StoreError;
use crate::store::short_lived::{Inserted, Replaced, Version, Versioned, Wakeups, forgotten_at, is_live_at};

/// Login requests and the ways to find them.
///
/// A record's lock is taken before an index's or a client's, never the other way round and never two of a kind.
#[derive(Debug)]
pub(super) struct Requests {
    lives: Lives,
    max: usize,
    count: AtomicUsize,
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
    /// Made when the first page waits; most requests have one, none has more.
    changes: Option<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Open {
    id: RequestId,
    ends_at: Timestamp,
}

impl Requests {
    pub(super) fn new(lives: Lives, max: usize) -> Self {
        Self {
            lives,
            max,
            count: AtomicUsize::new(0),
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
        if self.count.load(Ordering::Relaxed) >= self.max {
            return Err(StoreError::Full { during: DURING });
        }
        let ends_at = request.state.ends_at().unwrap_or(now);
        if let Some(retry_after_s) = self.open(client, request.id, ends_at, per_client, now) {
            return Ok(Inserted::TooMany { retry_after_s });
        }
        let record = Record {
            request: Arc::new(request.clone()),
            version: 1,
            client: client.into(),
            ticket: None,
            changes: None,
        };
        self.handles.of(&request.handle).insert(request.handle, request.id);
        self.records.of(&request.id).insert(request.id, record);
        self.count.fetch_add(1, Ordering::Relaxed);
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

    pub(super) fn replace(&self, request: &Request, expected: Version, now: Timestamp) -> Replaced {
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
        let (client, was_live) = (&record.client, is_live_at(&record.request, now));
        match request.state.ends_at() {
            Some(ends_at) => self.prolong(client, request.id, ends_at),
            None if was_live => self.close(client, request.id),
            None => {}
        }
        record.version += 1;
        record.request = Arc::new(request.clone());
        if let Some(changes) = &record.changes {
            changes.send_replace(record.version);
        }
        Replaced::Replaced(Version(record.version))
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
            shrink(&mut shard);
            for (id, record) in gone {
                self.forget(id, &record);
            }
        }
        for mut shard in self.clients.all() {
            shard.retain(|_, open| {
                open.retain(|request| now < request.ends_at);
                !open.is_empty()
            });
            shrink(&mut shard);
        }
    }

    fn forget(&self, id: RequestId, record: &Record) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        remove_index(&self.handles, &record.request.handle, id);
        if let Some(code) = &record.request.user_code {
            remove_index(&self.user_codes, code, id);
        }
        if let Some(ticket) = &record.ticket {
            remove_index(&self.tickets, ticket, id);
        }
        self.close(&record.client, id);
    }

    /// Notes an open request of a client; says how long to wait when it has too many.
    fn open(
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

    fn close(&self, client: &str, id: RequestId) {
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
