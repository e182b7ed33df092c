use std::sync::Arc;

use protocol::statement::Decision;
use protocol::time::Timestamp;
use tokio::sync::mpsc;

use super::durable_races::at_once;
use super::world::{LIVES, NOW, World, fresh_thumbprint, new_device, new_link, new_session, page};
use crate::config::SessionKind;
use crate::store::audit::{Broken, Fault, Head, Verified, verify};
use crate::store::{AuditKind, Body, By, Durable, EndReason, Keep};

const DAY_S: i64 = 86_400;
const KEEP: Keep = Keep { sessions: LIVES, ended_sessions_s: 30 * DAY_S, activity_s: 400 * DAY_S };

async fn export(store: &Arc<impl Durable + 'static>) -> Vec<String> {
    let (sender, mut receiver) = mpsc::channel(4);
    let exporting = tokio::spawn({
        let store = Arc::clone(store);
        async move { store.export_audit(sender).await }
    });
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    exporting.await.unwrap().unwrap();
    lines
}

fn check(lines: &[String]) -> Result<Verified, Broken> {
    verify(lines.iter().map(String::as_str))
}

pub(super) async fn each_change_appends_one_entry(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (store, account, by) = (&world.store, world.account, By::device(&world.device, "192.0.2.1"));
    let key = fresh_thumbprint();
    world.sign_in_with(key, SessionKind::Linked, NOW).await;
    let (second, _) = world.sign_in_with(key, SessionKind::Linked, NOW).await;
    world.decide(&world.decision(Decision::Deny), NOW).await;
    world.decide(&world.decision(Decision::Report), NOW).await;
    store.rename_device(account, world.device.id, "Attic", &by, NOW).await.unwrap();
    store.end_session(account, second.id, EndReason::Reported, &page(), NOW).await.unwrap();
    let (third, _) = world.sign_in(NOW).await;
    store.end_session(account, third.id, EndReason::SignedOut, &page(), NOW).await.unwrap();
    store.end_sessions(account, &by, NOW).await.unwrap();
    let body = Body { reason: Some("check".into()), ..by.body() };
    store.note(account, AuditKind::SignInRefused, body, NOW).await.unwrap();
    store.set_password(account, Some("hash"), &By::operator(), NOW).await.unwrap();
    store.revoke_device(account, world.device.id, &By::operator(), NOW).await.unwrap();
    assert_eq!(
        world.kinds().await,
        [
            "account_created",
            "enrolment_created",
            "device_enrolled",
            "sign_in_approved",
            "signed_in",
            "sign_in_approved",
            "session_replaced",
            "signed_in",
            "sign_in_denied",
            "sign_in_reported",
            "device_renamed",
            "session_reported",
            "sign_in_approved",
            "signed_in",
            "signed_out",
            "sessions_ended",
            "sign_in_refused",
            "password_changed",
            "device_removed",
        ]
    );
    let page = store.activity(account, 3, 2).await.unwrap();
    let (approved, signed_in) = (page.entries[0].to_wire(), page.entries[1].to_wire());
    assert_eq!(approved.summary, "Desk approved a sign-in: Firefox 153 on Windows 11.");
    assert_eq!(approved.address.as_deref(), Some("192.0.2.1"));
    assert_eq!(signed_in.summary, "A browser signed in, approved by Desk: Firefox 153 on Windows 11.");
    assert_eq!((signed_in.device, signed_in.seq), (Some(world.device.id), 5));
    assert!(signed_in.session.is_some());
}

pub(super) async fn activity_comes_in_pages_that_join(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    for _ in 0..7 {
        world.decide(&world.decision(Decision::Deny), NOW).await;
    }
    let mut head = Head::EMPTY;
    for expected in [4, 4, 2, 0] {
        let page = world.store.activity(world.account, head.seq, 4).await.unwrap();
        assert_eq!(page.entries.len(), expected);
        for entry in &page.entries {
            assert!(entry.follows(&head), "{entry:?}");
            head = entry.head();
        }
        assert_eq!(page.head, head);
    }
}

