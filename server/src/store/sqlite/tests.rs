//! What only a file can do: be locked, full, damaged, copied, newer, read by others, and survive.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::id::AccountId;
use protocol::statement::Decision;
use rusqlite::Connection;
use tempfile::TempDir;

use super::SqliteStore;
use crate::store::conformance::world::{NOW, World, new_session};
use crate::store::statements;
use crate::store::{
    AuditKind, Body, By, CreateAccount, Durable as _, NewAccount, Recorded, Redeemed, StoreError,
};

fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("countersign.db");
    (dir, file)
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

async fn create(store: &SqliteStore) -> Result<CreateAccount, StoreError> {
    store.create_account(&ada(), &By::operator(), NOW).await
}

fn another_program(file: &Path) -> Connection {
    Connection::open(file).unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_process() {
    let (dir, file) = folder();
    let store = SqliteStore::open(&file).await.unwrap();
    create(&store).await.unwrap();
    // No clean end: the files as they are at this moment, beside a store that is still open.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let after = SqliteStore::open(&copy.path().join("countersign.db")).await.unwrap();
    assert!(after.account_by_name("ada").await.unwrap().is_some());
    assert_eq!(after.activity(ada().id, 0, 9).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn an_approval_from_before_a_crash_is_redeemed_once_after_it() {
    let (_dir, file) = folder();
    let world = World::new(Arc::new(SqliteStore::open(&file).await.unwrap())).await;
    let approved = world.decision(Decision::Approve);
    world.decide(&approved, NOW).await;
    // Two processes take over; neither has a short-lived record that says so, nor the ends of the chains in memory.
    let World { account, device, .. } = world;
    let mut created = 0;
    let new = new_session(&approved);
    for _ in 0..2 {
        let store = Arc::new(SqliteStore::open(&file).await.unwrap());
        let world = World { store, account, device: device.clone() };
        assert_eq!(world.decide(&approved, NOW.plus_s(1)).await, Recorded::Same { decided_at: NOW });
        match world.redeem(&new, NOW.plus_s(1)).await {
            Redeemed::Created { .. } => created += 1,
            Redeemed::Existing(_) => {}
            Redeemed::Refused(why) => panic!("the approval counts: {why:?}"),
        }
    }
    assert_eq!(created, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, file) = folder();
    let store = SqliteStore::open(&file).await.unwrap();
    create(&store).await.unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 2, "the database and its log");
}

#[tokio::test]
async fn two_processes_start_and_write_side_by_side() {
    let (_dir, file) = folder();
    let (one, two) = tokio::join!(SqliteStore::open(&file), SqliteStore::open(&file));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(create(&one).await.unwrap(), CreateAccount::Created);
    assert_eq!(create(&two).await.unwrap(), CreateAccount::NameTaken);
    // Each keeps the ends of chains in memory and finds out when the other wrote.
    for store in [&one, &two, &two, &one, &two] {
        store.note(ada().id, AuditKind::SignInRefused, Body::default(), NOW).await.unwrap();
    }
    let page = one.activity(ada().id, 0, 99).await.unwrap();
    assert!(page.entries.windows(2).all(|pair| pair[1].follows(&pair[0].head())));
    assert_eq!(page.head.seq, 6);
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_comes_back() {
    let (_dir, file) = folder();
    let store = SqliteStore::open_waiting(&file, Duration::from_millis(20)).await.unwrap();
    let other = another_program(&file);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = create(&store).await.unwrap_err();
    assert!(matches!(locked, StoreError::Unavailable { during: "create an account", .. }), "{locked:?}");
    let (one, two) = tokio::join!(store.ping(), create(&store));
    assert!(one.is_err() && two.is_err(), "many at once as well");
    assert!(store.account_by_name("ada").await.unwrap().is_none(), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(create(&store).await.unwrap(), CreateAccount::Created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_hangs_holds_nobody_up() {
    let (_dir, file) = folder();
    let store = Arc::new(SqliteStore::open(&file).await.unwrap());
    create(&store).await.unwrap();
    // From here on a connection is open, so that a read may run where it is called.
    store.account(ada().id).await.unwrap();
    let (begun, mut is_begun) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let hanging = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let hang = move |_: &Connection| {
                begun.send(()).unwrap();
                Ok(released.recv().is_ok())
            };
            store.read("hang", hang).await.unwrap()
        }
    });
    is_begun.recv().await.unwrap();
    for _ in 0..9 {
        let store = Arc::clone(&store);
        let read = tokio::spawn(async move { store.account(ada().id).await.unwrap() });
        assert!(read.await.unwrap().is_some());
    }
    store.ping().await.unwrap();
    release.send(()).unwrap();
    assert!(hanging.await.unwrap());
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_loses_nothing() {
    let (_dir, file) = folder();
    let store = SqliteStore::open(&file).await.unwrap();
    create(&store).await.unwrap();
    // As if there were no room for another page.
    store
        .write("limit", |tx| {
            let pages: i64 = tx.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            Ok(tx.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))?)
        })
        .await
        .unwrap();
    let big = Body { browser: Some("x".repeat(100_000)), ..Body::default() };
    let full = store.note(ada().id, AuditKind::SignedIn, big, NOW).await.unwrap_err();
    assert!(matches!(full, StoreError::Unavailable { .. }), "{full:?}");
    store.note(ada().id, AuditKind::SignedOut, Body::default(), NOW).await.unwrap();
    let page = store.activity(ada().id, 0, 9).await.unwrap();
    assert!(page.entries[1].follows(&page.entries[0].head()), "no place in the chain was lost");
    assert_eq!(page.entries.len(), 2);
}

#[tokio::test]
async fn a_damaged_file_is_refused_at_the_start() {
    let (_dir, file) = folder();
    std::fs::write(&file, "this is not a database, it only lies where one should".repeat(99)).unwrap();
    let damaged = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Unavailable { during: "open the database", .. }), "{damaged:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let (dir, _) = folder();
    let file = dir.path().join("gone").join("countersign.db");
    let missing = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(&missing, StoreError::File { path, .. } if *path == file), "{missing:?}");
}

