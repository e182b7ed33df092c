use std::sync::Arc;

use protocol::id::DeviceId;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;

use super::durable_races::at_once;
use super::world::{NOW, World, enrol, fresh, fresh_hash, new_account, new_device, page};
use crate::store::{AccountState, By, Durable, EnrolRecovery, Enrolled, NewDevice, RecoveryCodes};

fn hashes() -> Vec<SecretHash> {
    (0..10).map(|_| fresh_hash()).collect()
}

impl<S: Durable + 'static> World<S> {
    /// Ten codes, made by the account's device.
    async fn codes(&self) -> Vec<SecretHash> {
        let codes = hashes();
        let by = By::device(&self.device, "192.0.2.1");
        assert!(
            self.store.make_recovery_codes(self.account, self.device.id, &codes, &by, NOW).await.unwrap()
        );
        codes
    }

    async fn recovery(&self, code: SecretHash) -> EnrolRecovery {
        let account = self.store.account(self.account).await.unwrap().unwrap();
        EnrolRecovery { username: account.username, code }
    }

    async fn recover(&self, code: SecretHash, device: &NewDevice, now: Timestamp) -> Enrolled {
        let recovery = self.recovery(code).await;
        self.store.enrol_by_recovery(&recovery, device, 20, &page(), now).await.unwrap()
    }

    async fn left(&self) -> RecoveryCodes {
        self.store.recovery_codes(self.account).await.unwrap()
    }
}

fn is_trusted(enrolled: &Enrolled) -> bool {
    matches!(enrolled, Enrolled::Trusted(_))
}

pub(super) async fn a_recovery_code_enrols_once(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    assert_eq!(world.left().await, RecoveryCodes { left: 0, made_at: None });
    let codes = world.codes().await;
    assert_eq!(world.left().await, RecoveryCodes { left: 10, made_at: Some(NOW) });
    let device = new_device();
    assert!(is_trusted(&world.recover(codes[0], &device, NOW).await));
    assert_eq!(world.left().await.left, 9);
    assert_eq!(world.recover(codes[0], &new_device(), NOW).await, Enrolled::Refused);
    assert_eq!(world.recover(fresh_hash(), &new_device(), NOW).await, Enrolled::Refused);
    assert!(is_trusted(&world.recover(codes[1], &new_device(), NOW.plus_s(100_000_000)).await));
    assert_eq!(world.left().await.left, 8);
    let holder = world.store.holder_by_token(&device.token).await.unwrap().unwrap();
    assert_eq!((holder.device.id, holder.account.id), (device.id, world.account));
    let page = world.store.activity(world.account, 0, 100).await.unwrap();
    let entry = page.entries.iter().find(|entry| entry.body.contains("recovery_code")).unwrap();
    assert_eq!(entry.kind, "device_enrolled");
}

pub(super) async fn a_recovery_is_repeated_by_the_same_key_for_ten_minutes(
    store: Arc<impl Durable + 'static>,
) {
    let world = World::new(store).await;
    let codes = world.codes().await;
    let first = new_device();
    world.recover(codes[0], &first, NOW).await;
    let repeat = NewDevice { id: DeviceId::from_random(fresh()), token: fresh_hash(), ..first.clone() };
    let Enrolled::Trusted(holder) = world.recover(codes[0], &repeat, NOW.plus_s(599)).await else {
        panic!("a repeat is no second use")
    };
    assert_eq!(holder.device.id, first.id);
    assert!(world.store.holder_by_token(&first.token).await.unwrap().is_none(), "the old token ends");
    assert_eq!(world.recover(codes[0], &repeat, NOW.plus_s(600)).await, Enrolled::Refused);
    assert_eq!(world.left().await.left, 9);
}

pub(super) async fn a_code_of_another_account_enrols_nobody(store: Arc<impl Durable + 'static>) {
    let ada = World::new(Arc::clone(&store)).await;
    let eve = World::new(store).await;
    let codes = eve.codes().await;
    ada.codes().await;
    assert_eq!(ada.recover(codes[0], &new_device(), NOW).await, Enrolled::Refused);
    assert_eq!(eve.left().await.left, 10, "it was not used up by that");
    assert!(is_trusted(&eve.recover(codes[0], &new_device(), NOW).await));
}

pub(super) async fn codes_made_anew_void_the_old_ones(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let old = world.codes().await;
    let new = world.codes().await;
    assert_eq!(world.left().await.left, 10);
    assert_eq!(world.recover(old[3], &new_device(), NOW).await, Enrolled::Refused);
    assert!(is_trusted(&world.recover(new[3], &new_device(), NOW).await));
}

pub(super) async fn a_disabled_account_is_not_recovered(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let codes = world.codes().await;
    let by = By::operator();
    world.store.set_account_state(world.account, AccountState::Disabled, &by, NOW).await.unwrap();
    assert_eq!(world.recover(codes[0], &new_device(), NOW).await, Enrolled::Refused);
    world.store.set_account_state(world.account, AccountState::Active, &by, NOW).await.unwrap();
    assert!(is_trusted(&world.recover(codes[0], &new_device(), NOW).await));
}

/// A thief who made codes at a stolen computer keeps none; a person who signs out before moving on keeps all.
pub(super) async fn codes_end_with_a_device_that_somebody_else_removes(store: Arc<impl Durable + 'static>) {
    let world = World::new(Arc::clone(&store)).await;
    let codes = world.codes().await;
    let other = enrol(&*store, world.account, &new_device(), NOW).await;
    let by = By::device(&other, "192.0.2.9");
    store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap();
    assert_eq!(world.recover(codes[0], &new_device(), NOW).await, Enrolled::Refused);
    assert_eq!(world.left().await, RecoveryCodes { left: 0, made_at: None });

    let world = World::new(store).await;
    let codes = world.codes().await;
    let by = By::device(&world.device, "192.0.2.9");
    world.store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap();
    assert!(is_trusted(&world.recover(codes[0], &new_device(), NOW).await));
}

pub(super) async fn a_removed_or_foreign_device_makes_no_codes(store: Arc<impl Durable + 'static>) {
    let world = World::new(Arc::clone(&store)).await;
    let other = new_account(&*store, None).await;
    let by = By::device(&world.device, "192.0.2.1");
    let make = |account, device| {
        let (store, by) = (Arc::clone(&store), by.clone());
        async move { store.make_recovery_codes(account, device, &hashes(), &by, NOW).await.unwrap() }
    };
    assert!(!make(other, world.device.id).await);
    store.revoke_device(world.account, world.device.id, &By::operator(), NOW).await.unwrap();
    assert!(!make(world.account, world.device.id).await);
}

pub(super) async fn a_full_account_uses_up_no_code(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let codes = world.codes().await;
    let recovery = world.recovery(codes[0]).await;
    let full = world.store.enrol_by_recovery(&recovery, &new_device(), 1, &page(), NOW).await.unwrap();
    assert_eq!(full, Enrolled::TooMany);
    assert_eq!(world.left().await.left, 10);
}

pub(super) async fn one_code_enrols_one_of_fifty_devices(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let codes = world.codes().await;
    let results = at_once(50, |_| {
        let (world, device, code) = (Arc::clone(&world), new_device(), codes[0]);
        async move { world.recover(code, &device, NOW).await }
    })
    .await;
    assert_eq!(results.iter().filter(|result| is_trusted(result)).count(), 1);
    assert_eq!(world.left().await.left, 9);
}
