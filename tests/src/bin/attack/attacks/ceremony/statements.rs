//! The signed decision: each field changed, replayed, sent elsewhere.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Jws, Key, Page, Scan, base64url, random_bytes, send_statement};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["statements", OneAccount;
        issuer_changed,
        audience_changed,
        subject_changed,
        ticket_changed,
        context_changed,
        decision_invented,
        each_claim_missing,
        each_claim_of_another_type,
        type_changed,
        algorithm_none,
        hmac_with_the_device_key,
        own_key_in_the_header,
        critical_member,
        signature_broken,
        more_and_fewer_parts,
        claim_changed_after_signing,
        proof_as_statement,
        statement_as_proof,
        deny_turned_into_approve,
        replay_changes_nothing,
        sent_for_another_request,
        ticket_of_another_scan,
        ticket_alone_is_worth_nothing,
        prepared_before_the_scan,
    ];
    all.extend(attacks!["statements", OwnServer; sent_to_another_server]);
    all
}

/// A scanned request and the number that the page shows.
pub(super) struct Scanned {
    /// The page.
    pub(super) page: Page,
    /// The device that scanned it.
    pub(super) device: Device,
    /// What the scan told the device.
    pub(super) scan: Scan,
    /// The number on the page.
    pub(super) check: String,
}

impl Scanned {
    /// Starts, enrols and scans.
    ///
    /// # Errors
    /// When the server refuses.
    pub(super) async fn ready(ground: &Ground) -> Result<Self> {
        let (page, device, scan) = ground.scanned().await?;
        let check = page.check().await?;
        Ok(Self { page, device, scan, check })
    }

    /// The statement as it should be.
    ///
    /// # Errors
    /// When the context is not base64url.
    pub(super) fn approval(&self) -> Result<Jws> {
        self.device.statement(&self.scan, "approve", Some(&self.check))
    }

    /// Sends it; refused as not verifying, and the request waits for its decision still.
    async fn refused(&self, statement: &str) -> Result<()> {
        let answer = send_statement(&self.page.http, statement).await?;
        ensure!([400, 404].contains(&answer.status), "{answer}; 404 was due");
        ensure!(
            self.page.stage().await? == "scanned",
            "the request is {} after {answer}",
            self.page.stage().await?
        );
        Ok(())
    }

    /// The straight statement still passes, with all its tries.
    async fn passes(&self) -> Held {
        let statement = self.approval()?.sign(&self.device.key);
        let answer = send_statement(&self.page.http, &statement).await?;
        answer.is(204).context("the straight statement afterwards")?;
        Ok("404, nothing changes; the straight statement passes".to_owned())
    }
}

async fn bent(ground: Ground, bends: Vec<Box<dyn Fn(Jws) -> Jws>>) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    for bend in &bends {
        scanned.refused(&bend(scanned.approval()?).sign(&scanned.device.key)).await?;
    }
    scanned.passes().await
}

fn claims(name: &'static str, values: Vec<Value>) -> Vec<Box<dyn Fn(Jws) -> Jws>> {
    let bend =
        |value: Value| -> Box<dyn Fn(Jws) -> Jws> { Box::new(move |jws| jws.claim(name, value.clone())) };
    values.into_iter().map(bend).collect()
}

async fn issuer_changed(ground: Ground) -> Held {
    let other = ground.device().await?;
    bent(ground, claims("iss", vec![json!(other.id), json!("x"), json!("")])).await
}

async fn audience_changed(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    let list = vec![
        json!("https://evil.example"),
        json!(format!("{origin}/")),
        json!(origin.to_uppercase()),
        json!([origin, "https://evil.example"]),
        json!([origin]),
        json!(format!("{origin}.evil.example")),
    ];
    bent(ground, claims("aud", list)).await
}

async fn subject_changed(ground: Ground) -> Held {
    bent(ground, claims("sub", vec![json!("x"), json!(base64url(&random_bytes(16))), json!("")])).await
}

async fn ticket_changed(ground: Ground) -> Held {
    bent(ground, claims("jti", vec![json!("x"), json!(base64url(&random_bytes(16))), json!("")])).await
}

/// Guard: what was signed is what was shown.
async fn context_changed(ground: Ground) -> Held {
    bent(ground, claims("ctx", vec![json!(base64url(&random_bytes(32))), json!(""), json!("A")])).await
}

async fn decision_invented(ground: Ground) -> Held {
    let list = vec![
        json!("Approve"),
        json!("APPROVE"),
        json!("yes"),
        json!(""),
        json!(" approve"),
        json!(["approve"]),
    ];
    bent(ground, claims("decision", list)).await
}

