use std::sync::Arc;

use protocol::check::CheckNumber;
use protocol::context::{Claimed, Client};
use protocol::id::{AccountId, DeviceId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::{Cancelled, Lives, Lock, Outcome, Polls, Redeemer, Request, State};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::task::JoinSet;

use super::world::{NOW, fresh, fresh_hash, fresh_thumbprint};
use crate::store::{Allowance, Counter, Inserted, Limit, Replaced, ShortLived, Spent, Version, Versioned};

const LIMIT: Limit = Limit { hits: 3, window_s: 600 };
/// More than any of these tests needs.
const MANY: u32 = 1_000;

fn new_request(now: Timestamp) -> Request {
    Request::start(
        RequestId::from_random(fresh()),
        Handle::from_random(fresh()),
        Redeemer::Page { secret: fresh_hash(), key: fresh_thumbprint() },
        None,
        "192.0.2.7".into(),
        true,
        Claimed::default(),
        now,
        &Lives::default(),
    )
}

async fn insert(store: &impl ShortLived, request: &Request) -> Version {
    match store.insert(None, request, "192.0.2.7", MANY, NOW).await.unwrap() {
        Inserted::Inserted(version) => version,
        Inserted::TooMany { .. } => panic!("there is room"),
    }
}

fn scanned(request: &Request, account: AccountId) -> Request {
    let lock = Lock {
        device: DeviceId::from_random(fresh()),
        account,
        ticket: Ticket::from_random(fresh()),
        context_hash: [0; 32],
    };
    let state = State::Scanned {
        ends_at: NOW.plus_s(120),
        lock,
        check: Some(CheckNumber::from_random(7)),
        tries_left: 3,
        context: b"{}".to_vec(),
        verification: false,
    };
    Request { state, ..request.clone() }
}

fn cancelled(request: &Request, at: Timestamp) -> Request {
    let outcome = Outcome::Cancelled(Cancelled::Page);
    Request { state: State::Over { outcome, at, decided: None }, ..request.clone() }
}

fn ticket_of(request: &Request) -> Ticket {
    request.state.lock().unwrap().ticket
}

fn is_it(found: Option<Versioned>, request: &Request) -> bool {
    found.is_some_and(|found| *found.request == *request)
}

pub(super) async fn it_has_one_id_for_life(store: Arc<impl ShortLived>) {
    store.ping().await.unwrap();
    assert_eq!(store.store_id().await.unwrap(), store.store_id().await.unwrap());
}

pub(super) async fn a_request_is_found_by_each_of_its_names(store: Arc<impl ShortLived>) {
    let mut request = new_request(NOW);
    let version = insert(&*store, &request).await;
    assert!(is_it(store.by_id(request.id).await.unwrap(), &request));
    assert!(is_it(store.by_handle(request.handle).await.unwrap(), &request));
    let code = UserCode::from_random(fresh());
    request.user_code = Some(code);
    let Replaced::Replaced(version) = store.replace(&request, version, NOW).await.unwrap() else {
        panic!("nobody else writes")
    };
    assert!(is_it(store.by_user_code(code).await.unwrap(), &request));
    let request = scanned(&request, AccountId::from_random(fresh()));
    store.replace(&request, version, NOW).await.unwrap();
    assert!(is_it(store.by_ticket(ticket_of(&request)).await.unwrap(), &request));
    let over = cancelled(&request, NOW);
    let version = store.by_id(request.id).await.unwrap().unwrap().version;
    store.replace(&over, version, NOW).await.unwrap();
    assert!(is_it(store.by_ticket(ticket_of(&request)).await.unwrap(), &over), "repeats find it still");
}

pub(super) async fn nothing_is_found_by_other_names(store: Arc<impl ShortLived>) {
    insert(&*store, &new_request(NOW)).await;
    assert!(store.by_id(RequestId::from_random(fresh())).await.unwrap().is_none());
    assert!(store.by_handle(Handle::from_random(fresh())).await.unwrap().is_none());
    assert!(store.by_user_code(UserCode::from_random(fresh())).await.unwrap().is_none());
    assert!(store.by_ticket(Ticket::from_random(fresh())).await.unwrap().is_none());
    assert!(store.subscribe(RequestId::from_random(fresh())).await.unwrap().is_none());
    let unknown = store.replace(&new_request(NOW), Version(1), NOW).await.unwrap();
    assert_eq!(unknown, Replaced::Gone);
}

/// A request of RFC 8628, with a key or without.
fn new_device_request(key: Option<Thumbprint>, polls: Polls) -> Request {
    let client = Client { id: "backup".into(), name: "The \"backup\"\n\u{1f4be}".into() };
    let redeemer = Redeemer::Device { code: fresh_hash(), key, polls };
    Request { redeemer, ..new_request(NOW).for_device(client, vec!["openid".into(), "repo:read".into()]) }
}

/// The same after a poll.
fn polled(request: &Request, interval_s: u32, at: Timestamp) -> Request {
    let Redeemer::Device { code, key, .. } = request.redeemer else { panic!("of a device") };
    let polls = Polls { interval_s, last_at: Some(at) };
    Request { redeemer: Redeemer::Device { code, key, polls }, ..request.clone() }
}

pub(super) async fn a_request_of_a_device_comes_back_as_it_was(store: Arc<impl ShortLived>) {
    for key in [None, Some(fresh_thumbprint())] {
        let mut request = new_device_request(key, Polls::NONE);
        let version = insert(&*store, &request).await;
        let code = UserCode::from_random(fresh());
        request.user_code = Some(code);
        let Replaced::Replaced(version) = store.replace(&request, version, NOW).await.unwrap() else {
            panic!("nobody else writes")
        };
        assert!(is_it(store.by_user_code(code).await.unwrap(), &request));
        let asked = polled(&request, 10, NOW.plus_s(7));
        let Replaced::Replaced(version) = store.replace(&asked, version, NOW.plus_s(7)).await.unwrap() else {
            panic!("nobody else writes")
        };
        assert!(is_it(store.by_id(request.id).await.unwrap(), &asked));
        let scan = scanned(&asked, AccountId::from_random(fresh()));
        store.replace(&scan, version, NOW.plus_s(7)).await.unwrap();
        assert!(is_it(store.by_ticket(ticket_of(&scan)).await.unwrap(), &scan));
        assert!(is_it(store.by_user_code(code).await.unwrap(), &scan));
    }
}

/// RFC 8628 §3.5: each poll counts from the one before, at whichever node that was.
pub(super) async fn of_two_hundred_polls_at_once_one_is_noted(store: Arc<impl ShortLived + 'static>) {
    let request = new_device_request(None, Polls::NONE);
    let version = insert(&*store, &request).await;
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let (store, poll) = (Arc::clone(&store), polled(&request, n, NOW));
        tasks.spawn(async move { (n, store.replace(&poll, version, NOW).await.unwrap()) });
    }
    let results = tasks.join_all().await;
    let won: Vec<u32> = results
        .iter()
        .filter(|(_, result)| matches!(result, Replaced::Replaced(_)))
        .map(|(n, _)| *n)
        .collect();
    let lost = results.iter().filter(|(_, result)| *result == Replaced::Changed).count();
    assert_eq!((won.len(), lost), (1, 199));
    assert!(is_it(store.by_id(request.id).await.unwrap(), &polled(&request, won[0], NOW)));
}

