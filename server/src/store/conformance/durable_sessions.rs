use std::sync::Arc;

use protocol::id::{RequestId, SessionId, Ticket};
use protocol::statement::Decision;

use super::world::{
    APPROVED_S, LIVES, NOW, World, fresh, fresh_hash, fresh_thumbprint, new_account, new_session, page,
};
use crate::config::SessionKind;
use crate::store::{
    By, Durable, EndReason, NewDecision, NewSession, Recorded, RedeemRefused, Redeemed, Refreshed, Verdict,
};

const DAY_S: i64 = 86_400;

fn refused(why: RedeemRefused) -> Redeemed {
    Redeemed::Refused(why)
}

pub(super) async fn an_approval_is_redeemed_once(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, session) = world.sign_in(NOW).await;
    assert_eq!((session.account.id, session.session.device), (world.account, world.device.id));
    assert_eq!((session.device_name.as_str(), session.token_ends_at), ("Desk", NOW.plus_s(600)));
    // The reply was lost: the page comes once more, the server with another fresh id.
    let again = NewSession { id: SessionId::from_random(fresh()), ..new.clone() };
    assert_eq!(world.redeem(&again, NOW.plus_s(5)).await, Redeemed::Existing(session.clone()));
    let listed = world.store.sessions(world.account, &LIVES, NOW).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&session));
    let by_token = world.store.session_by_token(&new.token, &LIVES, NOW).await.unwrap();
    assert_eq!(by_token, Some(session));
}

pub(super) async fn a_decision_is_final(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let denied = world.decision(Decision::Deny);
    assert_eq!(world.decide(&denied, NOW).await, Recorded::Recorded);
    assert_eq!(world.decide(&denied, NOW.plus_s(9)).await, Recorded::Same { decided_at: NOW });
    let approve = NewDecision { verdict: Verdict::Decided(Decision::Approve), ..denied.clone() };
    assert_eq!(world.decide(&approve, NOW).await, Recorded::Other(Verdict::Decided(Decision::Deny)));
    let stored = world.store.decision(denied.ticket).await.unwrap().unwrap();
    assert_eq!(
        (stored.verdict, stored.decided_at, stored.withdrawn),
        (Verdict::Decided(Decision::Deny), NOW, false)
    );
    assert_eq!(
        (stored.request, stored.device, stored.account),
        (denied.request, denied.device, denied.account)
    );
    assert_eq!(world.redeem(&new_session(&denied), NOW).await, refused(RedeemRefused::NotApproved));
    assert_eq!(world.store.decision(Ticket::from_random(fresh())).await.unwrap(), None);
}

pub(super) async fn a_redeem_needs_an_approval_of_this_very_request(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let approved = world.decision(Decision::Approve);
    let new = new_session(&approved);
    assert_eq!(world.redeem(&new, NOW).await, refused(RedeemRefused::NotApproved));
    world.decide(&approved, NOW).await;
    let other_request = NewSession { request: RequestId::from_random(fresh()), ..new.clone() };
    assert_eq!(world.redeem(&other_request, NOW).await, refused(RedeemRefused::NotApproved));
    let other_ticket = NewSession { ticket: Ticket::from_random(fresh()), ..new.clone() };
    assert_eq!(world.redeem(&other_ticket, NOW).await, refused(RedeemRefused::NotApproved));
    let reported = world.decision(Decision::Report);
    world.decide(&reported, NOW).await;
    assert_eq!(world.redeem(&new_session(&reported), NOW).await, refused(RedeemRefused::NotApproved));
    assert!(matches!(world.redeem(&new, NOW).await, Redeemed::Created { .. }));
}

pub(super) async fn an_approval_is_good_for_less_than_a_minute(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    for (later_s, good) in [(APPROVED_S - 1, true), (APPROVED_S, false)] {
        let approved = world.decision(Decision::Approve);
        world.decide(&approved, NOW).await;
        let redeemed = world.redeem(&new_session(&approved), NOW.plus_s(later_s)).await;
        assert_eq!(matches!(redeemed, Redeemed::Created { .. }), good, "{later_s}");
    }
}

pub(super) async fn a_repeat_ends_with_the_minute_and_with_the_session(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, session) = world.sign_in(NOW).await;
    let last = NOW.plus_s(APPROVED_S - 1);
    assert_eq!(world.redeem(&new, last).await, Redeemed::Existing(session));
    assert_eq!(world.redeem(&new, NOW.plus_s(APPROVED_S)).await, refused(RedeemRefused::Ended));
    world.store.end_session(world.account, new.id, EndReason::SignedOut, &page(), NOW).await.unwrap();
    assert_eq!(world.redeem(&new, NOW).await, refused(RedeemRefused::Ended));
}

