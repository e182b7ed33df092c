#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use protocol::id::AccountId;
use protocol::statement::Decision;
use services::postgres::{Cluster, Database, Options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use super::{Limits, PostgresStore};
use crate::store::conformance::world::{NOW, World, fresh_thumbprint, new_session};
use crate::store::{
    AuditKind, Body, By, CreateAccount, Durable as _, NewAccount, NewSession, Recorded, Redeemed, StoreError,
};

/// Longer than any machine needs; only a failure waits for it.
pub(in crate::store) const PATIENT: Limits = Limits { wait: Duration::from_mins(5), connections_max: 8 };

pub(in crate::store) async fn open(database: &Database<'_>) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(&database.url(), PATIENT).await.unwrap())
}

fn database() -> Database<'static> {
    Cluster::shared().database().unwrap()
}

fn ada() -> NewAccount {
    NewAccount {
        id: AccountId::from_random([7; 16]),
        username: "ada".into(),
        display_name: "Ada".into(),
        password_hash: None,
        email: None,
        groups: Vec::new(),
    }
}

async fn create(store: &PostgresStore) -> Result<CreateAccount, StoreError> {
    store.create_account(&ada(), &By::operator(), NOW).await
}

fn count(database: &Database<'_>, of: &str) -> String {
    database.run(&format!("SELECT count(*) FROM {of}")).unwrap().trim().to_owned()
}