pub(super) async fn of_two_writers_one_reads_again(store: Arc<impl ShortLived>) {
    let request = new_request(NOW);
    let version = insert(&*store, &request).await;
    let scan = scanned(&request, AccountId::from_random(fresh()));
    assert!(matches!(store.replace(&scan, version, NOW).await.unwrap(), Replaced::Replaced(_)));
    let late = cancelled(&request, NOW);
    assert_eq!(store.replace(&late, version, NOW).await.unwrap(), Replaced::Changed);
    assert!(is_it(store.by_id(request.id).await.unwrap(), &scan));
}

pub(super) async fn two_hundred_scans_make_one_transition(store: Arc<impl ShortLived + 'static>) {
    let request = new_request(NOW);
    let version = insert(&*store, &request).await;
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let (store, scan) = (Arc::clone(&store), scanned(&request, AccountId::from_random(fresh())));
        tasks.spawn(async move { store.replace(&scan, version, NOW).await.unwrap() });
    }
    let results = tasks.join_all().await;
    let won = results.iter().filter(|result| matches!(result, Replaced::Replaced(_))).count();
    let lost = results.iter().filter(|result| **result == Replaced::Changed).count();
    assert_eq!((won, lost), (1, 199));
}

pub(super) async fn a_user_code_belongs_to_one_request(store: Arc<impl ShortLived>) {
    let code = UserCode::from_random(fresh());
    let (mut first, mut second) = (new_request(NOW), new_request(NOW));
    let (v1, v2) = (insert(&*store, &first).await, insert(&*store, &second).await);
    first.user_code = Some(code);
    second.user_code = Some(code);
    assert!(matches!(store.replace(&first, v1, NOW).await.unwrap(), Replaced::Replaced(_)));
    assert_eq!(store.replace(&second, v2, NOW).await.unwrap(), Replaced::UserCodeTaken);
    assert!(is_it(store.by_user_code(code).await.unwrap(), &first));
    second.user_code = Some(UserCode::from_random(fresh()));
    assert!(matches!(store.replace(&second, v2, NOW).await.unwrap(), Replaced::Replaced(_)));
}

