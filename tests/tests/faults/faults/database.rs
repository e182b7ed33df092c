//! A database that another program holds, and one that can only be read.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::world::World;
use crate::client::{Device, Key, enrolment_in};

#[tokio::test]
async fn a_locked_database_is_said_so_and_every_step_succeeds_once_it_is_free() -> Result<()> {
    let world = World::new().await?;
    let (mut redeeming, mut refreshing) = (world.approved().await?, world.signed_in().await?);
    let mut deciding = world.page().await?;
    let scan = world.device.take(&deciding).await?;
    let check = deciding.check().await?;
    let link = world.device.enrolment().await?;
    let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "Second", "kind": "linux"}});
    let key = Key::fresh();

    let mut holder = open(&world.server.database()).await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut holder).await?;
    let (redeemed, decided, enrolled, refreshed) = tokio::join!(
        redeeming.redeem(),
        world.device.decide(&scan, "approve", Some(&check)),
        Device::enrolling(&world.device.http, &key, &body),
        async { refreshing.refreshing().proof(&refreshing.key).await?.send().await },
    );
    for answer in [redeemed?, decided?, enrolled?, refreshed?] {
        answer.refuses(503, "store_unavailable")?;
    }
    // Who only reads is served all the same.
    refreshing.whoami().await?.is(200)?;
    ensure!(deciding.stage().await? == "scanned", "a decision that was refused shows");
    sqlx::query("ROLLBACK").execute(&mut holder).await?;
    holder.close().await?;

    redeeming.sign_in().await?;
    world.device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    deciding.sign_in().await?;
    refreshing.refresh().await?.is(204)?;
    let second =
        Device::read(&world.device.http, &key, Device::enrolling(&world.device.http, &key, &body).await?)?;
    second.get("/api/devices").await?.is(200)?;
    ensure!(world.sessions().await? == 3, "not one session for each page");
    ensure!(world.entries("device_enrolled").await? == 2, "enrolled twice");
    world.works().await
}

/// SQLite reads, and refuses to write, a file whose head asks for a later way of writing (its file format, 1.3.3).
#[tokio::test]
async fn a_database_that_can_only_be_read_is_refused_at_the_start() -> Result<()> {
    let mut world = World::new().await?;
    let mut page = world.signed_in().await?;
    world.server.kill().await?;
    // Folds the log into the file, whose head is then the one that counts.
    let mut folding = open(&world.server.database()).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut folding).await?;
    folding.close().await?;
    let before = write_version(&world.server.database(), 3)?;
    let (code, said) = world.server.start_fails().await?;
    ensure!(code.is_some_and(|code| code != 0), "it ended with {code:?}: {said}");
    ensure!(said.contains("readonly"), "it does not say why: {said}");
    write_version(&world.server.database(), before)?;
    world.comes_back(&mut [&mut page]).await?;
    page.whoami().await?.is(200)?;
    world.works().await
}

async fn open(file: &Path) -> Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(file).connect().await.context("cannot open the database")
}

/// Sets the write version in the head of a database file; gives the one before.
fn write_version(file: &Path, version: u8) -> Result<u8> {
    let mut file = std::fs::File::options().read(true).write(true).open(file)?;
    let mut before = [0];
    file.seek(SeekFrom::Start(18))?;
    file.read_exact(&mut before)?;
    file.seek(SeekFrom::Start(18))?;
    file.write_all(&[version])?;
    Ok(before[0])
}
