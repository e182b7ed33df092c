use std::future::Future;
use std::sync::Arc;

use protocol::id::SessionId;
use protocol::statement::Decision;
use tokio::task::JoinSet;

use super::world::{
    APPROVED_S, LIVES, NOW, World, fresh, fresh_hash, fresh_thumbprint, new_account, new_device, new_link,
    new_session, page,
};
use crate::config::PasswordEnrolment;
use crate::store::audit::Head;
use crate::store::{
    AccountState, AuditKind, Body, By, Durable, EnrolPassword, EnrolRecovery, Enrolled, NewDecision,
    NewEnrolment, NewSession, Recorded, Redeemed, Verdict,
};

const APPROVED: Verdict = Verdict::Decided(Decision::Approve);

/// Runs `many` of a kind at once and gives all results.
pub(super) async fn at_once<T, F>(many: usize, mut one: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..many {
        tasks.spawn(one(n));
    }
    tasks.join_all().await
}

pub(super) async fn two_hundred_redeems_make_one_session(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;
    let new = new_session(&approved);
    let results = at_once(200, |_| {
        let world = Arc::clone(&world);
        let new = NewSession { id: SessionId::from_random(fresh()), ..new.clone() };
        async move { world.redeem(&new, NOW).await }
    })
    .await;
    let mut ids = Vec::new();
    let mut created = 0;
    for result in results {
        match result {
            Redeemed::Created { session, .. } => {
                created += 1;
                ids.push(session.session.id);
            }
            Redeemed::Existing(session) => ids.push(session.session.id),
            Redeemed::Refused(why) => panic!("the same page is never refused: {why:?}"),
        }
    }
    ids.dedup();
    assert_eq!((created, ids.len()), (1, 1));
    assert_eq!(world.store.sessions(world.account, &LIVES, NOW).await.unwrap().len(), 1);
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "signed_in").count(), 1);
}

pub(super) async fn two_hundred_decisions_make_one_row(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let approved = world.decision(Decision::Approve);
    let results = at_once(200, |_| {
        let (world, approved) = (Arc::clone(&world), approved.clone());
        async move { world.decide(&approved, NOW).await }
    })
    .await;
    let recorded = results.iter().filter(|result| **result == Recorded::Recorded).count();
    let same = results.iter().filter(|result| matches!(result, Recorded::Same { .. })).count();
    assert_eq!((recorded, same), (1, 199));
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "sign_in_approved").count(), 1);
}

pub(super) async fn verdicts_at_once_leave_one_winner(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    for _ in 0..20 {
        let base = world.decision(Decision::Approve);
        let asked = [APPROVED, Verdict::Decided(Decision::Deny), Verdict::WrongNumbers];
        let results = at_once(12, |n| {
            let verdict = asked[n % asked.len()];
            let (world, new) = (Arc::clone(&world), NewDecision { verdict, ..base.clone() });
            async move { (verdict, world.decide(&new, NOW).await) }
        })
        .await;
        let stored = world.store.decision(base.ticket).await.unwrap().unwrap().verdict;
        for (asked, result) in results {
            match result {
                Recorded::Recorded | Recorded::Same { .. } => assert_eq!(asked, stored),
                Recorded::Other(before) => assert!(asked != stored && before == stored),
                Recorded::Refused => panic!("the device is trusted"),
            }
        }
        let redeemed = world.redeem(&new_session(&base), NOW).await;
        assert_eq!(matches!(redeemed, Redeemed::Created { .. }), stored == APPROVED);
    }
}

pub(super) async fn one_link_enrols_one_of_fifty_devices(store: Arc<impl Durable + 'static>) {
    let account = new_account(&*store, None).await;
    let code = new_link(&*store, account, None, NOW).await;
    let results = at_once(50, |_| {
        let (store, device) = (Arc::clone(&store), new_device());
        async move { store.enrol_by_code(&code, &device, 20, &page(), NOW).await.unwrap() }
    })
    .await;
    let trusted = results.iter().filter(|result| matches!(result, Enrolled::Trusted(_))).count();
    assert_eq!((trusted, store.devices(account).await.unwrap().len()), (1, 1));
}

