use std::sync::Arc;

use protocol::time::Timestamp;

use super::durable_races::at_once;
use super::world::{LIVES, NOW, World, a_client, granted, page};
use crate::store::{By, DueLogout, Durable, EndReason, GrantEnd, NewGrant, NewSession};

const AGAIN_S: i64 = 120;

/// A grant whose site wants to hear of its end.
async fn watched<S: Durable + 'static>(world: &World<S>) -> (NewSession, NewGrant) {
    let (session, _) = world.sign_in(NOW).await;
    let grant = granted(world, &session, &a_client("grafana").id, NOW).await;
    world.store.watch_logout(grant.id, &grant.client, world.account).await.unwrap();
    (session, grant)
}

async fn due<S: Durable>(world: &World<S>, now: Timestamp) -> Vec<DueLogout> {
    world.store.due_logouts(Some(world.account), &LIVES, now.plus_s(AGAIN_S), now).await.unwrap()
}

pub(super) async fn a_logout_is_due_once_its_grant_is_over(store: Arc<impl Durable + 'static>) {
    for end in 0..5 {
        let world = World::new(Arc::clone(&store)).await;
        let (session, grant) = watched(&world).await;
        world.store.watch_logout(grant.id, &grant.client, world.account).await.unwrap();
        assert_eq!(due(&world, NOW).await, [], "{end}: it lives");
        let (by, mut now) = (By::operator(), NOW);
        match end {
            0 => {
                let reason = EndReason::Ended;
                assert!(world.store.end_session(world.account, session.id, reason, &by, NOW).await.unwrap());
            }
            1 => assert!(
                world.store.revoke_device(world.account, world.device.id, &by, NOW).await.unwrap().is_some()
            ),
            2 => assert!(world.store.remove_account(world.account, &by, NOW).await.unwrap().is_some()),
            3 => assert!(world.store.end_grant(grant.id, GrantEnd::Revoked, &page(), NOW).await.unwrap()),
            _ => now = NOW.plus_s(LIVES.idle_s),
        }
        let logout = DueLogout { grant: grant.id, client: grant.client, account: world.account, tries: 1 };
        assert_eq!(due(&world, now).await, [logout], "{end}");
    }
}

pub(super) async fn a_logout_comes_again_until_it_is_forgotten(store: Arc<impl Durable + 'static>) {
    let world = World::new(store).await;
    let (_, grant) = watched(&world).await;
    world.store.end_sessions(world.account, &By::operator(), NOW).await.unwrap();
    assert_eq!(due(&world, NOW).await.len(), 1);
    assert_eq!(due(&world, NOW.plus_s(AGAIN_S - 1)).await, [], "somebody is at it");
    assert_eq!(due(&world, NOW.plus_s(AGAIN_S)).await[0].tries, 2);
    world.store.delay_logout(grant.id, NOW.plus_s(500)).await.unwrap();
    assert_eq!(due(&world, NOW.plus_s(499)).await, []);
    let all = world.store.due_logouts(None, &LIVES, NOW.plus_s(900), NOW.plus_s(500)).await.unwrap();
    assert_eq!(all.len(), 1, "without an account: of all");
    world.store.forget_logout(grant.id).await.unwrap();
    assert_eq!(due(&world, NOW.plus_s(9_000)).await, []);
}

pub(super) async fn a_logout_is_due_for_one_of_fifty_nodes(store: Arc<impl Durable + 'static>) {
    let world = Arc::new(World::new(store).await);
    watched(&world).await;
    world.store.end_sessions(world.account, &By::operator(), NOW).await.unwrap();
    let taken = at_once(50, |_| {
        let world = Arc::clone(&world);
        async move { due(&world, NOW).await.len() }
    })
    .await;
    assert_eq!(taken.into_iter().sum::<usize>(), 1);
}