async fn each_claim_missing(ground: Ground) -> Held {
    let names = ["iss", "aud", "sub", "jti", "ctx", "decision"];
    let bend = |name: &'static str| -> Box<dyn Fn(Jws) -> Jws> { Box::new(move |jws| jws.without(name)) };
    bent(ground, names.into_iter().map(bend).collect()).await
}

async fn each_claim_of_another_type(ground: Ground) -> Held {
    let mut bends = Vec::new();
    for name in ["iss", "aud", "sub", "jti", "ctx", "decision"] {
        bends.extend(claims(name, vec![json!(1), json!(null), json!({}), json!(true)]));
    }
    bent(ground, bends).await
}

fn header(name: &'static str, value: Value) -> Box<dyn Fn(Jws) -> Jws> {
    Box::new(move |jws| jws.head(name, value.clone()))
}

async fn type_changed(ground: Ground) -> Held {
    bent(
        ground,
        vec![
            header("typ", json!("JWT")),
            header("typ", json!("dpop+jwt")),
            header("typ", json!(null)),
            Box::new(|jws| jws.without_head("typ")),
        ],
    )
    .await
}

async fn algorithm_none(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    for spelling in ["none", "None", "NONE", ""] {
        let statement = scanned.approval()?.head("alg", spelling);
        scanned.refused(&statement.sealed(|_| Vec::new())).await?;
        scanned.refused(&statement.sign(&scanned.device.key)).await?;
    }
    scanned.passes().await
}

async fn hmac_with_the_device_key(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let statement = scanned.approval()?.head("alg", "HS256");
    scanned.refused(&statement.sign_hmac(scanned.device.key.point())).await?;
    scanned.refused(&statement.sign_hmac(scanned.device.key.jwk().to_string().as_bytes())).await?;
    scanned.passes().await
}

/// Guard: the key is the one that the device enrolled, never one that came along.
async fn own_key_in_the_header(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let thief = Key::fresh();
    for statement in [
        scanned.approval()?.head("jwk", thief.jwk()),
        scanned.approval()?.head("kid", thief.thumbprint()),
        scanned.approval()?.head("jku", "http://127.0.0.1:1/keys"),
        scanned.approval()?.claim("cnf", json!({"jwk": thief.jwk()})),
    ] {
        scanned.refused(&statement.sign(&thief)).await?;
    }
    scanned.passes().await
}

async fn critical_member(ground: Ground) -> Held {
    bent(ground, vec![header("crit", json!(["exp"])), header("crit", json!([])), header("crit", json!("x"))])
        .await
}

async fn signature_broken(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let statement = scanned.approval()?;
    scanned.refused(&statement.sealed(|_| vec![0; 64])).await?;
    scanned.refused(&statement.sealed(|_| random_bytes(64))).await?;
    scanned.refused(&statement.sealed(|input| scanned.device.key.sign(input)[..63].to_vec())).await?;
    scanned.refused(&statement.sign(&Key::fresh())).await?;
    scanned.refused(&statement.sign(&scanned.page.key)).await?;
    scanned.passes().await
}

async fn more_and_fewer_parts(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let good = scanned.approval()?.sign(&scanned.device.key);
    for bad in
        [format!("{good}.x"), format!(".{good}"), format!("{good}="), good.replace('.', ""), String::new()]
    {
        scanned.refused(&bad).await?;
    }
    scanned.passes().await
}

async fn claim_changed_after_signing(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let signed = scanned.device.statement(&scanned.scan, "deny", None)?.sign(&scanned.device.key);
    let wanted = scanned.approval()?.sign(&scanned.device.key);
    let (_, signature) = signed.rsplit_once('.').context("no signature")?;
    let (input, _) = wanted.rsplit_once('.').context("no signature")?;
    scanned.refused(&format!("{input}.{signature}")).await?;
    scanned.passes().await
}

async fn proof_as_statement(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let proof = ground.http().proof(&scanned.device.key, "POST", "/api/decisions").await?;
    let proof = proof.claim("iss", scanned.device.id.clone()).claim("decision", "approve");
    let proof = proof.claim("jti", scanned.scan.ticket.clone()).claim("check", scanned.check.clone());
    scanned.refused(&proof.sign(&scanned.device.key)).await?;
    scanned.passes().await
}

async fn statement_as_proof(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let key = &scanned.device.key;
    let statement = scanned.approval()?.head("jwk", key.jwk()).claim("htm", "GET");
    let statement = statement.claim("htu", ground.http().url("/api/devices")).token(&scanned.device.token);
    let statement = statement.claim("nonce", ground.http().nonce().await?).sign(key);
    let call = ground.http().call("GET", "/api/devices").header("dpop", statement);
    let call = call.header("authorization", format!("DPoP {}", scanned.device.token));
    call.send().await?.refuses(401, "invalid_proof")?;
    Ok("401 invalid_proof".to_owned())
}