async fn connect(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

/// A sentence with all causes.
fn told(error: &StoreError) -> String {
    crate::causes::told(error)
}

#[tokio::test]
async fn nodes_that_start_at_once_migrate_once() {
    let database = database();
    let (one, two, three) = tokio::join!(open(&database), open(&database), open(&database));
    assert_eq!(create(&one).await.unwrap(), CreateAccount::Created);
    assert_eq!(create(&two).await.unwrap(), CreateAccount::NameTaken);
    three.ping().await.unwrap();
    assert_eq!(count(&database, "_sqlx_migrations"), "4");
}

#[tokio::test]
async fn a_node_without_the_right_to_change_tables_starts_once_they_are_there() {
    let (cluster, database) = (Cluster::shared(), database());
    drop(open(&database).await);
    let role = format!("plain_{}", std::process::id());
    database
        .run(&format!(
            "CREATE ROLE {role} LOGIN; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .unwrap();
    let url = database.url().replace("countersign@", &format!("{role}@"));
    let store = PostgresStore::open(&url, PATIENT).await.unwrap();
    assert_eq!(create(&store).await.unwrap(), CreateAccount::Created);
    drop(store);
    database.run(&format!("DROP OWNED BY {role} CASCADE")).unwrap();
    cluster.run("postgres", &format!("DROP ROLE {role}")).unwrap();
}

#[tokio::test]
async fn data_of_a_later_version_is_left_alone() {
    let database = database();
    drop(open(&database).await);
    database
        .run(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'later', TRUE, '', 0)",
        )
        .unwrap();
    let newer = PostgresStore::open(&database.url(), PATIENT).await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 9999, known: 4 }), "{newer:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_had_is_said_without_its_password() {
    let database = database();
    for (url, said) in [
        ("postgres://countersign:sesame@%2Fnowhere/countersign".to_owned(), "No such file or directory"),
        ("postgres://countersign:sesame@127.0.0.1:1/countersign".to_owned(), "Connection refused"),
        (database.url().replace("test_", "missing_").replace('@', ":sesame@"), "does not exist"),
        (database.url().replace("countersign@", "nobody:sesame@"), "role \"nobody\" does not exist"),
        (format!("{}?sslmode=require", database.url().replace('@', ":sesame@")), "TLS"),
    ] {
        let error = PostgresStore::open(&url, PATIENT).await.unwrap_err();
        let told = told(&error);
        assert!(told.contains("could not open the database") && told.contains(said), "{told}");
        assert!(!told.contains("sesame") && !format!("{error:?}").contains("sesame"), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_that_ends_is_unavailable_and_comes_back_by_itself() {
    let cluster = Cluster::start(Options { fsync: true, tcp: false }).unwrap();
    let database = cluster.database().unwrap();
    let hasty = Limits { wait: Duration::from_secs(2), connections_max: 3 };
    let patient = open(&database).await;
    let store = PostgresStore::lazily(&database.url(), hasty).unwrap();
    create(&patient).await.unwrap();
    for crash in [false, true] {
        // Every connection that there may be is in use, and dead afterwards.
        let (one, two, three) = tokio::join!(patient.ping(), patient.ping(), patient.ping());
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        if crash {
            cluster.kill().unwrap();
        } else {
            cluster.stop().unwrap();
        }
        let down = store.ping().await.unwrap_err();
        assert!(matches!(down, StoreError::Unavailable { during: "be reached", .. }), "{down:?}");
        cluster.resume().unwrap();
        let (read, write) = tokio::join!(
            patient.account_by_name("ada"),
            patient.note(ada().id, AuditKind::SignInRefused, Body::default(), NOW)
        );
        assert!(read.unwrap().is_some());
        write.unwrap();
    }
    let page = patient.activity(ada().id, 0, 99).await.unwrap();
    assert_eq!(page.head.seq, 3, "what was answered outlived both");
}

/// As behind a network that was cut: connections stay open, and nothing comes back.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_that_says_nothing_is_given_up_and_its_connections_are_not_used_again() {
    let cluster = Cluster::start(Options { fsync: false, tcp: false }).unwrap();
    let database = cluster.database().unwrap();
    let patient = open(&database).await;
    create(&patient).await.unwrap();
    let hasty = Limits { wait: Duration::from_secs(2), connections_max: 1 };
    let store = PostgresStore::lazily(&database.url(), hasty).unwrap();
    // It has its one connection before the silence; how long that takes is not the matter.
    while store.ping().await.is_err() {}
    cluster.freeze().unwrap();
    let silent = store.ping().await.unwrap_err();
    assert!(told(&silent).contains("did not answer within 2 s"), "{silent:?}");
    let silent = store.ping().await.unwrap_err();
    assert!(told(&silent).contains("no connection within 2 s"), "{silent:?}");
    // Whoever has the patience is answered.
    let (written, ()) =
        tokio::join!(patient.note(ada().id, AuditKind::SignInRefused, Body::default(), NOW), async {
            cluster.thaw().unwrap();
        });
    written.unwrap();
    while store.ping().await.is_err() {}
    assert_eq!(count(&database, "audit"), "2");
}

#[tokio::test]
async fn a_standby_is_not_ready() {
    let database = database();
    let store = open(&database).await;
    store.ping().await.unwrap();
    drop(store);
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).unwrap();
    let store = open(&database).await;
    assert!(store.account_by_name("ada").await.unwrap().is_none(), "it can be read");
    let error = store.ping().await.unwrap_err();
    assert!(told(&error).contains("read-only"), "{error:?}");
}

#[tokio::test]
async fn a_row_that_is_held_for_too_long_is_unavailable_and_nothing_is_written() {
    let database = database();
    let patient = open(&database).await;
    create(&patient).await.unwrap();
    let hasty = Limits { wait: Duration::from_secs(1), connections_max: 2 };
    let store = PostgresStore::lazily(&database.url(), hasty).unwrap();
    let mut holder = connect(&database.url()).await;
    sqlx::raw_sql("BEGIN; UPDATE accounts SET display_name = 'Held'").execute(&mut holder).await.unwrap();
    let held = store.set_password(ada().id, Some("hash"), &By::operator(), NOW).await.unwrap_err();
    assert!(matches!(held, StoreError::Unavailable { during: "set a password", .. }), "{held:?}");
    assert!(patient.account_by_name("ada").await.unwrap().is_some(), "reading goes on");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert!(patient.set_password(ada().id, Some("hash"), &By::operator(), NOW).await.unwrap());
    assert_eq!(count(&database, "audit"), "2");
}

#[tokio::test]
async fn a_deadlock_is_tried_again() {
    let database = database();
    let store = open(&database).await;
    let world = World::new(Arc::clone(&store)).await;
    let mut older = Vec::new();
    for _ in 0..2 {
        older.push(world.sign_in_with(fresh_thumbprint(), crate::config::SessionKind::Linked, NOW).await.0);
    }
    // Two transactions that take the same two rows in either order: one of them is told to try again.
    let first_rows = AtomicU32::new(0);
    let both = |first: usize| {
        let (store, first_rows) = (&store, &first_rows);
        let ids = [older[first].id, older[1 - first].id];
        async move {
            let args = (ids, first_rows);
            store
                .write("take two rows", args, |tx, (ids, first_rows)| {
                    Box::pin(async move {
                        for id in ids {
                            sqlx::query("UPDATE sessions SET last_seen_at = last_seen_at WHERE id = $1")
                                .bind(&id.as_bytes()[..])
                                .execute(&mut *tx)
                                .await?;
                            first_rows.fetch_add(1, Ordering::SeqCst);
                            // Until each has its first row; a repeat finds it so.
                            while first_rows.load(Ordering::SeqCst) < 2 {
                                tokio::task::yield_now().await;
                            }
                        }
                        Ok(())
                    })
                })
                .await
        }
    };
    let (one, two) = tokio::join!(both(0), both(1));
    one.unwrap();
    two.unwrap();
    assert!(first_rows.load(Ordering::SeqCst) > 4, "nobody was in the way");
}

#[tokio::test]
async fn an_approval_from_before_a_crash_is_redeemed_once_after_it() {
    let cluster = Cluster::start(Options { fsync: true, tcp: false }).unwrap();
    let database = cluster.database().unwrap();
    let world = World::new(open(&database).await).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;
    cluster.kill().unwrap();
    cluster.resume().unwrap();
    let new = new_session(&approved);
    assert_eq!(world.decide(&approved, NOW.plus_s(1)).await, Recorded::Same { decided_at: NOW });
    assert!(matches!(world.redeem(&new, NOW.plus_s(1)).await, Redeemed::Created { .. }));
    let again = NewSession { ..new.clone() };
    assert!(matches!(world.redeem(&again, NOW.plus_s(2)).await, Redeemed::Existing(_)));
}

#[tokio::test]
async fn a_row_that_was_damaged_is_named() {
    let database = database();
    let store = open(&database).await;
    create(&store).await.unwrap();
    database.run("UPDATE audit SET hash = '\\x00'").unwrap();
    let damaged = store.activity(ada().id, 0, 9).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { what: "hash", .. }), "{damaged:?}");
}

