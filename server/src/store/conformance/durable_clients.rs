use std::sync::Arc;

use protocol::statement::Decision;

use super::durable_races::at_once;
use super::world::{LIVES, NOW, World, a_client, fresh_hash, fresh_key_row, granted, new_grant, new_session};
use crate::store::{
    Alg, By, ClientId, ClientPolicy, Consent, Durable, NewSession, Redeemed, StoredClient, StoredSigningKey,
};

pub(super) async fn an_id_of_a_client_is_taken_once(store: Arc<impl Durable>) {
    let client = a_client("grafana");
    assert_eq!(store.client(&client.id).await.unwrap(), None);
    assert!(store.create_client(&client).await.unwrap());
    let other = StoredClient { name: "Other".into(), ..client.clone() };
    assert!(!store.create_client(&other).await.unwrap());
    assert_eq!(store.client(&client.id).await.unwrap(), Some(client));
}

pub(super) async fn clients_come_back_as_they_were_by_name(store: Arc<impl Durable>) {
    let tool = StoredClient {
        name: "A tool".into(),
        secret: None,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        device_grant: true,
        policy: ClientPolicy::default(),
        ..a_client("tool")
    };
    let site = StoredClient {
        policy: ClientPolicy {
            scopes: vec!["repo".into()],
            session_s: Some(60),
            step_up: true,
            shows_user_code: true,
            id_token_alg: Alg::Rs256,
            back_channel_logout: Some("https://site.example.com/logout".into()),
            require_pushed: true,
            embed: true,
        },
        ..a_client("site")
    };
    assert!(store.create_client(&site).await.unwrap() && store.create_client(&tool).await.unwrap());
    assert_eq!(store.clients().await.unwrap(), [tool, site]);
}

pub(super) async fn a_rotated_secret_keeps_the_one_before(store: Arc<impl Durable>) {
    let client = a_client("grafana");
    let public = StoredClient { secret: None, ..a_client("app") };
    assert!(store.create_client(&client).await.unwrap() && store.create_client(&public).await.unwrap());
    let (second, ends_at) = (fresh_hash(), NOW.plus_s(86_400));
    assert!(store.rotate_client_secret(&client.id, &second, ends_at).await.unwrap());
    let found = store.client(&client.id).await.unwrap().unwrap();
    assert_eq!(
        (found.secret, found.previous_secret),
        (Some(second), client.secret.map(|first| (first, ends_at)))
    );
    assert!(!store.rotate_client_secret(&public.id, &second, ends_at).await.unwrap(), "it has none");
    let nobody = ClientId::parse("nobody").unwrap();
    assert!(!store.rotate_client_secret(&nobody, &second, ends_at).await.unwrap());
}

pub(super) async fn a_removed_client_takes_its_grants_and_consents_along(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (client, other) = (a_client("grafana"), a_client("wiki"));
    let mut grants = Vec::new();
    for client in [&client, &other] {
        assert!(world.store.create_client(client).await.unwrap());
        let session = consented(&world, client, &["openid"]).await;
        grants.push(granted(&world, &session, &client.id, NOW).await.id);
    }
    assert!(world.store.remove_client(&client.id).await.unwrap());
    assert!(!world.store.remove_client(&client.id).await.unwrap());
    assert_eq!(world.store.client(&client.id).await.unwrap(), None);
    assert_eq!(world.store.consent(world.account, &client.id).await.unwrap(), None);
    assert_eq!(world.store.grant(grants[0], &LIVES, NOW).await.unwrap(), None);
    assert!(world.store.consent(world.account, &other.id).await.unwrap().is_some());
    assert!(world.store.grant(grants[1], &LIVES, NOW).await.unwrap().is_some());
}

/// A sign-in for a client.
async fn consented<S: Durable + 'static>(
    world: &World<S>,
    client: &StoredClient,
    scopes: &[&str],
) -> NewSession {
    let decision = world.decision(Decision::Approve);
    world.decide(&decision, NOW).await;
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let consent = Some(Consent { client: client.id.clone(), scopes });
    let new = NewSession { consent, ..new_session(&decision) };
    let redeemed = world.redeem(&new, NOW).await;
    assert!(matches!(redeemed, Redeemed::Created { .. }), "{redeemed:?}");
    new
}

pub(super) async fn what_approvals_let_a_client_have_is_joined(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let client = a_client("grafana");
    assert_eq!(world.store.consent(world.account, &client.id).await.unwrap(), None);
    consented(&world, &client, &["openid", "email"]).await;
    let again = consented(&world, &client, &["groups", "openid"]).await;
    let scopes = world.store.consent(world.account, &client.id).await.unwrap();
    assert_eq!(scopes.unwrap(), ["openid", "email", "groups"]);
    assert!(matches!(world.redeem(&again, NOW).await, Redeemed::Existing(_)));
    let other = a_client("wiki");
    assert_eq!(world.store.consent(world.account, &other.id).await.unwrap(), None);
}

pub(super) async fn a_refused_redeem_lets_nobody_have_anything(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let denied = world.decision(Decision::Deny);
    world.decide(&denied, NOW).await;
    let client = a_client("grafana").id;
    let consent = Some(Consent { client: client.clone(), scopes: vec!["openid".into()] });
    let refused = world.redeem(&NewSession { consent, ..new_session(&denied) }, NOW).await;
    assert!(matches!(refused, Redeemed::Refused(_)), "{refused:?}");
    assert_eq!(world.store.consent(world.account, &client).await.unwrap(), None);
}