#[tokio::test]
async fn data_of_a_later_version_is_left_alone() {
    let (_dir, file) = folder();
    drop(SqliteStore::open(&file).await.unwrap());
    let later = another_program(&file);
    later
        .execute_batch(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, x'00', 0)",
        )
        .unwrap();
    later.close().unwrap();
    let newer = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 9999, known: 5 }), "{newer:?}");
    assert!(newer.to_string().contains("start the later version"));
}

/// As the migrator of sqlx left a file that had the first tables only.
const BY_SQLX: &str = "CREATE TABLE _sqlx_migrations (\n    version BIGINT PRIMARY KEY,\n    \
    description TEXT NOT NULL,\n    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,\n    \
    success BOOLEAN NOT NULL,\n    checksum BLOB NOT NULL,\n    execution_time BIGINT NOT NULL\n); \
    INSERT INTO _sqlx_migrations VALUES (1, 'first', '2026-11-21 19:22:46', TRUE, \
    x'69dd3ef2605eedeae8e80e59d87845ddf6a4d4b067be4981c14e5c6b6247999a7497b79cdd5b669b5c6ef438058fe8c5', 1988723); \
    INSERT INTO accounts VALUES (x'47ceea2d4872e9343f1fdb5a74033714', 'ada', 'Ada', NULL, 'active', FALSE, 1795288966)";

#[tokio::test]
async fn a_file_that_sqlx_migrated_goes_on() {
    let (_dir, file) = folder();
    let former = another_program(&file);
    former.execute_batch(include_str!("../../../migrations/sqlite/0001_first.sql")).unwrap();
    former.execute_batch(BY_SQLX).unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let ada = store.account_by_name("ada").await.unwrap().expect("she is there");
    assert_eq!(store.recovery_codes(ada.id).await.unwrap().left, 0);
    let versions = "SELECT group_concat(version || ' ' || description || ' ' || success || ' ' || length(checksum)) \
        FROM _sqlx_migrations ORDER BY version";
    let versions: String = former.query_row(versions, [], |row| row.get(0)).unwrap();
    assert_eq!(versions, "1 first 1 48,2 recovery 1 48,3 page_keys 1 48,4 front_doors 1 48,5 logouts 1 48");
}

/// Of a file of version 2: a session that lives, one that has ended, and their key.
const BEFORE_PAGE_KEYS: &str = "INSERT INTO accounts VALUES (x'01', 'ada', 'Ada', NULL, 'active', TRUE, 1); \
    INSERT INTO devices VALUES (x'02', x'01', 'Desk', 'linux', '{}', x'03', x'04', 'code', 1, 1, NULL); \
    INSERT INTO sessions VALUES (x'05', x'06', x'07', x'01', x'02', 'linked', x'08', 1, NULL, NULL, 1, 1, '', '', '', NULL, NULL), \
    (x'15', x'16', x'17', x'01', x'02', 'linked', x'18', 1, NULL, NULL, 1, 1, '', '', '', 1, 'ended'); \
    INSERT INTO session_keys VALUES (x'05', x'ff'), (x'15', x'ff')";

