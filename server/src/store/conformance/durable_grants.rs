use std::sync::Arc;

use protocol::id::{GrantId, RequestId};
use protocol::statement::Decision;

use super::durable_races::at_once;
use super::world::{
    LIVES, NOW, World, a_client, fresh, fresh_hash, fresh_thumbprint, granted, new_account, new_code,
    new_grant, new_session, page,
};
use crate::config::SessionKind;
use crate::store::{
    AccountState, By, CodeUsed, Durable, EndReason, GrantEnd, Keep, NewGrant, NewSession, RedeemRefused,
    Redeemed, RefreshUsed,
};

const REPEAT_S: i64 = 60;

pub(super) async fn a_grant_is_found_by_its_names_while_it_lives(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (session, view) = world.sign_in(NOW).await;
    let code = new_code(NOW);
    let new = NewGrant {
        nonce: Some("n".into()),
        verified: true,
        dpop: Some(fresh_thumbprint()),
        code: Some(code.clone()),
        ..new_grant(&world, &session, &a_client("grafana").id)
    };
    assert!(world.store.create_grant(&new, &LIVES, &page(), NOW).await.unwrap());
    let found = world.store.grant_by_code(&code.hash, &LIVES, NOW).await.unwrap().unwrap();
    assert_eq!((&found.redirect_uri, &found.challenge), (&code.redirect_uri, &code.challenge));
    assert_eq!((found.ends_at, found.used_at), (code.ends_at, None));
    let grant = found.grant;
    assert_eq!((grant.id, &grant.client, &grant.client_name), (new.id, &new.client, &new.client_name));
    assert_eq!((&grant.scopes, &grant.nonce, grant.dpop), (&new.scopes, &new.nonce, new.dpop));
    assert!(grant.verified);
    assert_eq!((grant.session.session, grant.session.account), (view.session, view.account));
    assert_eq!((grant.created_at, grant.ends_at), (NOW, new.ends_at));
    let at_its_end = world.store.grant(new.id, &LIVES, new.ends_at).await.unwrap();
    assert_eq!(at_its_end, None);
    assert!(world.store.grant(new.id, &LIVES, new.ends_at.plus_s(-1)).await.unwrap().is_some());
    assert_eq!(world.store.grant_by_code(&fresh_hash(), &LIVES, NOW).await.unwrap(), None);
    assert_eq!(world.store.grant(GrantId::from_random(fresh()), &LIVES, NOW).await.unwrap(), None);
}

pub(super) async fn a_grant_needs_a_live_session_of_its_account(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let client = a_client("grafana").id;
    let (session, _) = world.sign_in(NOW).await;
    let other = new_account(&*world.store, None).await;
    let foreign = NewGrant { account: other, ..new_grant(&world, &session, &client) };
    assert!(!world.store.create_grant(&foreign, &LIVES, &page(), NOW).await.unwrap());
    let idle = NOW.plus_s(LIVES.idle_s);
    let late = new_grant(&world, &session, &client);
    assert!(!world.store.create_grant(&late, &LIVES, &page(), idle).await.unwrap());
    world.store.end_sessions(world.account, &By::operator(), NOW).await.unwrap();
    let after = new_grant(&world, &session, &client);
    assert!(!world.store.create_grant(&after, &LIVES, &page(), NOW).await.unwrap());
    assert!(!world.kinds().await.contains(&"client_authorized".to_owned()));
}