pub(super) async fn an_approval_can_be_taken_back_before_it_is_redeemed(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;
    let (redeemed, _) = world.sign_in(NOW).await;
    let ended = world.store.end_sessions(world.account, &page(), NOW).await.unwrap();
    assert_eq!(ended, [redeemed.id]);
    assert!(world.store.decision(approved.ticket).await.unwrap().unwrap().withdrawn);
    assert_eq!(world.redeem(&new_session(&approved), NOW).await, refused(RedeemRefused::Ended));
    assert!(!world.store.decision(redeemed.ticket).await.unwrap().unwrap().withdrawn);
    // What is approved afterwards counts.
    world.sign_in(NOW).await;
}

pub(super) async fn another_page_cannot_repeat_a_redeem(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let other_key = NewSession { page_key: Some(fresh_thumbprint()), ..new.clone() };
    assert_eq!(world.redeem(&other_key, NOW).await, refused(RedeemRefused::Other));
    let other_token = NewSession { token: fresh_hash(), ..new };
    assert_eq!(world.redeem(&other_token, NOW).await, refused(RedeemRefused::Ended));
}

pub(super) async fn a_token_ends_at_its_second(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    assert!(world.is_good(&new.token, NOW.plus_s(599)).await);
    assert!(!world.is_good(&new.token, NOW.plus_s(600)).await);
    // Stale, not gone.
    assert!(world.store.session(new.id, &LIVES, NOW.plus_s(600)).await.unwrap().is_some());
    assert!(!world.is_good(&fresh_hash(), NOW).await);
}

pub(super) async fn the_previous_token_stays_good_for_a_minute(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let (second, at) = (fresh_hash(), NOW.plus_s(300));
    let refreshed =
        world.store.refresh_session(new.id, &new.page_key.unwrap(), &second, &LIVES, at).await.unwrap();
    let Refreshed::Refreshed(session) = refreshed else { panic!("the bound key refreshes") };
    assert_eq!((session.token_ends_at, session.session.last_seen_at), (at.plus_s(600), at));
    let by_first = world.store.session_by_token(&new.token, &LIVES, at).await.unwrap().unwrap();
    assert_eq!(by_first.token_ends_at, at.plus_s(60));
    assert!(world.is_good(&new.token, at.plus_s(59)).await);
    assert!(!world.is_good(&new.token, at.plus_s(60)).await);
    assert!(world.is_good(&second, at.plus_s(599)).await);
    assert!(!world.is_good(&second, at.plus_s(600)).await);
}

pub(super) async fn the_previous_token_never_outlives_itself(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let at = NOW.plus_s(590);
    world.store.refresh_session(new.id, &new.page_key.unwrap(), &fresh_hash(), &LIVES, at).await.unwrap();
    assert!(world.is_good(&new.token, NOW.plus_s(599)).await);
    assert!(!world.is_good(&new.token, NOW.plus_s(600)).await);
}

pub(super) async fn only_the_bound_key_refreshes(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let token = fresh_hash();
    let wrong = world.store.refresh_session(new.id, &fresh_thumbprint(), &token, &LIVES, NOW).await.unwrap();
    assert_eq!(wrong, Refreshed::WrongKey);
    assert!(world.is_good(&new.token, NOW).await, "a refused refresh ends nothing");
    assert!(!world.is_good(&token, NOW).await);
    world.store.end_session(world.account, new.id, EndReason::Ended, &page(), NOW).await.unwrap();
    let ended =
        world.store.refresh_session(new.id, &new.page_key.unwrap(), &token, &LIVES, NOW).await.unwrap();
    assert_eq!(ended, Refreshed::NotFound);
    assert!(!world.is_good(&token, NOW).await);
}

pub(super) async fn a_session_ends_idle_and_old(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let is_alive = async |day: i64, second: i64| {
        let now = NOW.plus_s(day * DAY_S + second);
        world.store.session(new.id, &LIVES, now).await.unwrap().is_some()
    };
    assert!(is_alive(14, -1).await);
    assert!(!is_alive(14, 0).await);
    for day in (13..90).step_by(13) {
        let now = NOW.plus_s(day * DAY_S);
        let session = world.store.session(new.id, &LIVES, now).await.unwrap().unwrap();
        world.store.touch_session(&session, now).await.unwrap();
    }
    assert!(is_alive(90, -1).await);
    assert!(!is_alive(90, 0).await);
    let late = NOW.plus_s(90 * DAY_S);
    let refreshed = world
        .store
        .refresh_session(new.id, &new.page_key.unwrap(), &fresh_hash(), &LIVES, late)
        .await
        .unwrap();
    assert_eq!(refreshed, Refreshed::NotFound);
    assert!(world.store.sessions(world.account, &LIVES, late).await.unwrap().is_empty());
}

