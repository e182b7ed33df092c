//! A disk without room: a limit on the length of files, which refuses the same writes and needs no rights.

use anyhow::{Context, Result, ensure};

use super::world::World;
use crate::client::{Answer, Page};

/// Room for some logins; SQLite's log grows by about 40 kB a login.
const ROOM_BYTES: u64 = 192 * 1_024;
/// More logins than fit into it.
const LOGINS_MAX: usize = 200;

#[tokio::test]
async fn a_full_disk_is_said_so_and_the_same_step_succeeds_once_there_is_room() -> Result<()> {
    let mut world = full().await?;
    let mut signed_in = Vec::new();
    let (mut page, refused) = loop {
        ensure!(signed_in.len() < LOGINS_MAX, "the disk never got full");
        let mut page = world.page().await?;
        match login(&world, &mut page).await? {
            Step::SignedIn => signed_in.push(page),
            refused => break (page, refused),
        }
    };
    world.server.make_room().await?;
    match refused {
        Step::Decision(scan, check) => {
            world.device.decide(&scan, "approve", Some(&check)).await?.is(204).context("with room again")?;
            page.sign_in().await?;
        }
        Step::Redeem => drop(page.sign_in().await.context("with room again")?),
        Step::SignedIn => anyhow::bail!("nothing was refused"),
    }
    signed_in.push(page);
    is_as_told(&world, &signed_in).await?;
    // What was told before holds after a restart, too.
    world.server.kill().await?;
    let mut pages: Vec<&mut Page> = signed_in.iter_mut().collect();
    world.comes_back(&mut pages).await?;
    is_as_told(&world, &signed_in).await?;
    world.works().await
}

#[tokio::test]
async fn a_server_that_dies_on_a_full_disk_keeps_what_it_told() -> Result<()> {
    let mut world = full().await?;
    let mut signed_in = Vec::new();
    loop {
        ensure!(signed_in.len() < LOGINS_MAX, "the disk never got full");
        let mut page = world.page().await?;
        match login(&world, &mut page).await? {
            Step::SignedIn => signed_in.push(page),
            Step::Decision(..) | Step::Redeem => break,
        }
    }
    world.server.kill().await?;
    let mut pages: Vec<&mut Page> = signed_in.iter_mut().collect();
    world.comes_back(&mut pages).await?;
    is_as_told(&world, &signed_in).await?;
    world.works().await
}

/// What a login came to.
enum Step {
    SignedIn,
    /// The decision had no room.
    Decision(crate::client::Scan, String),
    /// The session had none.
    Redeem,
}

/// A world whose disk has room for some logins.
async fn full() -> Result<World> {
    let mut world = World::new().await?;
    world.server.kill().await?;
    let folder = world.server.database();
    let longest = ["", "-wal"].map(|end| {
        let file = format!("{}{end}", folder.display());
        std::fs::metadata(file).map_or(0, |file| file.len())
    });
    let bytes = longest.into_iter().max().unwrap_or_default() + ROOM_BYTES;
    world.server.start_again_with_room(bytes / 512).await?;
    world.device.http = world.server.http()?;
    Ok(world)
}

/// Signs in, or says which step was refused for want of room; nothing else may go wrong.
async fn login(world: &World, page: &mut Page) -> Result<Step> {
    let scan = world.device.take(page).await?;
    let check = page.check().await?;
    if is_refused(&world.device.decide(&scan, "approve", Some(&check)).await?, 204)? {
        return Ok(Step::Decision(scan, check));
    }
    let answer = page.redeem().await?;
    if is_refused(&answer, 201)? {
        return Ok(Step::Redeem);
    }
    page.jar.absorb(&answer);
    Ok(Step::SignedIn)
}

fn is_refused(answer: &Answer, good: u16) -> Result<bool> {
    if answer.status == good {
        return Ok(false);
    }
    ensure!(answer.kind() == "503 store_unavailable", "{answer}");
    ensure!(!answer.header("retry-after").is_empty(), "{answer} does not say when");
    Ok(true)
}

/// Each page that was told so is signed in, and nobody else.
async fn is_as_told(world: &World, signed_in: &[Page]) -> Result<()> {
    for page in signed_in {
        page.whoami().await?.is(200)?;
    }
    let (sessions, entries) = (world.sessions().await?, world.entries("signed_in").await?);
    ensure!(
        sessions == signed_in.len() && entries == sessions,
        "{} were told that they are signed in; {sessions} sessions, {entries} entries",
        signed_in.len()
    );
    Ok(())
}
