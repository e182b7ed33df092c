//! What the conformance suite cannot ask: several nodes, and a Redis that is flushed, killed, frozen, full or another one's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use protocol::context::Claimed;
use protocol::request::{Cancelled, Outcome, Redeemer, State};
use protocol::secret::SecretHash;
use services::redis::Redis;

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000);
/// For what comes by itself; only a failure waits for it.
const PATIENCE: Duration = Duration::from_mins(2);

/// One server for all tests of this process that leave it as it was. It ends with the process.
fn shared() -> &'static Redis {
    static SERVER: OnceLock<Redis> = OnceLock::new();
    SERVER.get_or_init(|| Redis::start().unwrap())
}

/// A node on `server`, among those of the same name.
async fn node(server: &Redis, name: &str) -> Arc<RedisStore> {
    let address = RedisAddress::new(&server.url());
    let store = RedisStore::open_as(name, &address, fingerprint("a"), Lives::default(), 10_000).await;
    Arc::new(store.unwrap())
}

/// A store of its own for one test.
pub(in crate::store) async fn fresh() -> (Arc<RedisStore>, ()) {
    (node(shared(), &fresh_name()).await, ())
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn fingerprint(site: &str) -> Fingerprint {
    let origin = protocol::origin::Origin::parse(&format!("https://{site}.example")).unwrap();
    Fingerprint::of(&keys(&[7]), &origin)
}

fn keys(bytes: &[u8]) -> ServerKeys {
    ServerKeys::of(bytes.iter().map(|byte| protocol::secret::Secret::new([*byte; 32])).collect()).unwrap()
}

fn with_keys(bytes: &[u8]) -> Fingerprint {
    Fingerprint::of(&keys(bytes), &protocol::origin::Origin::parse("https://a.example").unwrap())
}

fn request(n: u8) -> Request {
    let redeemer =
        Redeemer::Page { secret: SecretHash::from_bytes([n; 32]), key: Thumbprint::from_bytes([n; 32]) };
    let (id, handle) = (RequestId::from_random([n; 16]), Handle::from_random([n; 16]));
    let (address, claimed) = ("192.0.2.7".to_owned(), Claimed::default());
    Request::start(id, handle, redeemer, None, address, true, claimed, NOW, &Lives::default())
}

fn cancelled(request: &Request) -> Request {
    let outcome = Outcome::Cancelled(Cancelled::Page);
    Request { state: State::Over { outcome, at: NOW, decided: None }, ..request.clone() }
}

async fn insert(store: &RedisStore, request: &Request) {
    let inserted = store.insert(None, request, "192.0.2.7", 100, NOW).await.unwrap();
    assert_eq!(inserted, Inserted::Inserted(Version(1)));
}

async fn spend(store: &RedisStore, id: StoreId, jti: &str) -> Spent {
    let key = Thumbprint::from_bytes([1; 32]);
    store.spend_proof(None, id, &key, jti, NOW.plus_s(360), NOW).await.unwrap()
}

/// Waits for the store to answer again.
async fn recovered(store: &RedisStore) {
    let answered = async {
        while store.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap();
}

fn told(error: &StoreError) -> String {
    causes::told(error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_node_wakes_a_page_at_another() {
    let name = fresh_name();
    let (a, b) = (node(shared(), &name).await, node(shared(), &name).await);
    let request = request(1);
    insert(&a, &request).await;
    let (_, mut page) = b.subscribe(request.id).await.unwrap().unwrap();
    a.replace(&cancelled(&request), Version(1), NOW).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, page.changed()).await.unwrap());
    let read = b.by_id(request.id).await.unwrap().unwrap();
    assert_eq!(*read.request, cancelled(&request));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_was_taken_wakes_nobody_and_is_written() {
    let name = fresh_name();
    let (a, b) = (node(shared(), &name).await, node(shared(), &name).await);
    let first = request(1);
    insert(&a, &first).await;
    let with_tries = |tries_left| {
        let state = State::Scanned {
            ends_at: NOW.plus_s(120),
            lock: protocol::request::Lock {
                device: protocol::id::DeviceId::from_random([6; 16]),
                account: AccountId::from_random([7; 16]),
                ticket: Ticket::from_random([8; 16]),
                context_hash: [0; 32],
            },
            check: None,
            tries_left,
            context: b"{}".to_vec(),
            verification: false,
        };
        Request { state, ..first.clone() }
    };
    a.replace(&with_tries(3), Version(1), NOW).await.unwrap();
    let (read, mut page) = b.subscribe(first.id).await.unwrap().unwrap();
    assert_eq!(read.version, Version(2));
    let tried = with_tries(2);
    assert_eq!(a.replace(&tried, Version(2), NOW).await.unwrap(), Replaced::Replaced(Version(3)));
    assert_eq!(*b.by_id(first.id).await.unwrap().unwrap().request, tried);
    // The next word on the channel is that of the end, so one of the try would have come before it.
    a.replace(&cancelled(&first), Version(3), NOW).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, page.changed()).await.unwrap());
    assert_eq!(*b.by_id(first.id).await.unwrap().unwrap().request, cancelled(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_count_together_and_spend_a_proof_once() {
    let name = fresh_name();
    let (a, b) = (node(shared(), &name).await, node(shared(), &name).await);
    let id = a.store_id().await.unwrap();
    assert_eq!(b.store_id().await.unwrap(), id);
    assert_eq!(spend(&a, id, "x").await, Spent::Spent);
    assert_eq!(spend(&b, id, "x").await, Spent::Before);
    let limit = Limit { hits: 2, window_s: 600 };
    assert_eq!(a.hit("k", limit, NOW).await.unwrap(), Allowance::Allowed);
    assert_eq!(b.hit("k", limit, NOW).await.unwrap(), Allowance::Allowed);
    assert_ne!(a.hit("k", limit, NOW).await.unwrap(), Allowance::Allowed);
    assert_ne!(b.peek("k", limit, NOW).await.unwrap(), Allowance::Allowed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_store_has_another_id_at_every_node() {
    let server = Redis::start().unwrap();
    let (a, b) = (node(&server, "n").await, node(&server, "n").await);
    let before = a.store_id().await.unwrap();
    assert_eq!(spend(&a, before, "x").await, Spent::Spent);
    server.flush().unwrap();
    assert_eq!(spend(&a, before, "x").await, Spent::OtherStore);
    let after = a.store_id().await.unwrap();
    assert_ne!(after, before);
    assert_eq!(spend(&b, before, "x").await, Spent::OtherStore);
    assert_eq!(b.store_id().await.unwrap(), after);
    assert_eq!(spend(&b, after, "x").await, Spent::Spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_nobody_calls_hears_of_a_flush_from_the_others() {
    let server = Redis::start().unwrap();
    let (a, b) = (node(&server, "n").await, node(&server, "n").await);
    let before = a.store_id().await.unwrap();
    server.flush().unwrap();
    assert_eq!(spend(&a, before, "x").await, Spent::OtherStore);
    let after = a.store_id().await.unwrap();
    let heard = async {
        while b.store_id().await.unwrap() != after {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_notices_a_flush_and_wakes_who_waits() {
    let server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    let (before, request) = (store.store_id().await.unwrap(), request(1));
    insert(&store, &request).await;
    let (_, mut page) = store.subscribe(request.id).await.unwrap().unwrap();
    server.flush().unwrap();
    store.sweep(NOW).await.unwrap();
    assert_ne!(store.store_id().await.unwrap(), before);
    assert!(page.changed().await, "so that it looks");
    assert!(store.by_id(request.id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_is_another_life_even_where_it_kept_its_data() {
    let mut server = Redis::persistent().unwrap();
    let store = node(&server, "n").await;
    let (before, request) = (store.store_id().await.unwrap(), request(1));
    assert_eq!(spend(&store, before, "x").await, Spent::Spent);
    insert(&store, &request).await;
    let (_, mut page) = store.subscribe(request.id).await.unwrap().unwrap();
    server.kill();
    server.start_again().unwrap();
    recovered(&store).await;
    assert_eq!(spend(&store, before, "x").await, Spent::OtherStore);
    assert_ne!(store.store_id().await.unwrap(), before);
    assert!(tokio::time::timeout(PATIENCE, page.changed()).await.unwrap(), "something may have been missed");
    assert!(store.by_id(request.id).await.unwrap().is_some(), "what was kept goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_out_of_reach_until_it_is_back() {
    let mut server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    let id = store.store_id().await.unwrap();
    server.kill();
    let error = store.by_id(request(1).id).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(store.store_id().await.unwrap(), id, "known without asking");
    server.start_again().unwrap();
    recovered(&store).await;
    insert(&store, &request(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_given_up_and_found_again() {
    let server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    server.freeze().unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    server.thaw().unwrap();
    recovered(&store).await;
    insert(&store, &request(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_while_the_line_was_lost_is_not_missed() {
    let server = Redis::start().unwrap();
    server.ask(&["ACL", "SETUSER", "b", "on", ">word", "~*", "&*", "+@all"]).unwrap();
    let a = node(&server, "n").await;
    let address = RedisAddress::new(&format!("{}?user=b&pass=word", server.url()));
    let b = RedisStore::open_as("n", &address, fingerprint("a"), Lives::default(), 9).await.unwrap();
    let request = request(1);
    insert(&a, &request).await;
    let (_, mut page) = b.subscribe(request.id).await.unwrap().unwrap();
    // Cuts the line of b and lets it have no other until a has written.
    server.ask(&["ACL", "SETUSER", "b", "off"]).unwrap();
    server.ask(&["CLIENT", "KILL", "USER", "b"]).unwrap();
    a.replace(&cancelled(&request), Version(1), NOW).await.unwrap();
    server.ask(&["ACL", "SETUSER", "b", "on"]).unwrap();
    assert!(tokio::time::timeout(PATIENCE, page.changed()).await.unwrap());
    recovered(&b).await;
    assert_eq!(*b.by_id(request.id).await.unwrap().unwrap().request, cancelled(&request));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_site_is_refused_with_a_sentence() {
    let name = fresh_name();
    let _first = node(shared(), &name).await;
    let address = RedisAddress::new(&shared().url());
    let refused = RedisStore::open_as(&name, &address, fingerprint("b"), Lives::default(), 9).await;
    let said = told(&refused.unwrap_err());
    assert!(said.contains("another server key or origin") && said.contains("same server_key"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_change_their_key_in_turn_and_in_no_other_order() {
    let name = fresh_name();
    let address = RedisAddress::new(&shared().url());
    let with = async |bytes: &[u8]| {
        RedisStore::open_as(&name, &address, with_keys(bytes), Lives::default(), 9).await
    };
    let origin = protocol::origin::Origin::parse("https://a.example").unwrap();
    let (a, b) = (with(&[1]).await.unwrap(), with(&[1]).await.unwrap());
    let told = |refused: Result<(), StoreError>| told(&refused.unwrap_err());

    // Before both know the next key, neither makes with it; nor does a fresh node.
    assert!(told(a.rekey(&keys(&[2, 1]), &origin).await).contains("key add"));
    assert!(with(&[2, 1]).await.is_err());
    a.rekey(&keys(&[1, 2]), &origin).await.unwrap();
    assert!(told(a.rekey(&keys(&[2, 1]), &origin).await).contains("key add"));
    b.rekey(&keys(&[1, 2]), &origin).await.unwrap();
    // Both know it: one after the other makes with it.
    a.rekey(&keys(&[2, 1]), &origin).await.unwrap();
    assert!(told(a.rekey(&keys(&[2]), &origin).await).contains("key add"), "b makes with the old one");
    b.rekey(&keys(&[2, 1]), &origin).await.unwrap();
    // Nobody makes with the old one any more.
    a.rekey(&keys(&[2]), &origin).await.unwrap();
    b.rekey(&keys(&[2]), &origin).await.unwrap();
    assert!(with(&[1]).await.is_err() && with(&[2]).await.is_ok());

    // A refusal left the node as it was: it is taken in again.
    assert!(told(a.rekey(&keys(&[3]), &origin).await).contains("key add"));
    a.sweep(NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_left_is_not_reckoned_with() {
    let name = fresh_name();
    let address = RedisAddress::new(&shared().url());
    let with = async |bytes: &[u8]| {
        RedisStore::open_as(&name, &address, with_keys(bytes), Lives::default(), 9).await
    };
    let first = with(&[1]).await.unwrap();
    assert!(with(&[2]).await.is_err());
    first.leave().await;
    assert!(with(&[2]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_joins_a_server_without_memory() {
    let server = Redis::start().unwrap();
    let first = node(&server, "n").await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let second = node(&server, "n").await;
    assert_eq!(second.store_id().await.unwrap(), first.store_id().await.unwrap());
    second.sweep(NOW).await.unwrap();
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_forget_is_refused_with_a_sentence() {
    let server = Redis::start().unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"]).unwrap();
    let address = RedisAddress::new(&server.url());
    let refused = RedisStore::open(&address, fingerprint("a"), Lives::default(), 9).await;
    let said = told(&refused.unwrap_err());
    assert!(said.contains("allkeys-lru") && said.contains("noeviction"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_is_said_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let address = RedisAddress::new(&format!("unix:{}/none", folder.path().display()));
    let refused = RedisStore::open(&address, fingerprint("a"), Lives::default(), 9).await;
    let said = told(&refused.unwrap_err());
    assert!(said.contains("could not connect to Redis") && said.contains("No such file"), "{said}");
    let nonsense =
        RedisStore::open(&RedisAddress::new("nonsense"), fingerprint("a"), Lives::default(), 9).await;
    assert!(told(&nonsense.unwrap_err()).contains("allowed: redis://HOST"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_says_so() {
    let server = Redis::start().unwrap();
    let address = RedisAddress::new(&server.url());
    let small = RedisStore::open(&address, fingerprint("a"), Lives::default(), 2).await.unwrap();
    insert(&small, &request(1)).await;
    insert(&small, &request(2)).await;
    let third = small.insert(None, &request(3), "c", 9, NOW).await;
    assert!(matches!(third, Err(StoreError::Full { .. })), "{third:?}");
    let later = NOW.plus_s(300);
    assert!(
        small.insert(None, &request(3), "c", 9, later).await.is_ok(),
        "past their deadline they make room"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_memory_takes_in_nothing_and_lets_what_is_there_end() {
    let server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    let (id, first) = (store.store_id().await.unwrap(), request(1));
    insert(&store, &first).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let second = store.insert(None, &request(2), "d", 9, NOW).await;
    assert!(matches!(second, Err(StoreError::Full { .. })), "{second:?}");
    let spent =
        store.spend_proof(None, id, &Thumbprint::from_bytes([1; 32]), "x", NOW.plus_s(360), NOW).await;
    assert!(matches!(spent, Err(StoreError::Full { .. })), "{spent:?}");
    let hit = store.hit("k", Limit { hits: 1, window_s: 60 }, NOW).await;
    assert!(matches!(hit, Err(StoreError::Full { .. })), "{hit:?}");
    let ended = store.replace(&cancelled(&first), Version(1), NOW).await.unwrap();
    assert_eq!(ended, Replaced::Replaced(Version(2)));
    store.sweep(NOW).await.unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    insert(&store, &request(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_the_stores_name_ends_by_itself() {
    let server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    let (id, mut first, second) = (store.store_id().await.unwrap(), request(1), request(2));
    insert(&store, &first).await;
    insert(&store, &second).await;
    first.user_code = Some(UserCode::from_random([5; 16]));
    first.state = State::Approved {
        ends_at: NOW.plus_s(60),
        lock: protocol::request::Lock {
            device: protocol::id::DeviceId::from_random([6; 16]),
            account: AccountId::from_random([7; 16]),
            ticket: Ticket::from_random([8; 16]),
            context_hash: [0; 32],
        },
    };
    store.replace(&first, Version(1), NOW).await.unwrap();
    store.replace(&cancelled(&second), Version(1), NOW).await.unwrap();
    assert_eq!(spend(&store, id, "x").await, Spent::Spent);
    store.hit("k", Limit { hits: 1, window_s: 60 }, NOW).await.unwrap();

    let mut kinds = BTreeSet::new();
    let all = server.ask(&["KEYS", "*"]).unwrap();
    for key in all.lines().filter(|line| line.starts_with('{')) {
        let kind = key.trim_start_matches("{n}:").split(':').next().unwrap();
        let life = server.ask(&["TTL", key]).unwrap();
        let life_s: i64 = life.trim_start_matches(':').trim_end().parse().unwrap();
        assert_eq!(life_s > 0, kind != "store", "{key}: {life_s}");
        assert!(life_s <= 900, "{key}: {life_s}");
        kinds.insert(kind.to_owned());
    }
    let wanted = [
        "account",
        "client",
        "code",
        "forgotten",
        "handle",
        "hits",
        "node",
        "nodes",
        "open",
        "proof",
        "request",
        "store",
        "ticket",
    ];
    assert!(kinds.iter().map(String::as_str).eq(wanted), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_later_program_is_gone() {
    let server = Redis::start().unwrap();
    let store = node(&server, "n").await;
    let request = request(1);
    insert(&store, &request).await;
    server.ask(&["SET", &store.keys.request(request.id), "2 what a later program wrote"]).unwrap();
    assert!(store.by_id(request.id).await.unwrap().is_none());
    assert!(store.by_handle(request.handle).await.unwrap().is_none());
    assert!(store.subscribe(request.id).await.unwrap().is_none());
    let replaced = store.replace(&cancelled(&request), Version(1), NOW).await.unwrap();
    assert_eq!(replaced, Replaced::Gone);
}