pub(super) async fn an_older_session_of_the_same_page_key_ends(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let other = World::new(Arc::clone(&world.store)).await;
    let key = fresh_thumbprint();
    let (old, _) = world.sign_in_with(key, SessionKind::Linked, NOW).await;
    let (elsewhere, _) = world.sign_in(NOW).await;
    // The same browser signs in to another account: it holds one session at a time.
    let approved = other.decision(Decision::Approve);
    other.decide(&approved, NOW).await;
    let new = NewSession { page_key: Some(key), ..new_session(&approved) };
    let Redeemed::Created { ended, .. } = other.redeem(&new, NOW).await else { panic!("approved") };
    assert_eq!(ended, [(old.id, world.account)]);
    assert!(!world.is_good(&old.token, NOW).await);
    assert!(world.is_good(&elsewhere.token, NOW).await);
    assert_eq!(world.kinds().await.last().map(String::as_str), Some("session_replaced"));
    assert_eq!(other.kinds().await.last().map(String::as_str), Some("signed_in"));
}

pub(super) async fn a_linked_session_ends_with_its_device_and_an_independent_one_does_not(
    store: Arc<impl Durable + 'static>,
) {
    let world = World::new(store).await;
    let (linked, _) = world.sign_in_with(fresh_thumbprint(), SessionKind::Linked, NOW).await;
    let (independent, _) = world.sign_in_with(fresh_thumbprint(), SessionKind::Independent, NOW).await;
    let (account, device) = (world.account, world.device.id);
    let ended = world.store.revoke_device(account, device, &By::operator(), NOW).await.unwrap();
    assert_eq!(ended, Some(vec![linked.id]));
    assert!(!world.is_good(&linked.token, NOW).await);
    assert!(world.is_good(&independent.token, NOW).await);
    let listed = world.store.sessions(account, &LIVES, NOW).await.unwrap();
    assert_eq!(listed.iter().map(|view| view.session.id).collect::<Vec<_>>(), [independent.id]);
    assert_eq!(listed[0].device_name, "Desk");
}

pub(super) async fn sessions_are_listed_newest_first_while_they_live(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (first, _) = world.sign_in(NOW).await;
    let (second, view) = world.sign_in(NOW.plus_s(1)).await;
    let list = async |now| {
        let views = world.store.sessions(world.account, &LIVES, now).await.unwrap();
        views.iter().map(|view| view.session.id).collect::<Vec<_>>()
    };
    assert_eq!(list(NOW).await, [second.id, first.id]);
    assert_eq!((view.session.browser.as_str(), view.session.address.as_str()), ("Firefox 153", "192.0.2.7"));
    assert!(world.store.end_session(world.account, second.id, EndReason::Ended, &page(), NOW).await.unwrap());
    assert!(
        !world.store.end_session(world.account, second.id, EndReason::Ended, &page(), NOW).await.unwrap()
    );
    assert_eq!(list(NOW).await, [first.id]);
    assert!(list(NOW.plus_s(14 * DAY_S)).await.is_empty());
}

pub(super) async fn a_browser_is_known_by_its_key_and_account(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    world.store.end_sessions(world.account, &page(), NOW).await.unwrap();
    assert!(world.store.is_known_browser(world.account, &new.page_key.unwrap()).await.unwrap());
    assert!(!world.store.is_known_browser(world.account, &fresh_thumbprint()).await.unwrap());
    let other = new_account(&*world.store, None).await;
    assert!(!world.store.is_known_browser(other, &new.page_key.unwrap()).await.unwrap());
}

pub(super) async fn one_account_cannot_end_the_session_of_another(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (new, _) = world.sign_in(NOW).await;
    let other = new_account(&*world.store, None).await;
    assert!(!world.store.end_session(other, new.id, EndReason::Ended, &page(), NOW).await.unwrap());
    assert!(world.store.end_sessions(other, &page(), NOW).await.unwrap().is_empty());
    assert!(world.is_good(&new.token, NOW).await);
}
