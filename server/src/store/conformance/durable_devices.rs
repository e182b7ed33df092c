use std::sync::Arc;

use protocol::id::{AccountId, DeviceId};
use protocol::time::Timestamp;

use super::world::{
    LIVES, NOW, World, enrol, fresh, fresh_hash, new_account, new_device, new_link, new_session, page,
};
use crate::config::PasswordEnrolment;
use crate::store::{By, Durable, EnrolPassword, Enrolled, NewDevice, RedeemRefused, Redeemed};
use protocol::statement::Decision;

fn id_of(enrolled: &Enrolled) -> Option<DeviceId> {
    match enrolled {
        Enrolled::Trusted(holder) => Some(holder.device.id),
        Enrolled::Refused | Enrolled::TooMany => None,
    }
}

async fn by_password(
    store: &impl Durable,
    account: AccountId,
    device: &NewDevice,
    rule: PasswordEnrolment,
    now: Timestamp,
) -> Enrolled {
    let password = EnrolPassword { account, verified_hash: "hash".into(), rule };
    store.enrol_by_password(&password, device, 20, &page(), now).await.unwrap()
}

pub(super) async fn a_link_enrols_once(store: Arc<impl Durable>) {
    let account = new_account(&*store, None).await;
    let code = new_link(&*store, account, None, NOW).await;
    let device = new_device();
    let enrolled = store.enrol_by_code(&code, &device, 20, &page(), NOW).await.unwrap();
    assert_eq!(id_of(&enrolled), Some(device.id));
    let other = store.enrol_by_code(&code, &new_device(), 20, &page(), NOW).await.unwrap();
    assert_eq!(other, Enrolled::Refused);
    let unknown = store.enrol_by_code(&fresh_hash(), &new_device(), 20, &page(), NOW).await.unwrap();
    assert_eq!(unknown, Enrolled::Refused);
    let holder = store.holder_by_token(&device.token).await.unwrap().unwrap();
    assert_eq!((holder.device.id, holder.account.id), (device.id, account));
    assert_eq!(holder.device.key, device.key);
    assert!(holder.account.ever_had_device);
}

pub(super) async fn a_link_ends(store: Arc<impl Durable>) {
    let account = new_account(&*store, None).await;
    let code = new_link(&*store, account, None, NOW).await;
    let late = store.enrol_by_code(&code, &new_device(), 20, &page(), NOW.plus_s(600)).await.unwrap();
    assert_eq!(late, Enrolled::Refused);
    let in_time = store.enrol_by_code(&code, &new_device(), 20, &page(), NOW.plus_s(599)).await.unwrap();
    assert!(id_of(&in_time).is_some());
}

pub(super) async fn the_same_key_repeats_for_ten_minutes(store: Arc<impl Durable>) {
    let account = new_account(&*store, None).await;
    let code = new_link(&*store, account, None, NOW).await;
    let first = new_device();
    let used_at = NOW.plus_s(599);
    store.enrol_by_code(&code, &first, 1, &page(), used_at).await.unwrap();
    // The link's own end does not cut the repeat short, and the device's room is its own.
    let repeat = NewDevice { id: DeviceId::from_random(fresh()), token: fresh_hash(), ..first.clone() };
    let repeated = store.enrol_by_code(&code, &repeat, 1, &page(), used_at.plus_s(599)).await.unwrap();
    assert_eq!(id_of(&repeated), Some(first.id));
    assert!(store.holder_by_token(&first.token).await.unwrap().is_none(), "the old token ends");
    assert!(store.holder_by_token(&repeat.token).await.unwrap().is_some());
    let late = store.enrol_by_code(&code, &repeat, 1, &page(), used_at.plus_s(600)).await.unwrap();
    assert_eq!(late, Enrolled::Refused);
    assert_eq!(store.devices(account).await.unwrap().len(), 1);

    store.revoke_device(account, first.id, &By::operator(), NOW).await.unwrap();
    let revoked = store.enrol_by_code(&code, &repeat, 1, &page(), used_at.plus_s(1)).await.unwrap();
    assert_eq!(revoked, Enrolled::Refused);
}

pub(super) async fn a_link_ends_with_the_device_that_made_it(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let store = &*world.store;
    let code = new_link(store, world.account, Some(world.device.id), NOW).await;
    store.revoke_device(world.account, world.device.id, &By::operator(), NOW).await.unwrap();
    let enrolled = store.enrol_by_code(&code, &new_device(), 20, &page(), NOW).await.unwrap();
    assert_eq!(enrolled, Enrolled::Refused);
    let new = crate::store::NewEnrolment {
        code: fresh_hash(),
        account: world.account,
        made_by: Some(world.device.id),
        expires_at: NOW.plus_s(600),
    };
    assert!(!store.create_enrolment(&new, &page(), NOW).await.unwrap());
}

