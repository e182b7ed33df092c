#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::secret::SecretHash;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use services::postgres::{Cluster, Database};
use tokio::sync::mpsc;

use super::tables::TABLES;
use super::{ImportError, PostgresStore};
use crate::config::SessionKind;
use crate::store::conformance::world::{
    LIVES, NOW, World, a_client, fresh_hash, fresh_key_row, fresh_thumbprint, granted, new_device,
    new_session,
};
use crate::store::postgres::tests::{PATIENT, open};
use crate::store::sqlite::SqliteStore;
use crate::store::{
    Alg, AuditKind, Body, By, CodeUsed, Consent, Durable, FrontDoors as _, Keep, Logouts as _, NewSession,
    Redeemed,
};

fn database() -> Database<'static> {
    Cluster::shared().database().unwrap()
}

/// A file with something in every table.
async fn filled() -> (tempfile::TempDir, PathBuf, World<SqliteStore>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("countersign.sqlite");
    let world = World::new(Arc::new(SqliteStore::open(&file).await.unwrap())).await;
    let (store, by) = (&world.store, By::operator());
    world.sign_in(NOW).await;
    let keep = Keep { sessions: LIVES, ended_sessions_s: 1, activity_s: 1_000 };
    store.anchor(NOW).await.unwrap();
    let codes: Vec<_> = (0..10).map(|_| fresh_hash()).collect();
    store.make_recovery_codes(world.account, world.device.id, &codes, &by, NOW.plus_s(2_000)).await.unwrap();
    for _ in 0..1_100 {
        let (kind, now) = (AuditKind::SignInRefused, NOW.plus_s(2_000));
        store.note(world.account, kind, Body::default(), now).await.unwrap();
    }
    // A session that is forgotten but for its key, and a chain that lost its start.
    world.sign_in(NOW.plus_s(2_000)).await;
    store.end_sessions(world.account, &by, NOW.plus_s(2_000)).await.unwrap();
    store.sweep(&keep, NOW.plus_s(2_010)).await.unwrap();
    crate::store::conformance::world::enrol(&**store, world.account, &new_device(), NOW.plus_s(2_000)).await;
    (dir, file, world)
}

/// Something in the tables of the standard front doors; a refresh token of it.
async fn fill_front_doors(world: &World<SqliteStore>, now: Timestamp) -> SecretHash {
    let (store, by) = (&world.store, By::operator());
    let client = a_client("grafana");
    assert!(store.create_client(&client).await.unwrap());
    assert!(store.add_signing_key(&fresh_key_row(Alg::Es256, NOW), None).await.unwrap());
    store.set_profile(world.account, Some("ada@example.com"), &["staff".to_owned()], &by, now).await.unwrap();
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, now).await;
    let consent = Some(Consent { client: client.id.clone(), scopes: vec!["openid".to_owned()] });
    let session = NewSession { consent, ..new_session(&approved) };
    assert!(matches!(world.redeem(&session, now).await, Redeemed::Created { .. }));
    let grant = granted(world, &session, &client.id, now).await;
    let (code, refresh, key) = (grant.code.unwrap().hash, fresh_hash(), fresh_thumbprint());
    let used = store.use_code(&code, Some(&key), Some(&refresh), &LIVES, &by, now).await.unwrap();
    assert_eq!(used, CodeUsed::Used);
    store.watch_logout(grant.id, &client.id, world.account).await.unwrap();
    refresh
}

async fn exported(store: &impl Durable) -> Vec<String> {
    let (lines, mut received) = mpsc::channel(16);
    let read = async {
        let mut all = Vec::new();
        while let Some(line) = received.recv().await {
            all.push(line);
        }
        all
    };
    let (done, all) = tokio::join!(store.export_audit(lines), read);
    done.unwrap();
    all
}