pub(super) async fn the_first_grant_of_a_client_in_a_session_is_noted(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let key = fresh_thumbprint();
    let (first, _) = world.sign_in_with(key, SessionKind::Linked, NOW).await;
    let (grafana, wiki) = (a_client("grafana").id, a_client("wiki").id);
    for client in [&grafana, &grafana, &wiki] {
        granted(&world, &first, client, NOW).await;
    }
    let noted = async || world.kinds().await.iter().filter(|kind| *kind == "client_authorized").count();
    assert_eq!(noted().await, 2);
    // Grants of the session before came over, but this person approved again.
    let (second, _) = world.sign_in_with(key, SessionKind::Linked, NOW.plus_s(9)).await;
    granted(&world, &second, &grafana, NOW.plus_s(9)).await;
    assert_eq!(noted().await, 3);
    let page = world.store.activity(world.account, 0, 100).await.unwrap();
    let entry = page.entries.iter().find(|entry| entry.kind == "client_authorized").unwrap();
    assert!(entry.body.contains(r#""client":{"id":"grafana","name":"Grafana"}"#), "{}", entry.body);
}

pub(super) async fn a_code_is_used_once_and_twice_ends_its_grant(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (session, _) = world.sign_in(NOW).await;
    let grant = granted(&world, &session, &a_client("grafana").id, NOW).await;
    let code = grant.code.unwrap();
    let (key, refresh) = (fresh_thumbprint(), fresh_hash());
    let used = use_code(&world, &code.hash, Some(&key), Some(&refresh), NOW).await;
    assert_eq!(used, CodeUsed::Used);
    let found = world.store.grant_by_code(&code.hash, &LIVES, NOW).await.unwrap().unwrap();
    assert_eq!((found.used_at, found.grant.dpop), (Some(NOW), Some(key)));
    assert!(world.store.grant_by_refresh(&refresh, &LIVES, NOW).await.unwrap().is_some());
    let again = use_code(&world, &code.hash, None, Some(&fresh_hash()), NOW.plus_s(1)).await;
    assert_eq!(again, CodeUsed::Before);
    assert_eq!(world.store.grant(grant.id, &LIVES, NOW).await.unwrap(), None);
    assert_eq!(world.store.grant_by_refresh(&refresh, &LIVES, NOW).await.unwrap(), None);
    assert_eq!(use_code(&world, &code.hash, None, None, NOW.plus_s(2)).await, CodeUsed::Gone);
    assert!(world.is_good(&session.token, NOW).await, "the session goes on");
    assert_eq!(world.kinds().await.last().unwrap(), "grant_ended");
    let page = world.store.activity(world.account, 0, 100).await.unwrap();
    assert!(page.entries.last().unwrap().body.contains(r#""reason":"code_reused""#));
}

async fn use_code<S: Durable + 'static>(
    world: &World<S>,
    code: &protocol::secret::SecretHash,
    dpop: Option<&protocol::key::Thumbprint>,
    refresh: Option<&protocol::secret::SecretHash>,
    now: protocol::time::Timestamp,
) -> CodeUsed {
    world.store.use_code(code, dpop, refresh, &LIVES, &page(), now).await.unwrap()
}

pub(super) async fn a_code_ends_at_its_second(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (session, _) = world.sign_in(NOW).await;
    for (late_s, expected) in [(-1, CodeUsed::Used), (0, CodeUsed::Gone)] {
        let grant = granted(&world, &session, &a_client("grafana").id, NOW).await;
        let code = grant.code.unwrap();
        let at = code.ends_at.plus_s(late_s);
        assert_eq!(use_code(&world, &code.hash, None, None, at).await, expected);
    }
    assert_eq!(use_code(&world, &fresh_hash(), None, None, NOW).await, CodeUsed::Gone);
}

pub(super) async fn a_key_that_a_grant_is_bound_to_stays(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (session, _) = world.sign_in(NOW).await;
    let key = fresh_thumbprint();
    let code = new_code(NOW);
    let new = NewGrant {
        dpop: Some(key),
        code: Some(code.clone()),
        ..new_grant(&world, &session, &a_client("grafana").id)
    };
    assert!(world.store.create_grant(&new, &LIVES, &page(), NOW).await.unwrap());
    use_code(&world, &code.hash, Some(&fresh_thumbprint()), None, NOW).await;
    assert_eq!(world.store.grant(new.id, &LIVES, NOW).await.unwrap().unwrap().dpop, Some(key));
}

pub(super) async fn a_refresh_token_is_followed_by_another_one(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (grant, first) = refreshable(&world).await;
    let (second, third) = (fresh_hash(), fresh_hash());
    let later = NOW.plus_s(3_600);
    let RefreshUsed::Used(used) = use_refresh(&world, &first, &second, later).await else { panic!("unused") };
    assert_eq!(used.id, grant);
    let session = world.store.grant(grant, &LIVES, later).await.unwrap().unwrap().session.session;
    assert_eq!(session.last_seen_at, later, "it is a use of the session");
    // A lost answer: the same call again.
    let RefreshUsed::Repeated(again, same) = use_refresh(&world, &first, &second, later.plus_s(59)).await
    else {
        panic!("the successor is unused")
    };
    assert_eq!((again.id, same), (grant, second));
    assert!(matches!(use_refresh(&world, &second, &third, later.plus_s(60)).await, RefreshUsed::Used(_)));
    assert_eq!(use_refresh(&world, &fresh_hash(), &fresh_hash(), later).await, RefreshUsed::Gone);
}

/// A grant with its first refresh token.
async fn refreshable<S: Durable + 'static>(world: &World<S>) -> (GrantId, protocol::secret::SecretHash) {
    let (session, _) = world.sign_in(NOW).await;
    let grant = granted(world, &session, &a_client("grafana").id, NOW).await;
    let first = fresh_hash();
    assert_eq!(use_code(world, &grant.code.unwrap().hash, None, Some(&first), NOW).await, CodeUsed::Used);
    (grant.id, first)
}

async fn use_refresh<S: Durable + 'static>(
    world: &World<S>,
    token: &protocol::secret::SecretHash,
    successor: &protocol::secret::SecretHash,
    now: protocol::time::Timestamp,
) -> RefreshUsed {
    use_refresh_by(world, token, &[*successor], now).await
}

/// By a node that accepts several server keys, in its order.
async fn use_refresh_by<S: Durable + 'static>(
    world: &World<S>,
    token: &protocol::secret::SecretHash,
    successors: &[protocol::secret::SecretHash],
    now: protocol::time::Timestamp,
) -> RefreshUsed {
    world.store.use_refresh(token, successors, REPEAT_S, &LIVES, &page(), now).await.unwrap()
}

