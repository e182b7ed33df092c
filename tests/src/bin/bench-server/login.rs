//! One whole login, both parties played: start, scan, decide, redeem; four signatures made and checked.

use anyhow::{Context as _, Result};
use protocol::check::CheckNumber;
use protocol::context;
use protocol::encoding::from_base64url;
use protocol::id::RequestId;
use protocol::statement::{Decision, Statement};
use protocol::time::Timestamp;
use protocol::wire::{RequestBody, ScannedBody};

use crate::call::{Ask, Connection, Reply};
use crate::party::{Device, Prover};

/// A page's started request.
pub(crate) struct Started {
    pub(crate) id: RequestId,
    pub(crate) cookie: String,
    /// The 40 characters of its first frame.
    pub(crate) code: String,
}

pub(crate) async fn start(page: &mut Prover, connection: &mut Connection) -> Result<Started> {
    let path = "/api/login-requests";
    let proof = page.proof(connection.origin(), "POST", path, None)?;
    let ask = Ask { method: "POST", path, proof: Some(&proof), body: "{}", ..Ask::default() };
    let mut reply = connection.call(ask).await?.expect(201, "a start")?;
    page.take_nonce(reply.nonce.take());
    let body: RequestBody = reply.json()?;
    let frame = body.frame.context("a start shows a frame")?;
    let (_, code) = frame.url.rsplit_once('/').context("a frame's URL ends in its code")?;
    Ok(Started { id: body.id, cookie: reply.cookie.context("a start sets a cookie")?, code: code.to_owned() })
}

/// Scans over `app`; then reads the number off the page's own state, as its person would.
pub(crate) async fn scan(
    device: &mut Device,
    app: &mut Connection,
    started: &Started,
    page: &mut Connection,
) -> Result<Statement> {
    let path = "/api/scans";
    let token = Some(device.enrolled.token.as_str());
    let proof = device.prover.proof(app.origin(), "POST", path, token)?;
    let body = format!(r#"{{"code":"{}","via":"camera"}}"#, started.code);
    let ask = Ask { method: "POST", path, proof: Some(&proof), token, body: &body, ..Ask::default() };
    let mut reply = app.call(ask).await?.expect(201, "a scan")?;
    device.prover.take_nonce(reply.nonce.take());
    let scanned: ScannedBody = reply.json()?;
    let context = from_base64url(&scanned.context).context("a context is base64url")?;
    Ok(Statement {
        device: device.enrolled.device_id,
        origin: device.server.clone(),
        account: device.enrolled.account.id,
        ticket: scanned.ticket,
        context_hash: context::hash(&context),
        decision: Decision::Approve,
        check: check(started, page).await?,
        user_verified: false,
    })
}

async fn check(started: &Started, page: &mut Connection) -> Result<Option<CheckNumber>> {
    let reply = look(&format!("/api/login-requests/{}", started.id), &started.cookie, page).await?;
    Ok(reply.json::<RequestBody>()?.check)
}

/// Asks for the state at its path, as a page without a socket does.
pub(crate) async fn look(path: &str, cookie: &str, page: &mut Connection) -> Result<Reply> {
    let ask = Ask { method: "GET", path, cookie: Some(cookie), ..Ask::default() };
    page.call(ask).await?.expect(200, "a look")
}

pub(crate) fn sign(device: &Device, statement: &Statement) -> Result<String> {
    let jws = statement.sign(Timestamp(0), &device.prover.key, &device.prover.random)?;
    Ok(format!(r#"{{"statement":"{jws}"}}"#))
}

pub(crate) async fn decide(body: &str, app: &mut Connection) -> Result<()> {
    let ask = Ask { method: "POST", path: "/api/decisions", body, ..Ask::default() };
    app.call(ask).await?.expect(204, "a decision").map(drop)
}

pub(crate) async fn redeem(page: &mut Prover, started: &Started, connection: &mut Connection) -> Result<()> {
    let path = format!("/api/login-requests/{}/session", started.id);
    let proof = page.proof(connection.origin(), "POST", &path, None)?;
    let ask = Ask {
        method: "POST",
        path: &path,
        proof: Some(&proof),
        cookie: Some(&started.cookie),
        body: "{}",
        ..Ask::default()
    };
    let mut reply = connection.call(ask).await?.expect(201, "a redeem")?;
    page.take_nonce(reply.nonce.take());
    Ok(())
}