pub(super) async fn redeems_at_once_lose_nothing_of_a_consent(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    let client = Arc::new(a_client("grafana"));
    at_once(20, |n| {
        let (world, client) = (Arc::clone(&world), Arc::clone(&client));
        async move { consented(&world, &client, &[format!("scope-{n}").as_str()]).await }
    })
    .await;
    let scopes = world.store.consent(world.account, &client.id).await.unwrap().unwrap();
    assert_eq!(scopes.len(), 20, "{scopes:?}");
}

pub(super) async fn an_account_has_a_profile(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let by = By::operator();
    let groups = ["staff".to_owned(), "b, \"c\"".to_owned()];
    assert!(
        world.store.set_profile(world.account, Some("ada@example.com"), &groups, &by, NOW).await.unwrap()
    );
    let (_, view) = world.sign_in(NOW).await;
    let account = world.store.account(world.account).await.unwrap().unwrap();
    assert_eq!((account.email.as_deref(), &account.groups[..]), (Some("ada@example.com"), &groups[..]));
    assert_eq!(view.account, account);
    assert!(world.store.set_profile(world.account, None, &[], &by, NOW).await.unwrap());
    let account = world.store.account(world.account).await.unwrap().unwrap();
    assert_eq!((account.email, account.groups), (None, Vec::new()));
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "account_changed").count(), 2);
    let nobody = protocol::id::AccountId::from_random(super::world::fresh());
    assert!(!world.store.set_profile(nobody, None, &[], &by, NOW).await.unwrap());
}

pub(super) async fn of_signing_keys_made_at_once_one_is_kept(store: Arc<impl Durable + 'static>) {
    let added = at_once(20, |_| {
        let (store, key) = (Arc::clone(&store), fresh_key_row(Alg::Es256, NOW));
        async move { store.add_signing_key(&key, None).await.unwrap() }
    })
    .await;
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    let first = store.signing_keys().await.unwrap();
    assert_eq!(first.len(), 1);
    let rsa = StoredSigningKey { sealed: "s\"".into(), ..fresh_key_row(Alg::Rs256, NOW) };
    assert!(store.add_signing_key(&rsa, None).await.unwrap(), "each kind has a newest one");
    assert!(!store.add_signing_key(&fresh_key_row(Alg::Rs256, NOW), Some("other")).await.unwrap());
    let next = fresh_key_row(Alg::Es256, NOW.plus_s(86_400));
    assert!(store.add_signing_key(&next, Some(&first[0].kid)).await.unwrap());
    let all = store.signing_keys().await.unwrap();
    assert_eq!(all[0], next, "the newest comes first");
    assert!(all.len() == 3 && all.contains(&rsa));
    let gone = [first[0].kid.clone(), "nothing".to_owned()];
    assert_eq!(store.remove_signing_keys(&gone).await.unwrap(), 1);
    assert!(!store.signing_keys().await.unwrap().contains(&first[0]));
}

pub(super) async fn a_signing_key_is_sealed_anew_once_and_stays_the_same_key(
    store: Arc<impl Durable + 'static>,
) {
    let key = StoredSigningKey { sealed: "by the first".into(), ..fresh_key_row(Alg::Es256, NOW) };
    let other = StoredSigningKey { sealed: "by the first".into(), ..fresh_key_row(Alg::Rs256, NOW) };
    assert!(store.add_signing_key(&key, None).await.unwrap());
    assert!(store.add_signing_key(&other, None).await.unwrap());
    // Every node finds it sealed under the key that goes, and each seals it in its own way.
    let sealed = at_once(20, |n| {
        let (store, kid) = (Arc::clone(&store), key.kid.clone());
        async move {
            let anew = format!("by the second, node {n}");
            let won = store.reseal_signing_key(&kid, "by the first", &anew).await.unwrap();
            won.then_some(anew)
        }
    })
    .await;
    let won: Vec<String> = sealed.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let expected = StoredSigningKey { sealed: won[0].clone(), ..key.clone() };
    let kept = store.signing_keys().await.unwrap();
    assert!(kept.len() == 2 && kept.contains(&expected) && kept.contains(&other), "{kept:?}");
    assert!(!store.reseal_signing_key(&key.kid, "by the first", "late").await.unwrap());
    assert!(!store.reseal_signing_key("nobody", "by the first", "x").await.unwrap());
    store.remove_signing_keys(std::slice::from_ref(&key.kid)).await.unwrap();
    assert!(!store.reseal_signing_key(&key.kid, &won[0], "x").await.unwrap(), "it is gone");
    assert_eq!(store.signing_keys().await.unwrap(), [other]);
}

pub(super) async fn sites_in_use_are_named_by_session(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (one, _) = world.sign_in(NOW).await;
    let (two, _) = world.sign_in(NOW).await;
    let client = a_client("grafana").id;
    granted(&world, &one, &client, NOW).await;
    granted(&world, &one, &client, NOW).await;
    let other = ClientId::parse("wiki").unwrap();
    let short = crate::store::NewGrant {
        client_name: "Wiki".into(),
        ends_at: NOW.plus_s(60),
        ..new_grant(&world, &two, &other)
    };
    assert!(world.store.create_grant(&short, &LIVES, &By::server(), NOW).await.unwrap());
    let mut expected = [(one.id, "Grafana".to_owned()), (two.id, "Wiki".to_owned())];
    expected.sort();
    assert_eq!(world.store.clients_in_use(world.account, NOW).await.unwrap(), expected);
    let later = world.store.clients_in_use(world.account, NOW.plus_s(60)).await.unwrap();
    assert_eq!(later, [(one.id, "Grafana".to_owned())]);
}