pub(super) async fn a_refresh_token_that_comes_again_ends_the_family(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    // Too late; for another successor; after the successor was used.
    for case in 0..3 {
        let (grant, first) = refreshable(&world).await;
        let (second, third) = (fresh_hash(), fresh_hash());
        assert!(matches!(use_refresh(&world, &first, &second, NOW).await, RefreshUsed::Used(_)));
        let reused = match case {
            0 => use_refresh(&world, &first, &second, NOW.plus_s(REPEAT_S)).await,
            1 => use_refresh(&world, &first, &third, NOW).await,
            _ => {
                assert!(matches!(use_refresh(&world, &second, &third, NOW).await, RefreshUsed::Used(_)));
                use_refresh(&world, &first, &second, NOW).await
            }
        };
        assert_eq!(reused, RefreshUsed::Reused, "case {case}");
        assert_eq!(world.store.grant(grant, &LIVES, NOW).await.unwrap(), None);
        for token in [first, second, third] {
            assert_eq!(use_refresh(&world, &token, &fresh_hash(), NOW).await, RefreshUsed::Gone);
        }
    }
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "grant_ended").count(), 3);
}

pub(super) async fn a_device_grant_gets_its_first_refresh_token_once(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (session, _) = world.sign_in(NOW).await;
    let mut grants = Vec::new();
    for _ in 0..2 {
        let new = NewGrant { code: None, ..new_grant(&world, &session, &a_client("tool").id) };
        assert!(world.store.create_grant(&new, &LIVES, &page(), NOW).await.unwrap());
        grants.push(new.id);
    }
    let token = fresh_hash();
    assert!(world.store.add_refresh(grants[0], &token, NOW).await.unwrap());
    assert!(world.store.add_refresh(grants[0], &token, NOW).await.unwrap());
    assert!(!world.store.add_refresh(grants[1], &token, NOW).await.unwrap(), "it is another one's");
    let found = world.store.grant_by_refresh(&token, &LIVES, NOW).await.unwrap().unwrap();
    assert_eq!(found.id, grants[0]);
    assert!(world.store.end_grant(grants[0], GrantEnd::Revoked, &page(), NOW).await.unwrap());
    assert!(!world.store.end_grant(grants[0], GrantEnd::Revoked, &page(), NOW).await.unwrap());
    assert!(!world.store.add_refresh(grants[0], &token, NOW).await.unwrap());
    assert_eq!(world.store.grant_by_refresh(&token, &LIVES, NOW).await.unwrap(), None);
}

