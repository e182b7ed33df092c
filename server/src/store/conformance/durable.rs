use std::sync::Arc;

use protocol::id::AccountId;
use protocol::statement::Decision;

use super::world::{LIVES, NOW, World, fresh, new_account, new_device, new_link, new_session, page};
use crate::store::{
    AccountState, By, CreateAccount, Durable, Enrolled, NewAccount, NewEnrolment, Recorded, RedeemRefused,
    Redeemed,
};

pub(super) async fn it_answers_a_ping(store: Arc<impl Durable>) {
    store.ping().await.unwrap();
}

pub(super) async fn it_knows_its_newest_moment(store: Arc<impl Durable + 'static>) {
    assert_eq!(store.latest().await.unwrap(), None);
    let world = World::new(Arc::clone(&store)).await;
    assert_eq!(store.latest().await.unwrap(), Some(NOW));
    store.touch_device(&world.device, NOW.plus_s(90)).await.unwrap();
    assert_eq!(store.latest().await.unwrap(), Some(NOW.plus_s(90)));
    // An older process writes on; the newest moment stays.
    store
        .create_account(
            &NewAccount {
                id: AccountId::from_random(fresh()),
                username: "ada".into(),
                display_name: "Ada".into(),
                password_hash: None,
                email: None,
                groups: Vec::new(),
            },
            &By::operator(),
            NOW.plus_s(80),
        )
        .await
        .unwrap();
    assert_eq!(store.latest().await.unwrap(), Some(NOW.plus_s(90)));
}

pub(super) async fn a_name_is_taken_once(store: Arc<impl Durable>) {
    let new = || NewAccount {
        id: AccountId::from_random(fresh()),
        username: "ada".into(),
        display_name: "Ada".into(),
        password_hash: None,
        email: None,
        groups: Vec::new(),
    };
    let by = By::operator();
    assert_eq!(store.create_account(&new(), &by, NOW).await.unwrap(), CreateAccount::Created);
    assert_eq!(store.create_account(&new(), &by, NOW).await.unwrap(), CreateAccount::NameTaken);
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

pub(super) async fn accounts_are_found_by_id_and_name(store: Arc<impl Durable>) {
    let id = new_account(&*store, Some("$argon2id$x")).await;
    let account = store.account(id).await.unwrap().unwrap();
    assert_eq!(account.password_hash.as_deref(), Some("$argon2id$x"));
    assert_eq!((account.state, account.ever_had_device), (AccountState::Active, false));
    let by_name = store.account_by_name(&account.username).await.unwrap();
    assert_eq!(by_name, Some(account));
    assert_eq!(store.account_by_name("nobody").await.unwrap(), None);
    assert_eq!(store.account(AccountId::from_random(fresh())).await.unwrap(), None);
}

pub(super) async fn a_password_can_be_set_and_taken_away(store: Arc<impl Durable>) {
    let (id, by) = (new_account(&*store, None).await, By::operator());
    for hash in [Some("one"), None] {
        assert!(store.set_password(id, hash, &by, NOW).await.unwrap());
        assert_eq!(store.account(id).await.unwrap().unwrap().password_hash.as_deref(), hash);
    }
    let nobody = AccountId::from_random(fresh());
    assert!(!store.set_password(nobody, Some("one"), &by, NOW).await.unwrap());
}

pub(super) async fn a_disabled_account_is_signed_out_and_refused_everywhere(
    store: Arc<impl Durable + 'static>,
) {
    let world = World::new(store).await;
    let (store, by) = (&world.store, By::operator());
    let (redeemed, _) = world.sign_in(NOW).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;
    let link = new_link(&**store, world.account, None, NOW).await;

    let ended = store.set_account_state(world.account, AccountState::Disabled, &by, NOW).await.unwrap();
    assert_eq!(ended, Some(vec![redeemed.id]));
    assert!(!world.is_good(&redeemed.token, NOW).await);
    assert_eq!(store.session(redeemed.id, &LIVES, NOW).await.unwrap(), None);
    assert_eq!(store.holder(world.device.id).await.unwrap(), None);
    assert_eq!(world.decide(&world.decision(Decision::Approve), NOW).await, Recorded::Refused);
    let refused = Redeemed::Refused(RedeemRefused::Ended);
    assert_eq!(world.redeem(&new_session(&approved), NOW).await, refused);
    let another = store.enrol_by_code(&link, &new_device(), 20, &page(), NOW).await.unwrap();
    assert_eq!(another, Enrolled::Refused);
    let new = NewEnrolment {
        code: super::world::fresh_hash(),
        account: world.account,
        made_by: None,
        expires_at: NOW.plus_s(9),
    };
    assert!(!store.create_enrolment(&new, &by, NOW).await.unwrap());

    // Enabled again, the device is trusted, but nothing that ended comes back.
    let ended = store.set_account_state(world.account, AccountState::Active, &by, NOW).await.unwrap();
    assert_eq!(ended, Some(Vec::new()));
    assert!(store.holder(world.device.id).await.unwrap().is_some());
    assert!(!world.is_good(&redeemed.token, NOW).await);
    assert_eq!(world.redeem(&new_session(&approved), NOW).await, refused);
    let another = store.enrol_by_code(&link, &new_device(), 20, &page(), NOW).await.unwrap();
    assert_eq!(another, Enrolled::Refused);
    let nobody = AccountId::from_random(fresh());
    assert_eq!(store.set_account_state(nobody, AccountState::Active, &by, NOW).await.unwrap(), None);
}

pub(super) async fn a_removed_account_leaves_only_its_chain(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (redeemed, _) = world.sign_in(NOW).await;
    let removed = world.store.remove_account(world.account, &By::operator(), NOW).await.unwrap();
    assert_eq!(removed, Some(vec![redeemed.id]));
    assert_eq!(world.store.account(world.account).await.unwrap(), None);
    assert_eq!(world.store.holder(world.device.id).await.unwrap(), None);
    assert!(!world.is_good(&redeemed.token, NOW).await);
    assert!(world.store.decision(redeemed.ticket).await.unwrap().is_none());
    assert_eq!(world.kinds().await.last().map(String::as_str), Some("account_removed"));
    let again = world.store.remove_account(world.account, &By::operator(), NOW).await.unwrap();
    assert_eq!(again, None);
}