pub(super) async fn a_client_has_so_many_open_requests(store: Arc<impl ShortLived>) {
    for _ in 0..2 {
        let inserted = store.insert(None, &new_request(NOW), "2001:db8::/64", 2, NOW).await.unwrap();
        assert!(matches!(inserted, Inserted::Inserted(_)));
    }
    let third = new_request(NOW);
    let at = NOW.plus_s(100);
    let full = store.insert(None, &third, "2001:db8::/64", 2, at).await.unwrap();
    assert_eq!(full, Inserted::TooMany { retry_after_s: 200 });
    assert!(store.by_id(third.id).await.unwrap().is_none());
    let other = store.insert(None, &new_request(NOW), "2001:db8:1::/64", 2, NOW).await.unwrap();
    assert!(matches!(other, Inserted::Inserted(_)));
    let later = NOW.plus_s(300);
    let room = store.insert(None, &new_request(later), "2001:db8::/64", 2, later).await.unwrap();
    assert!(matches!(room, Inserted::Inserted(_)), "what is past its deadline does not count");
}

pub(super) async fn an_open_request_that_was_prolonged_still_counts(store: Arc<impl ShortLived>) {
    let request = new_request(NOW);
    store.insert(None, &request, "c", 1, NOW).await.unwrap();
    let scan = Request {
        state: match scanned(&request, AccountId::from_random(fresh())).state {
            State::Scanned { lock, check, tries_left, context, verification, .. } => {
                let ends_at = NOW.plus_s(419);
                State::Scanned { ends_at, lock, check, tries_left, context, verification }
            }
            other => other,
        },
        ..request.clone()
    };
    let at = NOW.plus_s(299);
    assert!(matches!(store.replace(&scan, Version(1), at).await.unwrap(), Replaced::Replaced(_)));
    for (later_s, has_room) in [(300, false), (418, false), (419, true)] {
        let now = NOW.plus_s(later_s);
        let inserted = store.insert(None, &new_request(now), "c", 1, now).await.unwrap();
        assert_eq!(matches!(inserted, Inserted::Inserted(_)), has_room, "{later_s}");
    }
}

pub(super) async fn what_is_over_makes_room(store: Arc<impl ShortLived>) {
    let request = new_request(NOW);
    store.insert(None, &request, "c", 1, NOW).await.unwrap();
    store.replace(&cancelled(&request, NOW), Version(1), NOW).await.unwrap();
    let next = store.insert(None, &new_request(NOW), "c", 1, NOW).await.unwrap();
    assert!(matches!(next, Inserted::Inserted(_)));
    // The sweep of the one that is over takes nothing from the one that is open.
    store.sweep(NOW.plus_s(299)).await.unwrap();
    let full = store.insert(None, &new_request(NOW), "c", 1, NOW).await.unwrap();
    assert!(matches!(full, Inserted::TooMany { .. }));
}

pub(super) async fn a_final_record_is_readable_for_a_while(store: Arc<impl ShortLived>) {
    let (over, abandoned) = (new_request(NOW), new_request(NOW));
    let version = insert(&*store, &over).await;
    insert(&*store, &abandoned).await;
    store.replace(&cancelled(&over, NOW), version, NOW).await.unwrap();
    store.sweep(NOW.plus_s(299)).await.unwrap();
    assert!(store.by_id(over.id).await.unwrap().is_some());
    store.sweep(NOW.plus_s(300)).await.unwrap();
    assert!(store.by_id(over.id).await.unwrap().is_none());
    assert!(store.by_handle(over.handle).await.unwrap().is_none());
    store.sweep(NOW.plus_s(599)).await.unwrap();
    assert!(store.by_id(abandoned.id).await.unwrap().is_some(), "its page may still ask how it ended");
    store.sweep(NOW.plus_s(600)).await.unwrap();
    assert!(store.by_id(abandoned.id).await.unwrap().is_none());
}