pub(super) async fn whatever_ends_a_session_ends_its_grants(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let by = By::operator();
    for case in 0..5 {
        let (session, _) = world.sign_in(NOW).await;
        let grant = granted(&world, &session, &a_client("grafana").id, NOW).await;
        let refresh = fresh_hash();
        use_code(&world, &grant.code.as_ref().unwrap().hash, None, Some(&refresh), NOW).await;
        let mut at = NOW;
        match case {
            0 => {
                let (reason, account) = (EndReason::Ended, world.account);
                assert!(world.store.end_session(account, session.id, reason, &by, NOW).await.unwrap());
            }
            1 => at = NOW.plus_s(LIVES.idle_s),
            2 => {
                world.store.end_sessions(world.account, &by, NOW).await.unwrap();
            }
            3 => {
                let state = AccountState::Disabled;
                world.store.set_account_state(world.account, state, &by, NOW).await.unwrap();
            }
            _ => {
                world.store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap();
            }
        }
        assert_eq!(world.store.grant(grant.id, &LIVES, at).await.unwrap(), None, "case {case}");
        assert_eq!(world.store.grant_by_refresh(&refresh, &LIVES, at).await.unwrap(), None);
        assert_eq!(use_refresh(&world, &refresh, &fresh_hash(), at).await, RefreshUsed::Gone);
        let code = grant.code.unwrap().hash;
        assert_eq!(world.store.grant_by_code(&code, &LIVES, at).await.unwrap(), None);
        assert_eq!(use_code(&world, &code, None, None, at).await, CodeUsed::Gone);
        world.store.set_account_state(world.account, AccountState::Active, &by, NOW).await.unwrap();
    }
}

pub(super) async fn grants_go_over_to_the_next_session_of_their_account(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let key = fresh_thumbprint();
    let (first, _) = world.sign_in_with(key, SessionKind::Linked, NOW).await;
    let client = a_client("grafana").id;
    let grant = granted(&world, &first, &client, NOW).await;
    let ended = granted(&world, &first, &client, NOW).await;
    world.store.end_grant(ended.id, GrantEnd::Revoked, &page(), NOW).await.unwrap();
    let later = NOW.plus_s(60);
    let (second, _) = world.sign_in_with(key, SessionKind::Linked, later).await;
    let found = world.store.grant(grant.id, &LIVES, later).await.unwrap().unwrap();
    assert_eq!((found.session.session.id, found.session.session.created_at), (second.id, later));
    assert_eq!(world.store.grant(ended.id, &LIVES, later).await.unwrap(), None);
    // Somebody else signs in with that browser.
    let other = World::new(Arc::clone(&world.store)).await;
    other.sign_in_with(key, SessionKind::Linked, later).await;
    assert_eq!(world.store.grant(grant.id, &LIVES, later).await.unwrap(), None);
    assert!(other.store.clients_in_use(other.account, later).await.unwrap().is_empty());
}