#[test]
fn a_session_from_before_page_keys_is_found_by_its_key() {
    let former = Connection::open_in_memory().unwrap();
    for version in [
        include_str!("../../../migrations/sqlite/0001_first.sql"),
        include_str!("../../../migrations/sqlite/0002_recovery.sql"),
        BEFORE_PAGE_KEYS,
        include_str!("../../../migrations/sqlite/0003_page_keys.sql"),
    ] {
        former.execute_batch(version).unwrap();
    }
    let mut plan = former.prepare(&format!("EXPLAIN QUERY PLAN {}", statements::REPLACE_SESSIONS)).unwrap();
    let mut steps = plan.raw_query();
    let plan: String = steps.next().unwrap().unwrap().get("detail").unwrap();
    assert!(plan.contains("USING INDEX sessions_by_page_key (page_key=?)"), "{plan}");
    let mut replace = former.prepare(statements::REPLACE_SESSIONS).unwrap();
    for (name, value) in [("$1", &b"\x25"[..]), ("$2", b"\xff"), ("$3", b"\x02")] {
        let place = replace.parameter_index(name).unwrap().unwrap();
        replace.raw_bind_parameter(place, value).unwrap();
    }
    let mut ended = replace.raw_query();
    assert_eq!(ended.next().unwrap().unwrap().get::<_, Vec<u8>>("id").unwrap(), [5]);
    assert!(ended.next().unwrap().is_none());
}

/// What is asked at each login or sweep must not become dearer with all that was ever kept.
#[test]
fn nothing_walks_through_whole_tables() {
    let mut connection = Connection::open_in_memory().unwrap();
    super::migrations::migrate(&mut connection).unwrap();
    for statement in [
        statements::HOLDER_BY_TOKEN,
        statements::INSERT_DECISION,
        statements::DECISION,
        statements::INSERT_SESSION,
        statements::REPLACE_SESSIONS,
        statements::SESSION,
        statements::SESSION_BY_TOKEN,
        statements::IS_KNOWN_KEY,
        statements::LATEST,
        statements::WRITTEN_SINCE,
        statements::EXPIRE_SESSIONS,
        statements::KEEP_KNOWN_KEYS,
        statements::DELETE_ENDED_SESSIONS,
        statements::DELETE_KNOWN_KEYS,
        statements::DELETE_DECISIONS,
        statements::TRIMMABLE_CHAINS,
    ] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let mut steps = plan.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get("detail").unwrap();
            let is_walk = step.starts_with("SCAN ") && !["SCAN CONSTANT ROW", "SCAN m"].contains(&&*step);
            assert!(!is_walk && !step.contains("sessions_by_account"), "{step}: {statement}");
        }
    }
}

#[tokio::test]
async fn nothing_walks_through_all_grants() {
    let (_dir, file) = folder();
    drop(SqliteStore::open(&file).await.unwrap());
    let connection = another_program(&file);
    for statement in [
        statements::DELETE_GRANTS,
        statements::DELETE_REFRESH_TOKENS,
        statements::HAS_GRANT,
        statements::MOVE_GRANTS,
        statements::CLIENTS_IN_USE,
        statements::DELETE_GRANTS_OF_CLIENT,
        statements::GRANT_BY_CODE,
        statements::GRANT_BY_REFRESH,
    ] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let mut steps = plan.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get("detail").unwrap();
            for table in ["g", "o", "r", "s", "grants", "refresh_tokens"] {
                assert_ne!(step, format!("SCAN {table}"), "{statement}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_other_statements_made_is_left_alone() {
    let (_dir, file) = folder();
    drop(SqliteStore::open(&file).await.unwrap());
    let other = another_program(&file);
    other.execute_batch("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2").unwrap();
    let changed = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(changed, StoreError::Unavailable { during: "bring the database to this version", .. }));
}

#[tokio::test]
async fn a_row_that_was_damaged_is_named() {
    let (_dir, file) = folder();
    let store = SqliteStore::open(&file).await.unwrap();
    create(&store).await.unwrap();
    let other = another_program(&file);
    other.execute_batch("UPDATE audit SET hash = x'00'").unwrap();
    let damaged = store.activity(ada().id, 0, 9).await.unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { what: "hash", .. }), "{damaged:?}");
}

#[tokio::test]
async fn one_failing_write_does_not_take_its_neighbours_along() {
    let (_dir, file) = folder();
    let store = SqliteStore::open(&file).await.unwrap();
    create(&store).await.unwrap();
    let failing = async || {
        store
            .write("fail", |tx| {
                tx.connection.execute("DELETE FROM audit", [])?;
                Ok(tx.connection.execute_batch("SELECT broken")?)
            })
            .await
    };
    let note = || store.note(ada().id, AuditKind::SignInRefused, Body::default(), NOW);
    let (first, second, third, fourth) = tokio::join!(note(), failing(), failing(), note());
    assert!(first.is_ok() && second.is_err() && third.is_err() && fourth.is_ok());
    let page = store.activity(ada().id, 0, 99).await.unwrap();
    assert_eq!(page.head.seq, 3);
    assert!(page.entries.windows(2).all(|pair| pair[1].follows(&pair[0].head())));
}