pub(super) async fn a_password_enrols_the_first_device_only(store: Arc<impl Durable>) {
    let account = new_account(&*store, Some("hash")).await;
    let (first, rule) = (new_device(), PasswordEnrolment::First);
    assert_eq!(id_of(&by_password(&*store, account, &first, rule, NOW).await), Some(first.id));
    assert_eq!(by_password(&*store, account, &new_device(), rule, NOW).await, Enrolled::Refused);
    let repeat = NewDevice { id: DeviceId::from_random(fresh()), token: fresh_hash(), ..first.clone() };
    let repeated = by_password(&*store, account, &repeat, rule, NOW.plus_s(599)).await;
    assert_eq!(id_of(&repeated), Some(first.id));
    assert!(store.holder_by_token(&first.token).await.unwrap().is_none());
    let late = by_password(&*store, account, &repeat, rule, NOW.plus_s(600)).await;
    assert_eq!(late, Enrolled::Refused);
    store.revoke_device(account, first.id, &By::operator(), NOW).await.unwrap();
    let after = by_password(&*store, account, &new_device(), rule, NOW).await;
    assert_eq!(after, Enrolled::Refused, "an account that once had a device stays so");
}

pub(super) async fn a_password_that_changed_since_is_refused(store: Arc<impl Durable>) {
    let account = new_account(&*store, Some("hash")).await;
    store.set_password(account, Some("other"), &By::operator(), NOW).await.unwrap();
    let enrolled = by_password(&*store, account, &new_device(), PasswordEnrolment::First, NOW).await;
    assert_eq!(enrolled, Enrolled::Refused);
    assert!(!store.account(account).await.unwrap().unwrap().ever_had_device);
}

pub(super) async fn the_rule_decides_about_passwords(store: Arc<impl Durable>) {
    let account = new_account(&*store, Some("hash")).await;
    let never = by_password(&*store, account, &new_device(), PasswordEnrolment::Never, NOW).await;
    assert_eq!(never, Enrolled::Refused);
    for _ in 0..2 {
        let always = by_password(&*store, account, &new_device(), PasswordEnrolment::Always, NOW).await;
        assert!(id_of(&always).is_some());
    }
}

pub(super) async fn there_is_room_for_so_many_devices(store: Arc<impl Durable>) {
    let account = new_account(&*store, Some("hash")).await;
    let first = enrol(&*store, account, &new_device(), NOW).await;
    let code = new_link(&*store, account, None, NOW).await;
    let one_more = new_device();
    let full = store.enrol_by_code(&code, &one_more, 1, &page(), NOW).await.unwrap();
    assert_eq!(full, Enrolled::TooMany);
    let password = EnrolPassword { account, verified_hash: "hash".into(), rule: PasswordEnrolment::Always };
    let full = store.enrol_by_password(&password, &new_device(), 1, &page(), NOW).await.unwrap();
    assert_eq!(full, Enrolled::TooMany);
    store.revoke_device(account, first.id, &By::operator(), NOW).await.unwrap();
    let room = store.enrol_by_code(&code, &one_more, 1, &page(), NOW).await.unwrap();
    assert_eq!(id_of(&room), Some(one_more.id), "the link was not used up by the refusal");
}

pub(super) async fn a_removed_device_is_refused_and_takes_its_sessions_along(
    store: Arc<impl Durable + 'static>,
) {
    let new = new_device();
    let account = new_account(&*store, None).await;
    let device = enrol(&*store, account, &new, NOW).await;
    let world = World { store, account, device };
    let (redeemed, _) = world.sign_in(NOW).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;

    let (store, device, by) = (&world.store, world.device.id, By::operator());
    let other = AccountId::from_random(fresh());
    assert_eq!(store.revoke_device(other, device, &by, NOW).await.unwrap(), None);
    let ended = store.revoke_device(account, device, &by, NOW).await.unwrap();
    assert_eq!(ended, Some(vec![redeemed.id]));
    assert_eq!(store.revoke_device(account, device, &by, NOW).await.unwrap(), None);
    assert!(store.holder_by_token(&new.token).await.unwrap().is_none());
    assert!(store.devices(account).await.unwrap().is_empty());
    assert!(!world.is_good(&redeemed.token, NOW).await);
    assert!(store.session(redeemed.id, &LIVES, NOW).await.unwrap().is_none());
    let refused = Redeemed::Refused(RedeemRefused::Ended);
    assert_eq!(world.redeem(&new_session(&approved), NOW).await, refused);
}

pub(super) async fn a_device_can_be_renamed_by_its_account_only(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (store, id) = (&world.store, world.device.id);
    assert!(store.rename_device(world.account, id, "Attic", &page(), NOW).await.unwrap());
    assert_eq!(store.devices(world.account).await.unwrap()[0].name, "Attic");
    let other = new_account(&**store, None).await;
    assert!(!store.rename_device(other, id, "Mine", &page(), NOW).await.unwrap());
    assert_eq!(store.holder(id).await.unwrap().unwrap().device.name, "Attic");
}

pub(super) async fn use_is_noted_by_the_minute(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (_, session) = world.sign_in(NOW).await;
    for (later_s, noted_s) in [(59, 0), (60, 60)] {
        world.store.touch_device(&world.device, NOW.plus_s(later_s)).await.unwrap();
        world.store.touch_session(&session, NOW.plus_s(later_s)).await.unwrap();
        let device = world.store.holder(world.device.id).await.unwrap().unwrap().device;
        assert_eq!(device.last_seen_at, NOW.plus_s(noted_s));
        let seen = world.store.session(session.session.id, &LIVES, NOW).await.unwrap().unwrap();
        assert_eq!(seen.session.last_seen_at, NOW.plus_s(noted_s));
    }
}