#[tokio::test]
async fn everything_comes_over_and_goes_on() {
    let (_dir, file, world) = filled().await;
    let later = NOW.plus_s(2_000);
    let key = fresh_thumbprint();
    let (session, view) = world.sign_in_with(key, SessionKind::Linked, later).await;
    let refresh = fill_front_doors(&world, later).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, later).await;
    let database = database();
    let imported = PostgresStore::import(&database.url(), PATIENT, &file).await.unwrap();
    for (table, rows) in &imported.tables {
        assert!(*rows > 0, "nothing in {table} was tried");
        assert_eq!(database.run(&format!("SELECT count(*) FROM {table}")).unwrap().trim(), rows.to_string());
    }
    let there = open(&database).await;
    assert_eq!(exported(&*world.store).await, exported(&*there).await);
    let account = world.account;
    assert_eq!(world.store.account(account).await.unwrap(), there.account(account).await.unwrap());
    assert_eq!(world.store.devices(account).await.unwrap(), there.devices(account).await.unwrap());
    assert_eq!(
        world.store.recovery_codes(account).await.unwrap(),
        there.recovery_codes(account).await.unwrap()
    );
    let found = there.session_by_token(&session.token, &LIVES, later).await.unwrap();
    assert_eq!(found.map(|found| found.session), Some(view.session));
    assert!(there.is_known_browser(account, &key).await.unwrap());
    assert_eq!(world.store.clients().await.unwrap(), there.clients().await.unwrap());
    assert_eq!(world.store.signing_keys().await.unwrap(), there.signing_keys().await.unwrap());
    let grant = there.grant_by_refresh(&refresh, &LIVES, later).await.unwrap();
    assert!(grant.is_some());
    assert_eq!(world.store.grant_by_refresh(&refresh, &LIVES, later).await.unwrap(), grant);
    let client = a_client("grafana").id;
    assert_eq!(there.consent(account, &client).await.unwrap(), Some(vec!["openid".to_owned()]));
    // What was approved there is redeemed here, and the chain goes on.
    let world = World { store: there, account, device: world.device.clone() };
    assert!(matches!(world.redeem(&new_session(&approved), later).await, Redeemed::Created { .. }));
    let again = PostgresStore::import(&database.url(), PATIENT, &file).await.unwrap_err();
    assert!(matches!(again, ImportError::NotEmpty), "{again:?}");
}

#[tokio::test]
async fn every_table_and_column_of_both_is_in_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("countersign.sqlite");
    let listed: BTreeSet<(String, String)> = TABLES
        .iter()
        .flat_map(|table| table.columns.iter().map(|(column, _)| (table.name.into(), (*column).into())))
        .collect();
    let sqlite = SqliteStore::connection(&file, SqliteStore::CALL_WAIT).await.unwrap();
    let mut columns = sqlite
        .prepare(
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
        )
        .unwrap();
    let rows = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let in_sqlite: BTreeSet<(String, String)> = rows.map(Result::unwrap).collect();
    assert_eq!(in_sqlite, listed);
    let database = database();
    drop(open(&database).await);
    let columns = database
        .run(
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
        )
        .unwrap();
    let in_postgres: BTreeSet<(String, String)> = columns
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();
    assert_eq!(in_postgres, listed);
}

#[tokio::test]
async fn nothing_is_left_of_an_import_that_fails() {
    let (_dir, file, world) = filled().await;
    let source = SqliteStore::connection(&file, SqliteStore::CALL_WAIT).await.unwrap();
    source
        .execute(
            "DELETE FROM audit WHERE chain = ?1 AND seq = (SELECT MAX(seq) - 5 FROM audit WHERE chain = ?1)",
            [world.account.to_string()],
        )
        .unwrap();
    let database = database();
    let broken = PostgresStore::import(&database.url(), PATIENT, &file).await.unwrap_err();
    assert!(matches!(broken, ImportError::Chain { .. }), "{broken:?}");
    let left = database.run("SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM audit)").unwrap();
    assert_eq!(left.trim(), "0");
}