pub(super) async fn a_device_grant_has_a_session_without_a_page_key(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let approved = world.decision(Decision::Approve);
        world.decide(&approved, NOW).await;
        let new = NewSession { page_key: None, ..new_session(&approved) };
        let Redeemed::Created { session, ended } = world.redeem(&new, NOW).await else { panic!("approved") };
        assert_eq!((session.session.id, ended.len()), (new.id, 0));
        made.push(new);
    }
    assert_eq!(world.store.sessions(world.account, &LIVES, NOW).await.unwrap().len(), 2);
    let new = made.remove(0);
    let Redeemed::Existing(again) = world.redeem(&new, NOW).await else { panic!("the same call") };
    assert_eq!(again.session.id, new.id);
    let other_token = NewSession { token: fresh_hash(), ..new.clone() };
    assert_eq!(world.redeem(&other_token, NOW).await, Redeemed::Refused(RedeemRefused::Ended));
    let page = NewSession { page_key: Some(fresh_thumbprint()), ..new.clone() };
    assert_eq!(world.redeem(&page, NOW).await, Redeemed::Refused(RedeemRefused::Other));
    let other_request = NewSession { request: RequestId::from_random(fresh()), ..new.clone() };
    assert_eq!(world.redeem(&other_request, NOW).await, Redeemed::Refused(RedeemRefused::NotApproved));
    world.store.end_session(world.account, new.id, EndReason::Ended, &By::operator(), NOW).await.unwrap();
    assert_eq!(world.redeem(&new, NOW).await, Redeemed::Refused(RedeemRefused::Ended));
    let (of_page, _) = world.sign_in(NOW).await;
    let keyless = NewSession { page_key: None, ..of_page };
    assert_eq!(world.redeem(&keyless, NOW).await, Redeemed::Refused(RedeemRefused::Other));
}

pub(super) async fn two_hundred_uses_of_a_code_give_one_or_end_it(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let (session, _) = world.sign_in(NOW).await;
    let grant = granted(&world, &session, &a_client("grafana").id, NOW).await;
    let code = grant.code.unwrap().hash;
    let results = at_once(200, |_| {
        let world = Arc::clone(&world);
        async move { use_code(&world, &code, None, Some(&fresh_hash()), NOW).await }
    })
    .await;
    let count = |expected| results.iter().filter(|result| **result == expected).count();
    assert_eq!((count(CodeUsed::Used), count(CodeUsed::Before)), (1, 1));
    assert_eq!(count(CodeUsed::Gone), 198, "the second one ended it");
    assert_eq!(world.store.grant(grant.id, &LIVES, NOW).await.unwrap(), None);
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "grant_ended").count(), 1);
}

pub(super) async fn repeats_of_a_refresh_at_once_agree(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let (grant, first) = refreshable(&world).await;
    // While the server key changes, nodes make with one key or with the other, and accept both.
    let (one, other) = (fresh_hash(), fresh_hash());
    let results = at_once(100, |n| {
        let (world, successors) = (Arc::clone(&world), if n % 2 == 0 { [one, other] } else { [other, one] });
        async move { (use_refresh_by(&world, &first, &successors, NOW).await, successors[0]) }
    })
    .await;
    let used = results.iter().filter(|(result, _)| matches!(result, RefreshUsed::Used(_)));
    let made: Vec<_> = used.map(|(_, successor)| *successor).collect();
    let repeated = results.iter().filter_map(|(result, _)| match result {
        RefreshUsed::Repeated(_, successor) => Some(*successor),
        RefreshUsed::Used(_) | RefreshUsed::Reused | RefreshUsed::Gone => None,
    });
    let repeated: Vec<_> = repeated.collect();
    assert_eq!((made.len(), repeated.len()), (1, 99));
    assert!(repeated.iter().all(|successor| *successor == made[0]), "all get the one that is good");
    assert!(world.store.grant(grant, &LIVES, NOW).await.unwrap().is_some());
}

pub(super) async fn two_thieves_of_a_refresh_token_at_once_end_it(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let (grant, first) = refreshable(&world).await;
    let results = at_once(20, |_| {
        let world = Arc::clone(&world);
        async move { use_refresh(&world, &first, &fresh_hash(), NOW).await }
    })
    .await;
    let used = results.iter().filter(|result| matches!(result, RefreshUsed::Used(_))).count();
    let reused = results.iter().filter(|result| **result == RefreshUsed::Reused).count();
    assert_eq!((used, reused), (1, 1));
    assert_eq!(world.store.grant(grant, &LIVES, NOW).await.unwrap(), None);
}