pub(super) async fn a_page_is_woken_by_each_change(store: Arc<impl ShortLived + 'static>) {
    let request = new_request(NOW);
    let version = insert(&*store, &request).await;
    let (_, mut first) = store.subscribe(request.id).await.unwrap().unwrap();
    let (_, mut second) = store.subscribe(request.id).await.unwrap().unwrap();
    let waiting = tokio::spawn(async move { first.changed().await.then_some(first) });
    let scan = scanned(&request, AccountId::from_random(fresh()));
    let Replaced::Replaced(version) = store.replace(&scan, version, NOW).await.unwrap() else {
        panic!("nobody else writes")
    };
    let mut first = waiting.await.unwrap().unwrap();
    assert!(second.changed().await);
    store.replace(&cancelled(&scan, NOW), version, NOW).await.unwrap();
    assert!(first.changed().await && second.changed().await);
}

pub(super) async fn a_page_is_told_that_its_record_is_gone(store: Arc<impl ShortLived>) {
    let request = new_request(NOW);
    insert(&*store, &request).await;
    let (_, mut wakeups) = store.subscribe(request.id).await.unwrap().unwrap();
    store.sweep(NOW.plus_s(600)).await.unwrap();
    assert!(!wakeups.changed().await);
}

pub(super) async fn changes_before_a_subscription_do_not_wake(store: Arc<impl ShortLived>) {
    let request = new_request(NOW);
    let version = insert(&*store, &request).await;
    let (_, mut early) = store.subscribe(request.id).await.unwrap().unwrap();
    store.replace(&cancelled(&request, NOW), version, NOW).await.unwrap();
    let (_, mut late) = store.subscribe(request.id).await.unwrap().unwrap();
    assert!(early.changed().await);
    let woken = futures_util::FutureExt::now_or_never(late.changed());
    assert_eq!(woken, None);
}

pub(super) async fn scanned_requests_are_found_by_account(store: Arc<impl ShortLived>) {
    let account = AccountId::from_random(fresh());
    let (mine, other, over) = (new_request(NOW), new_request(NOW), new_request(NOW));
    for request in [&mine, &other, &over] {
        insert(&*store, request).await;
    }
    let mine = scanned(&mine, account);
    store.replace(&mine, Version(1), NOW).await.unwrap();
    store.replace(&scanned(&other, AccountId::from_random(fresh())), Version(1), NOW).await.unwrap();
    let ended = scanned(&over, account);
    store.replace(&ended, Version(1), NOW).await.unwrap();
    store.replace(&cancelled(&ended, NOW), Version(2), NOW).await.unwrap();
    let found = store.scanned_by(account).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].request, found[0].version), (&mine, Version(2)));
}

pub(super) async fn a_proof_is_spent_once(store: Arc<impl ShortLived>) {
    let (id, key, until) = (store.store_id().await.unwrap(), fresh_thumbprint(), NOW.plus_s(360));
    for (key, jti, spent) in [
        (key, "a", Spent::Spent),
        (key, "a", Spent::Before),
        (key, "b", Spent::Spent),
        (fresh_thumbprint(), "a", Spent::Spent),
    ] {
        assert_eq!(store.spend_proof(None, id, &key, jti, until, NOW).await.unwrap(), spent, "{jti}");
    }
}

pub(super) async fn a_proof_under_another_life_of_the_store_is_not_spent(store: Arc<impl ShortLived>) {
    let (id, key, until) = (store.store_id().await.unwrap(), fresh_thumbprint(), NOW.plus_s(360));
    let other = StoreId::from_random(fresh());
    assert_eq!(store.spend_proof(None, other, &key, "a", until, NOW).await.unwrap(), Spent::OtherStore);
    assert_eq!(store.spend_proof(None, id, &key, "a", until, NOW).await.unwrap(), Spent::Spent);
}

pub(super) async fn a_proof_is_remembered_until_its_end(store: Arc<impl ShortLived>) {
    let (id, key) = (store.store_id().await.unwrap(), fresh_thumbprint());
    assert_eq!(store.spend_proof(None, id, &key, "a", NOW.plus_s(360), NOW).await.unwrap(), Spent::Spent);
    let last = NOW.plus_s(359);
    store.sweep(last).await.unwrap();
    assert_eq!(store.spend_proof(None, id, &key, "a", last.plus_s(360), last).await.unwrap(), Spent::Before);
}

