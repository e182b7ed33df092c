//! Power cuts, restarts and a store that does not answer: signed in once or refused, nothing half done.

use anyhow::{Context as _, ensure};

use crate::attacks::{Attack, Held, attacks};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["storage", OwnServer;
        restart_keeps_who_is_trusted,
        restart_forgets_what_was_under_way,
        kill_in_the_middle_signs_in_once,
        locked_store_is_503_and_nothing_else,
    ]
}

async fn restart_keeps_who_is_trusted(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (mut page, device) = ground.signed_in().await?;
    let ended = ground.second_device(&device).await?;
    device.delete(&format!("/api/devices/{}", ended.id)).await?.is(204)?;
    ground.server()?.kill().await?;
    ground.server()?.start_again().await?;
    ground.http().forget_nonce();
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    device.get("/api/devices").await?.is(200)?;
    ended.get("/api/devices").await?.is(401)?;
    Ok("session and device live, the removed device does not".to_owned())
}

/// "Losing it means 404 and a fresh code, never a second session."
async fn restart_forgets_what_was_under_way(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (waiting, device) = (ground.page().await?, ground.device().await?);
    let code = waiting.code().await?;
    let approved = ground.page().await?;
    let scan = device.approve(&approved).await?;
    ground.server()?.kill().await?;
    ground.server()?.start_again().await?;
    ground.http().forget_nonce();
    waiting.poll().await?.is(404)?;
    device.scan(&code).await?.is(404)?;
    let redeemed = approved.redeem().await?;
    ensure!([404, 410].contains(&redeemed.status), "{redeemed}");
    device.decide(&scan, "approve", Some("11")).await?.one_of(&[404, 409, 410, 204])?;
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    ensure!(sessions["sessions"].as_array().is_some_and(Vec::is_empty), "{sessions}");
    Ok("404; no session".to_owned())
}

async fn kill_in_the_middle_signs_in_once(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let device = ground.device().await?;
    for _ in 0..5 {
        let page = ground.page().await?;
        device.approve(&page).await?;
        let redeems = futures_util::future::join_all((0..10).map(|_| page.redeem()));
        let (answers, killed) = tokio::join!(redeems, ground.server()?.kill());
        killed?;
        ground.server()?.start_again().await?;
        ground.http().forget_nonce();
        let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
        let all = sessions["sessions"].as_array().cloned().unwrap_or_default();
        let count = all.iter().filter(|one| one["request"] == page.id.as_str()).count();
        let told = answers.iter().flatten().filter(|answer| answer.status == 201).count();
        ensure!(count <= 1, "{count} sessions of one request");
        ensure!(told == 0 || count == 1, "{told} redeems were told 201, and there is no session");
        page.redeem().await?.one_of(&[201, 404, 410])?;
    }
    Ok("five kills among ten redeems: never two sessions, never a 201 without one".to_owned())
}

/// Guard: a store that does not answer is 503, never "expired", and nothing is half done.
async fn locked_store_is_503_and_nothing_else(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (approved, device, _) = ground.approved().await?;
    let (scanned, scan) = (ground.page().await?, ground.device().await?);
    let taken = scan.take(&scanned).await?;
    let check = scanned.check().await?;
    let database = ground.server()?.data().join("countersign.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let mut connection = pool.acquire().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await?;
    let (redeemed, decided) = tokio::join!(approved.redeem(), scan.decide(&taken, "approve", Some(&check)));
    let (redeemed, decided) = (redeemed?, decided?);
    sqlx::query("ROLLBACK").execute(&mut *connection).await?;
    drop(connection);
    pool.close().await;
    redeemed.refuses(503, "store_unavailable")?;
    decided.refuses(503, "store_unavailable")?;
    approved.redeem().await?.is(201).context("after the store is back")?;
    scan.decide(&taken, "approve", Some(&check)).await?.is(204).context("after the store is back")?;
    device.get("/api/devices").await?.is(200)?;
    Ok("503 store_unavailable; both steps succeed once it is back".to_owned())
}