pub(super) async fn an_end_and_grants_at_once_leave_no_grant(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let (session, _) = world.sign_in(NOW).await;
    let session = Arc::new(session);
    let made = at_once(21, |n| {
        let (world, session) = (Arc::clone(&world), Arc::clone(&session));
        async move {
            if n == 10 {
                let by = By::operator();
                world.store.end_session(world.account, session.id, EndReason::Ended, &by, NOW).await.unwrap();
                return None;
            }
            let new = new_grant(&world, &session, &a_client("grafana").id);
            world.store.create_grant(&new, &LIVES, &page(), NOW).await.unwrap().then_some(new.id)
        }
    })
    .await;
    for grant in made.into_iter().flatten() {
        assert_eq!(world.store.grant(grant, &LIVES, NOW).await.unwrap(), None);
    }
    let kinds = world.kinds().await;
    let mut after = kinds.iter().skip_while(|kind| *kind != "session_ended");
    assert!(after.next().is_some() && after.all(|kind| kind != "client_authorized"), "{kinds:?}");
}

pub(super) async fn a_login_and_grants_at_once_lose_none(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let key = fresh_thumbprint();
    let (session, _) = world.sign_in_with(key, SessionKind::Linked, NOW).await;
    let session = Arc::new(session);
    let made = at_once(21, |n| {
        let (world, session) = (Arc::clone(&world), Arc::clone(&session));
        async move {
            if n == 10 {
                world.sign_in_with(key, SessionKind::Linked, NOW).await;
                return None;
            }
            let new = new_grant(&world, &session, &a_client("grafana").id);
            world.store.create_grant(&new, &LIVES, &page(), NOW).await.unwrap().then_some(new.id)
        }
    })
    .await;
    for grant in made.into_iter().flatten() {
        let found = world.store.grant(grant, &LIVES, NOW).await.unwrap();
        assert!(found.is_some_and(|found| found.session.session.id != session.id));
    }
}

pub(super) async fn a_sweep_forgets_grants_that_are_over(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let keep = Keep { sessions: LIVES, ended_sessions_s: 86_400, activity_s: 86_400 };
    let client = a_client("grafana").id;
    let (session, _) = world.sign_in(NOW).await;
    let unused = granted(&world, &session, &client, NOW).await;
    let (used, first) = refreshable(&world).await;
    let (ended, _) = refreshable(&world).await;
    let device = NewGrant { code: None, ..new_grant(&world, &session, &client) };
    assert!(world.store.create_grant(&device, &LIVES, &page(), NOW).await.unwrap());
    let short = NewGrant { ends_at: NOW.plus_s(120), ..new_grant(&world, &session, &client) };
    assert!(world.store.create_grant(&short, &LIVES, &page(), NOW).await.unwrap());
    let second = fresh_hash();
    use_refresh(&world, &first, &second, NOW).await;
    assert_eq!(world.store.sweep(&keep, NOW.plus_s(59)).await.unwrap().rows, 0);
    world.store.end_grant(ended, GrantEnd::Revoked, &page(), NOW).await.unwrap();
    assert_eq!(world.store.sweep(&keep, NOW.plus_s(59)).await.unwrap().rows, 1);
    assert_eq!(world.store.sweep(&keep, unused.code.unwrap().ends_at).await.unwrap().rows, 1);
    assert_eq!(world.store.sweep(&keep, short.ends_at).await.unwrap().rows, 1);
    for kept in [used, device.id] {
        assert!(world.store.grant(kept, &LIVES, NOW).await.unwrap().is_some());
    }
    assert!(
        world.store.grant_by_refresh(&first, &LIVES, NOW).await.unwrap().is_some(),
        "a reuse still shows"
    );
}