pub(super) async fn one_password_enrols_one_of_fifty_first_devices(store: Arc<impl Durable + 'static>) {
    let account = new_account(&*store, Some("hash")).await;
    at_once(50, |_| {
        let (store, device) = (Arc::clone(&store), new_device());
        let password =
            EnrolPassword { account, verified_hash: "hash".into(), rule: PasswordEnrolment::First };
        async move { store.enrol_by_password(&password, &device, 20, &page(), NOW).await.unwrap() }
    })
    .await;
    assert_eq!(store.devices(account).await.unwrap().len(), 1);
}

pub(super) async fn links_at_once_leave_no_more_devices_than_there_is_room_for(
    store: Arc<impl Durable + 'static>,
) {
    let account = new_account(&*store, None).await;
    let mut links = Vec::new();
    for _ in 0..20 {
        links.push(new_link(&*store, account, None, NOW).await);
    }
    let results = at_once(links.len(), |n| {
        let (store, device, code) = (Arc::clone(&store), new_device(), links[n]);
        async move { store.enrol_by_code(&code, &device, 5, &page(), NOW).await.unwrap() }
    })
    .await;
    let trusted = results.iter().filter(|result| matches!(result, Enrolled::Trusted(_))).count();
    let too_many = results.iter().filter(|result| matches!(result, Enrolled::TooMany)).count();
    assert_eq!((trusted, too_many, store.devices(account).await.unwrap().len()), (5, 15, 5));
}

pub(super) async fn passwords_at_once_leave_no_more_devices_than_there_is_room_for(
    store: Arc<impl Durable + 'static>,
) {
    let account = new_account(&*store, Some("hash")).await;
    at_once(20, |_| {
        let (store, device) = (Arc::clone(&store), new_device());
        let password =
            EnrolPassword { account, verified_hash: "hash".into(), rule: PasswordEnrolment::Always };
        async move { store.enrol_by_password(&password, &device, 5, &page(), NOW).await.unwrap() }
    })
    .await;
    assert_eq!(store.devices(account).await.unwrap().len(), 5);
}

pub(super) async fn recoveries_at_once_leave_no_more_devices_than_there_is_room_for(
    store: Arc<impl Durable + 'static>,
) {
    let world = World::new(store).await;
    let codes: Vec<_> = (0..10).map(|_| fresh_hash()).collect();
    let (store, by) = (&world.store, By::operator());
    assert!(store.make_recovery_codes(world.account, world.device.id, &codes, &by, NOW).await.unwrap());
    let username = store.account(world.account).await.unwrap().unwrap().username;
    at_once(codes.len(), |n| {
        let (store, device) = (Arc::clone(store), new_device());
        let recovery = EnrolRecovery { username: username.clone(), code: codes[n] };
        async move { store.enrol_by_recovery(&recovery, &device, 5, &page(), NOW).await.unwrap() }
    })
    .await;
    assert_eq!(store.devices(world.account).await.unwrap().len(), 5);
    assert_eq!(store.recovery_codes(world.account).await.unwrap().left, 6, "a refused code is not used up");
}

pub(super) async fn makings_of_recovery_codes_at_once_leave_those_of_one(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    at_once(10, |_| {
        let (store, account, device) = (Arc::clone(&world.store), world.account, world.device.id);
        let codes: Vec<_> = (0..10).map(|_| fresh_hash()).collect();
        async move {
            store.make_recovery_codes(account, device, &codes, &By::operator(), NOW).await.unwrap();
        }
    })
    .await;
    assert_eq!(world.store.recovery_codes(world.account).await.unwrap().left, 10);
}

pub(super) async fn redeems_of_one_page_key_at_once_leave_one_session(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let page_key = fresh_thumbprint();
    let mut approved = Vec::new();
    for _ in 0..10 {
        let decision = world.decision(Decision::Approve);
        world.decide(&decision, NOW).await;
        approved.push(NewSession { page_key: Some(page_key), ..new_session(&decision) });
    }
    at_once(approved.len(), |n| {
        let (world, new) = (Arc::clone(&world), approved[n].clone());
        async move { world.redeem(&new, NOW).await }
    })
    .await;
    assert_eq!(world.store.sessions(world.account, &LIVES, NOW).await.unwrap().len(), 1);
}