#[tokio::test]
async fn tls_to_the_database_is_as_strict_as_its_url_says() {
    let cluster = Cluster::start(Options { fsync: false, tcp: true }).unwrap();
    let database = cluster.database().unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    cluster.serve_tls(&own.cert.pem(), &own.signing_key.serialize_pem()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kept = |name: &str, pem: String| {
        let file = folder.path().join(name);
        std::fs::write(&file, pem).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (kept("right.pem", own.cert.pem()), kept("wrong.pem", other.cert.pem()));
    let url = cluster.tcp_url(database.url().rsplit_once('/').unwrap().1);
    for (parameters, tls) in [
        ("?sslmode=disable".to_owned(), false),
        ("?sslmode=require".to_owned(), true),
        (format!("?sslmode=verify-full&sslrootcert={right}"), true),
    ] {
        let store = PostgresStore::open(&format!("{url}{parameters}"), PATIENT).await.unwrap();
        let spoken: bool = sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(store.lend_for("ask").await.unwrap().connection())
            .await
            .unwrap();
        assert_eq!(spoken, tls, "{parameters}");
    }
    for parameters in [format!("?sslmode=verify-full&sslrootcert={wrong}"), "?sslmode=verify-full".to_owned()]
    {
        let refused = PostgresStore::open(&format!("{url}{parameters}"), PATIENT).await.unwrap_err();
        assert!(told(&refused).contains("certificate"), "{refused:?}");
    }
}
