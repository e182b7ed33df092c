//! One whole login, both parties played: start, scan, decide, redeem; four signatures made and checked.

use anyhow::{Context as _, Result};
use hyper::{Method, StatusCode};
use protocol::check::CheckNumber;
use protocol::context;
use protocol::encoding::from_base64url;
use protocol::id::RequestId;
use protocol::link::Payload;
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement};
use protocol::time::Timestamp;
use protocol::wire::{RequestBody, ScannedBody};
use serde_json::json;

use crate::call::{Connection, Extras};
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
    let reply = connection
        .call(&Method::POST, path, Extras { proof: Some(proof), ..Extras::default() }, "{}".to_owned())
        .await?
        .expect(StatusCode::CREATED, "a start")?;
    page.take_nonce(reply.nonce());
    let cookie = reply.cookie().context("a start sets a cookie")?;
    let body: RequestBody = reply.json()?;
    let frame = body.frame.context("a start shows a frame")?;
    let Payload::Login(link) = Payload::parse(&frame.url) else {
        anyhow::bail!("the frame holds no login link")
    };
    Ok(Started { id: body.id, cookie, code: link.code.to_string() })
}

/// Scans; then reads the number off the page's own state, as its person would.
pub(crate) async fn scan(
    device: &mut Device,
    started: &Started,
    connection: &mut Connection,
) -> Result<Statement> {
    let proof =
        device.prover.proof(connection.origin(), "POST", "/api/scans", Some(&device.enrolled.token))?;
    let extras = Extras { proof: Some(proof), token: Some(&device.enrolled.token), cookie: None };
    let body = json!({"code": started.code, "via": "camera"}).to_string();
    let reply = connection
        .call(&Method::POST, "/api/scans", extras, body)
        .await?
        .expect(StatusCode::CREATED, "a scan")?;
    device.prover.take_nonce(reply.nonce());
    let scanned: ScannedBody = reply.json()?;
    let context = from_base64url(&scanned.context).context("a context is base64url")?;
    Ok(Statement {
        device: device.enrolled.device_id,
        origin: Origin::parse(connection.origin())?,
        account: device.enrolled.account.id,
        ticket: scanned.ticket,
        context_hash: context::hash(&context),
        decision: Decision::Approve,
        check: check(started, connection).await?,
        user_verified: false,
    })
}

async fn check(started: &Started, connection: &mut Connection) -> Result<Option<CheckNumber>> {
    let path = format!("/api/login-requests/{}", started.id);
    let extras = Extras { cookie: Some(&started.cookie), ..Extras::default() };
    let reply = connection
        .call(&Method::GET, &path, extras, String::new())
        .await?
        .expect(StatusCode::OK, "a look")?;
    Ok(reply.json::<RequestBody>()?.check)
}

pub(crate) fn sign(device: &Device, statement: &Statement) -> Result<String> {
    let jws = statement.sign(Timestamp(0), &device.prover.key, &device.prover.random)?;
    Ok(json!({"statement": jws}).to_string())
}

pub(crate) async fn decide(body: String, connection: &mut Connection) -> Result<()> {
    let reply = connection.call(&Method::POST, "/api/decisions", Extras::default(), body).await?;
    reply.expect(StatusCode::NO_CONTENT, "a decision").map(drop)
}

pub(crate) async fn redeem(page: &mut Prover, started: &Started, connection: &mut Connection) -> Result<()> {
    let path = format!("/api/login-requests/{}/session", started.id);
    let proof = page.proof(connection.origin(), "POST", &path, None)?;
    let extras = Extras { proof: Some(proof), cookie: Some(&started.cookie), token: None };
    let reply = connection.call(&Method::POST, &path, extras, "{}".to_owned()).await?;
    let reply = reply.expect(StatusCode::CREATED, "a redeem")?;
    page.take_nonce(reply.nonce());
    Ok(())
}