pub(super) async fn a_head_beyond_the_end_is_the_end(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let page = world.store.activity(world.account, 99, 10).await.unwrap();
    assert!(page.entries.is_empty());
    assert_eq!(page.head.seq, 3, "so that an authenticator sees a log that lost its end");
    let nobody = protocol::id::AccountId::from_random(super::world::fresh());
    assert_eq!(world.store.activity(nobody, 0, 10).await.unwrap().head, Head::EMPTY);
}

pub(super) async fn an_export_verifies_and_any_changed_entry_shows(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    world.sign_in(NOW).await;
    World::new(Arc::clone(&world.store)).await;
    assert!(world.store.anchor(NOW).await.unwrap());
    let lines = export(&world.store).await;
    let verified = check(&lines).unwrap();
    assert_eq!((verified.chains, verified.entries, verified.anchors, verified.trimmed), (2, 9, 1, 0));
    for at in 0..lines.len() {
        let mut changed = lines.clone();
        changed[at] = changed[at].replace("\"at\":1800000000", "\"at\":1800000001");
        let broken = check(&changed).unwrap_err();
        assert_eq!(broken.line, at as u64 + 1);
        assert!(matches!(broken.fault, Fault::Changed { .. }), "{broken}");
        let mut cut = lines.clone();
        cut.remove(at);
        // Without its only anchor the log holds by itself.
        assert_eq!(check(&cut).is_ok(), lines[at].contains("\"anchor\""), "{at}");
    }
}