pub(super) async fn two_hundred_uses_of_a_proof_spend_it_once(store: Arc<impl ShortLived + 'static>) {
    let (id, key) = (store.store_id().await.unwrap(), fresh_thumbprint());
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let store = Arc::clone(&store);
        tasks.spawn(
            async move { store.spend_proof(None, id, &key, "a", NOW.plus_s(360), NOW).await.unwrap() },
        );
    }
    let spent = tasks.join_all().await.into_iter().filter(|spent| *spent == Spent::Spent).count();
    assert_eq!(spent, 1);
}

pub(super) async fn a_proof_is_not_spent_above_a_limit(store: Arc<impl ShortLived>) {
    let (id, key, until) = (store.store_id().await.unwrap(), fresh_thumbprint(), NOW.plus_s(360));
    let unless = Some(Counter { key: "k", limit: LIMIT });
    assert_eq!(store.spend_proof(unless, id, &key, "a", until, NOW).await.unwrap(), Spent::Spent);
    for _ in 0..3 {
        assert_eq!(store.hit("k", LIMIT, NOW).await.unwrap(), Allowance::Allowed, "a proof counts nothing");
    }
    let refused = store.spend_proof(unless, id, &key, "b", until, NOW).await.unwrap();
    let Spent::Refused { retry_after_s } = refused else { panic!("{refused:?}") };
    assert_eq!(store.peek("k", LIMIT, NOW).await.unwrap(), Allowance::Refused { retry_after_s });
    assert_eq!(store.spend_proof(None, id, &key, "b", until, NOW).await.unwrap(), Spent::Spent);
}

pub(super) async fn starts_over_the_limit_are_refused(store: Arc<impl ShortLived>) {
    let start = Some(Counter { key: "k", limit: LIMIT });
    for _ in 0..3 {
        let taken = store.insert(start, &new_request(NOW), "c", MANY, NOW).await.unwrap();
        assert_eq!(taken, Inserted::Inserted(Version(1)));
    }
    let (fourth, expected) = (new_request(NOW), store.peek("k", LIMIT, NOW).await.unwrap());
    let refused = store.insert(start, &fourth, "c", MANY, NOW).await.unwrap();
    let Inserted::TooMany { retry_after_s } = refused else { panic!("{refused:?}") };
    assert_eq!(expected, Allowance::Refused { retry_after_s });
    assert!(store.by_id(fourth.id).await.unwrap().is_none());
}

pub(super) async fn hits_over_the_limit_are_refused(store: Arc<impl ShortLived>) {
    for _ in 0..3 {
        assert_eq!(store.hit("k", LIMIT, NOW).await.unwrap(), Allowance::Allowed);
    }
    let Allowance::Refused { retry_after_s } = store.hit("k", LIMIT, NOW).await.unwrap() else {
        panic!("the fourth is over the limit")
    };
    assert!((1..=1_200).contains(&retry_after_s));
    let later = NOW.plus_s(i64::from(retry_after_s));
    assert_eq!(store.hit("k", LIMIT, later).await.unwrap(), Allowance::Allowed, "the wait was enough");
}

pub(super) async fn a_look_counts_nothing(store: Arc<impl ShortLived>) {
    for _ in 0..10 {
        assert_eq!(store.peek("k", LIMIT, NOW).await.unwrap(), Allowance::Allowed);
    }
    for _ in 0..3 {
        assert_eq!(store.hit("k", LIMIT, NOW).await.unwrap(), Allowance::Allowed);
    }
    assert_ne!(store.peek("k", LIMIT, NOW).await.unwrap(), Allowance::Allowed);
}

pub(super) async fn keys_are_counted_apart(store: Arc<impl ShortLived>) {
    for key in ["a", "b", "a/b"] {
        for _ in 0..3 {
            assert_eq!(store.hit(key, LIMIT, NOW).await.unwrap(), Allowance::Allowed);
        }
    }
}

pub(super) async fn two_hundred_hits_at_once_keep_the_limit(store: Arc<impl ShortLived + 'static>) {
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.hit("k", LIMIT, NOW).await.unwrap() });
    }
    let allowed = tasks.join_all().await.into_iter().filter(|hit| *hit == Allowance::Allowed).count();
    assert_eq!(allowed, 3);
}