async fn deny_turned_into_approve(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    scanned.device.decide(&scanned.scan, "deny", None).await?.is(204)?;
    scanned
        .device
        .decide(&scanned.scan, "approve", Some(&scanned.check))
        .await?
        .refuses(409, "already_decided")?;
    ensure!(scanned.page.stage().await? == "denied user", "{}", scanned.page.stage().await?);
    scanned.page.redeem().await?.is(410)?;
    Ok("409 already_decided; the page gets nothing".to_owned())
}

/// Whoever holds the statement may post it; a replay is harmless, for ever.
async fn replay_changes_nothing(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let statement = scanned.approval()?.sign(&scanned.device.key);
    send_statement(ground.http(), &statement).await?.is(204)?;
    scanned.page.redeem().await?.is(201)?;
    scanned.device.delete("/api/sessions").await?.is(204)?;
    let replayed = send_statement(&ground.elsewhere()?.http().clone(), &statement).await?;
    let seen = replayed.kind();
    replayed.one_of(&[204, 404, 409, 410])?;
    scanned.page.redeem().await?.is(410)?;
    let sessions = scanned.device.get("/api/sessions").await?.json()?;
    let request = scanned.page.id.as_str();
    let lives =
        sessions["sessions"].as_array().is_some_and(|all| all.iter().any(|one| one["request"] == request));
    ensure!(!lives, "the replay brought a session back");
    Ok(format!("{seen}; the ended session stays ended"))
}

async fn sent_for_another_request(ground: Ground) -> Held {
    let one = Scanned::ready(&ground).await?;
    let page = ground.page().await?;
    let scan = one.device.take(&page).await?;
    // The context of one request under the ticket of the other.
    let mixed = Scan { ticket: scan.ticket.clone(), ..one.scan.clone() };
    let statement = one.device.statement(&mixed, "approve", Some(&page.check().await?))?;
    let answer = send_statement(ground.http(), &statement.sign(&one.device.key)).await?;
    answer.is(404)?;
    ensure!(page.stage().await? == "scanned", "{}", page.stage().await?);
    one.passes().await
}

async fn ticket_of_another_scan(ground: Ground) -> Held {
    let (one, two) = (Scanned::ready(&ground).await?, Scanned::ready(&ground).await?);
    let mixed = Scan { ticket: two.scan.ticket.clone(), ..one.scan.clone() };
    for check in [&one.check, &two.check] {
        let statement = one.device.statement(&mixed, "approve", Some(check))?;
        one.refused(&statement.sign(&one.device.key)).await?;
    }
    ensure!(two.page.stage().await? == "scanned", "{}", two.page.stage().await?);
    one.passes().await
}

async fn ticket_alone_is_worth_nothing(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let ticket = &scanned.scan.ticket;
    ground.http().get(&format!("/api/login-requests/{ticket}")).await?.is(404)?;
    ground.http().call("GET", "/api/devices").token(&Key::fresh(), ticket).await?.send().await?.is(401)?;
    for statement in [ticket.clone(), format!("{ticket}.{ticket}.{ticket}")] {
        scanned.refused(&statement).await?;
    }
    scanned.passes().await
}

/// A statement signed for one scan cannot be kept for the next request of the same page.
async fn prepared_before_the_scan(ground: Ground) -> Held {
    let old = Scanned::ready(&ground).await?;
    let kept = old.approval()?.sign(&old.device.key);
    old.page.cancel().await?.is(204)?;
    let next = Page::start_with(ground.http(), &old.page.key, &old.page.jar, &json!({}), &[]).await?;
    old.device.take(&next).await?;
    send_statement(ground.http(), &kept).await?.one_of(&[404, 410])?;
    ensure!(next.stage().await? == "scanned", "{}", next.stage().await?);
    Ok("it stays with its own request".to_owned())
}

async fn sent_to_another_server(ground: Ground) -> Held {
    let other = Ground::with(&[]).await?;
    let (here, there) = (Scanned::ready(&ground).await?, Scanned::ready(&other).await?);
    let statement = here.approval()?.sign(&here.device.key);
    there.refused(&statement).await?;
    // The same device enrolled at both would still name the other server.
    let for_here = there.approval()?.claim("aud", ground.http().origin());
    there.refused(&for_here.sign(&there.device.key)).await?;
    there.passes().await
}