pub(super) async fn anchors_come_once_a_minute_over_what_changed(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let anchor = async |later_s| world.store.anchor(NOW.plus_s(later_s)).await.unwrap();
    assert!(anchor(0).await);
    world.decide(&world.decision(Decision::Deny), NOW).await;
    assert!(!anchor(59).await, "another node was here within the minute");
    assert!(anchor(60).await);
    assert!(!anchor(120).await, "nothing changed");
    World::new(Arc::clone(&world.store)).await;
    assert!(anchor(180).await);
    let lines = export(&world.store).await;
    assert_eq!(check(&lines).unwrap().anchors, 3);
    let last = lines.iter().rfind(|line| line.contains("\"chain\":\"anchor\"")).unwrap();
    assert_eq!(last.matches(r#"\"chain\""#).count(), 1, "the chain that did not change is not in it: {last}");
}

pub(super) async fn a_trimmed_chain_still_verifies_and_goes_on(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    world.store.anchor(NOW).await.unwrap();
    let later = NOW.plus_s(300 * DAY_S);
    world.decide(&world.decision(Decision::Deny), later).await;
    world.store.anchor(later).await.unwrap();
    // The first year's entries go, the later one stays.
    let sweep_at = NOW.plus_s(400 * DAY_S);
    let swept = world.store.sweep(&KEEP, sweep_at).await.unwrap();
    assert_eq!(swept.rows, 3 + 1 + 1, "three entries, one anchor, one enrolment");
    assert_eq!(world.kinds().await, ["sign_in_denied"]);
    let verified = check(&export(&world.store).await).unwrap();
    assert_eq!((verified.entries, verified.trimmed), (2, 2));
    // Much later only heads are left, and the chain goes on from there.
    let much_later = NOW.plus_s(900 * DAY_S);
    world.store.sweep(&KEEP, much_later).await.unwrap();
    assert_eq!(world.kinds().await, ["sign_in_denied"]);
    world.decide(&world.decision(Decision::Deny), much_later).await;
    let lines = export(&world.store).await;
    check(&lines).unwrap();
    world.store.sweep(&KEEP, much_later).await.unwrap();
    assert_eq!(world.kinds().await, ["sign_in_denied"]);
    let page = world.store.activity(world.account, 5, 10).await.unwrap();
    assert_eq!((page.entries.len(), page.head.seq), (0, 5));
    check(&export(&world.store).await).unwrap();
}

pub(super) async fn nodes_that_sweep_and_anchor_at_once_do_it_once(store: Arc<impl Durable + 'static>) {
    const SESSIONS: u64 = 20;
    let world = Arc::new(World::new(store).await);
    for _ in 0..SESSIONS {
        world.sign_in(NOW).await;
    }
    let at = NOW.plus_s(14 * DAY_S);
    let done = at_once(8, |_| {
        let world = Arc::clone(&world);
        async move {
            let swept = world.store.sweep(&KEEP, at).await.unwrap();
            (swept.expired_sessions, u64::from(world.store.anchor(at).await.unwrap()))
        }
    })
    .await;
    assert_eq!(done.iter().map(|(expired, _)| expired).sum::<u64>(), SESSIONS);
    assert_eq!(done.iter().map(|(_, anchored)| anchored).sum::<u64>(), 1);
    check(&export(&world.store).await).unwrap();
}

pub(super) async fn a_sweep_ends_and_forgets(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (idle, _) = world.sign_in(NOW).await;
    let sweep = async |at: Timestamp| world.store.sweep(&KEEP, at).await.unwrap();
    assert_eq!(sweep(NOW).await.expired_sessions, 0);
    let ended_at = NOW.plus_s(14 * DAY_S);
    assert_eq!(sweep(ended_at).await.expired_sessions, 1);
    assert_eq!(sweep(ended_at).await.expired_sessions, 0);
    assert_eq!(world.kinds().await.last().map(String::as_str), Some("session_expired"));
    // The row goes; the browser stays known, the request stays used.
    let gone_at = ended_at.plus_s(30 * DAY_S);
    sweep(gone_at).await;
    assert!(world.store.is_known_browser(world.account, &idle.page_key.unwrap()).await.unwrap());
    assert!(world.store.decision(idle.ticket).await.unwrap().is_some());
    sweep(NOW.plus_s(400 * DAY_S)).await;
    assert!(!world.store.is_known_browser(world.account, &idle.page_key.unwrap()).await.unwrap());
    assert!(world.store.decision(idle.ticket).await.unwrap().is_none());
    // A link that nobody used goes at its end, a used one with its last repeat.
    let link = new_link(&*world.store, world.account, None, NOW).await;
    sweep(NOW.plus_s(599)).await;
    let device = new_device();
    let used_at = NOW.plus_s(599);
    world.store.enrol_by_code(&link, &device, 20, &page(), used_at).await.unwrap();
    sweep(used_at.plus_s(599)).await;
    let again = world.store.enrol_by_code(&link, &device, 20, &page(), used_at.plus_s(599)).await.unwrap();
    assert!(matches!(again, crate::store::Enrolled::Trusted(_)));
    assert_eq!(sweep(used_at.plus_s(600)).await.rows, 1);
}

pub(super) async fn what_was_refused_leaves_no_entry(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let approved = world.decision(Decision::Approve);
    let before = world.kinds().await.len();
    world.redeem(&new_session(&approved), NOW).await;
    world.decide(&approved, NOW).await;
    world.decide(&approved, NOW).await;
    world.redeem(&new_session(&approved), NOW.plus_s(60)).await;
    assert_eq!(world.kinds().await.len(), before + 1);
}

pub(super) async fn a_sweep_takes_more_than_one_step_holds(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    for _ in 0..501 {
        world.decide(&world.decision(Decision::Deny), NOW).await;
    }
    let swept = world.store.sweep(&KEEP, NOW.plus_s(400 * DAY_S)).await.unwrap();
    assert_eq!(swept.rows, 501 + 503 + 1, "decisions, entries but the last, and the link");
    assert_eq!(world.kinds().await.len(), 1);
}

pub(super) async fn a_removed_device_is_forgotten_after_its_sessions(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (account, device) = (world.account, world.device.id);
    let (new, mut session) = world.sign_in_with(fresh_thumbprint(), SessionKind::Independent, NOW).await;
    world.store.revoke_device(account, device, &By::operator(), NOW).await.unwrap();
    let keep = Keep { activity_s: DAY_S, ended_sessions_s: DAY_S, ..KEEP };
    let at = NOW.plus_s(2 * DAY_S);
    world.store.touch_session(&session, at).await.unwrap();
    world.store.sweep(&keep, at).await.unwrap();
    session = world.store.session(new.id, &LIVES, at).await.unwrap().unwrap();
    assert_eq!(session.device_name, "Desk");
    world.store.end_sessions(account, &page(), at).await.unwrap();
    let gone_at = at.plus_s(DAY_S);
    world.store.sweep(&keep, gone_at).await.unwrap();
    assert!(world.store.session(new.id, &LIVES, at).await.unwrap().is_none());
    assert!(world.store.account(account).await.unwrap().is_some());
}