pub(super) async fn a_removal_and_redeems_at_once_leave_no_session(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let mut approved = Vec::new();
    for _ in 0..20 {
        let decision = world.decision(Decision::Approve);
        world.decide(&decision, NOW).await;
        approved.push(new_session(&decision));
    }
    at_once(21, |n| {
        let (world, new) = (Arc::clone(&world), approved.get(n.wrapping_sub(1)).cloned());
        async move {
            if let Some(new) = new {
                world.store.redeem(&new, APPROVED_S, &LIVES, &page(), NOW).await.unwrap();
            } else {
                let by = By::operator();
                world.store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap();
            }
        }
    })
    .await;
    assert!(world.store.sessions(world.account, &LIVES, NOW).await.unwrap().is_empty());
    for new in approved {
        assert!(!world.is_good(&new.token, NOW).await);
    }
    nothing_comes_after(&world, "device_removed", "signed_in").await;
}

/// The chain has the order in which transactions counted.
async fn nothing_comes_after(world: &World<impl Durable + 'static>, end: &str, refused: &str) {
    let kinds = world.kinds().await;
    let mut after = kinds.iter().skip_while(|kind| *kind != end);
    assert!(after.next().is_some() && after.all(|kind| kind != refused), "{kinds:?}");
}

pub(super) async fn ending_all_and_redeems_at_once_leave_no_session(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let mut approved = Vec::new();
    for _ in 0..20 {
        let decision = world.decision(Decision::Approve);
        world.decide(&decision, NOW).await;
        approved.push(new_session(&decision));
    }
    at_once(21, |n| {
        let (world, new) = (Arc::clone(&world), approved.get(n.wrapping_sub(1)).cloned());
        async move {
            if let Some(new) = new {
                world.redeem(&new, NOW).await;
            } else {
                world.store.end_sessions(world.account, &By::operator(), NOW).await.unwrap();
            }
        }
    })
    .await;
    assert!(world.store.sessions(world.account, &LIVES, NOW).await.unwrap().is_empty());
    nothing_comes_after(&world, "sessions_ended", "signed_in").await;
}

pub(super) async fn a_removal_and_links_at_once_leave_no_link(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let codes: Vec<_> = (0..20).map(|_| fresh_hash()).collect();
    at_once(21, |n| {
        let (world, code) = (Arc::clone(&world), codes.get(n.wrapping_sub(1)).copied());
        async move {
            let (store, by) = (&world.store, By::operator());
            if let Some(code) = code {
                let (account, made_by) = (world.account, Some(world.device.id));
                let new = NewEnrolment { code, account, made_by, expires_at: NOW.plus_s(600) };
                store.create_enrolment(&new, &by, NOW).await.unwrap();
            } else {
                store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap();
            }
        }
    })
    .await;
    for code in codes {
        let enrolled = world.store.enrol_by_code(&code, &new_device(), 50, &page(), NOW).await.unwrap();
        assert_eq!(enrolled, Enrolled::Refused);
    }
}

pub(super) async fn a_disabling_and_decisions_at_once_leave_no_approval(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let decisions: Vec<_> = (0..20).map(|_| world.decision(Decision::Approve)).collect();
    at_once(21, |n| {
        let (world, new) = (Arc::clone(&world), decisions.get(n.wrapping_sub(1)).cloned());
        async move {
            if let Some(new) = new {
                world.decide(&new, NOW).await;
            } else {
                let (store, by) = (&world.store, By::operator());
                store.set_account_state(world.account, AccountState::Disabled, &by, NOW).await.unwrap();
            }
        }
    })
    .await;
    nothing_comes_after(&world, "account_disabled", "sign_in_approved").await;
    let by = By::operator();
    world.store.set_account_state(world.account, AccountState::Active, &by, NOW).await.unwrap();
    for decision in decisions {
        let redeemed = world.redeem(&new_session(&decision), NOW).await;
        assert!(matches!(redeemed, Redeemed::Refused(_)), "{redeemed:?}");
    }
}

pub(super) async fn a_chain_takes_entries_of_fifty_writers(store: Arc<impl Durable + 'static>) {
    let account = new_account(&*store, None).await;
    at_once(50, |_| {
        let store = Arc::clone(&store);
        async move { store.note(account, AuditKind::SignInRefused, Body::default(), NOW).await.unwrap() }
    })
    .await;
    let page = store.activity(account, 0, 100).await.unwrap();
    assert_eq!(page.entries.len(), 51);
    let mut head = Head::EMPTY;
    for entry in &page.entries {
        assert!(entry.follows(&head));
        head = entry.head();
    }
}
