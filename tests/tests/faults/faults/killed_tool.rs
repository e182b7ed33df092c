//! `kill -9` while a tool fetches its tokens (RFC 8628 §3.4), as [`super::killed`] does it for pages.
//!
//! The device code goes with the process, like every login request of a single node. Whatever was made by then is of no use
//! to anybody, is listed in the app, and ends there. Where Redis keeps the request, the next poll finishes what the dead
//! node began: see `two_nodes`.

use anyhow::{Result, ensure};

use super::tool::{REGISTER, Tool, userinfo};
use super::world::World;

/// A test for each place of the poll that fetches: name, place, and whether session and grant are there by then.
macro_rules! places {
    ($($name:ident $place:literal $session:literal $grant:literal)*) => {
        $(#[tokio::test]
        async fn $name() -> Result<()> {
            poll($place, $session, $grant).await
        })*
    };
}

places! {
    before_the_session "before commit: redeem a login" false false
    before_the_grant "before grant: device" true false
    before_the_refresh_token "before refresh: device" true true
    before_the_reply "before reply: POST /oauth/token" true true
}

async fn poll(place: &str, session: bool, grant: bool) -> Result<()> {
    let mut world = World::new().await?;
    world.server.operate(&REGISTER).await?;
    let tool = Tool::start(&world.server.http()?).await?;
    tool.approved_by(&world.device).await?;
    world.server.die_at(place).await?;
    let called = tool.poll(&world.server.http()?).await;
    world.dies_and_comes_back(called, &mut []).await?;
    let http = world.server.http()?;
    let over = tool.poll(&http).await?.is(400)?.json()?;
    ensure!(over["error"] == "invalid_grant", "the code went with the process: {over}");
    ensure!(world.sessions().await? == usize::from(session), "{} sessions", world.sessions().await?);
    for (kind, made) in [("signed_in", session), ("client_authorized", grant)] {
        let noted = world.entries(kind).await?;
        ensure!(noted == usize::from(made), "{noted} entries {kind}");
    }
    // The person ends what is left in the app, and the tool starts anew.
    world.device.delete("/api/sessions").await?.is(204)?;
    ensure!(world.sessions().await? == 0, "it did not end");
    let tool = Tool::start(&http).await?;
    tool.approved_by(&world.device).await?;
    let tokens = tool.poll(&http).await?.is(200)?.json()?;
    userinfo(&http, &tokens).await?.is(200)?;
    ensure!(world.sessions().await? == 1, "not signed in once");
    world.server.log_verifies().await
}
