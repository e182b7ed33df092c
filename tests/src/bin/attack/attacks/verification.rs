//! Step up: the owner's policy asks for a verified person, and an approval has to say so (docs/protocol.md, "Additions").
//! What the app asks its person for is the app's own; a device that lies about it is beyond a server's sight.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::conformance::another_number;
use super::{Attack, Held, attacks};
use crate::client::{
    Device, Jar, Jws, Key, Page, Scan, base64url, from_base64url, random_bytes, send_statement,
};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["verification", OwnServer;
        approval_without_the_word,
        word_of_another_form,
        word_added_after_signing,
        word_for_another_login,
        word_of_another_device,
        demand_cut_out_of_the_context,
        number_is_not_told_to_whoever_was_not_verified,
        unverified_approvals_take_no_try,
        verified_guesses_are_the_last_after_three,
        every_way_asks_for_it,
        page_cannot_waive_it,
        scan_again_still_asks_for_it,
        nobody_is_verified_to_say_no,
        nothing_is_asked_for_by_default,
    ]
}

/// A scanned request on a server that asks for a verified person.
struct Asked {
    ground: Ground,
    page: Page,
    device: Device,
    scan: Scan,
    check: String,
}

async fn asking() -> Result<Ground> {
    Ground::standing(&[("POLICY_USER_VERIFICATION", "required")]).await
}

impl Asked {
    async fn ready() -> Result<Self> {
        let ground = asking().await?;
        let (page, device, scan) = ground.scanned().await?;
        let check = page.check().await?;
        ensure!(scan.read_context()?["user_verification"] == "required", "{}", scan.read_context()?);
        Ok(Self { ground, page, device, scan, check })
    }

    fn approval(&self) -> Result<Jws> {
        self.device.statement(&self.scan, "approve", Some(&self.check))
    }

    async fn send(&self, statement: &Jws) -> Result<crate::client::Answer> {
        send_statement(self.ground.http(), &statement.sign(&self.device.key)).await
    }

    /// The right statement still passes, with all its tries, and signs in.
    async fn passes(&self) -> Result<()> {
        ensure!(self.page.stage().await? == "scanned", "{}", self.page.stage().await?);
        let wrong = self.device.statement(&self.scan, "approve", Some(&another_number(&self.check)))?;
        let wrong = self.send(&wrong.claim("user_verified", true)).await?.refuses(422, "wrong_check")?;
        ensure!(wrong.json()?["tries_left"] == 2, "{wrong}");
        self.send(&self.approval()?.claim("user_verified", true)).await?.is(204)?;
        self.page.redeem().await?.is(201).map(drop)
    }
}

/// Guard: the policy is judged by the server and not left to the app.
async fn approval_without_the_word(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    asked.send(&asked.approval()?).await?.refuses(403, "user_verification_required")?;
    asked.page.redeem().await?.refuses(409, "not_approved")?;
    asked.passes().await?;
    Ok("403 user_verification_required, nothing lost".to_owned())
}

async fn word_of_another_form(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let forms = [
        json!(false),
        json!(null),
        json!(1),
        json!("true"),
        json!("required"),
        json!([true]),
        json!({"is": true}),
    ];
    for form in &forms {
        let answer = asked.send(&asked.approval()?.claim("user_verified", form.clone())).await?;
        ensure!([400, 403, 404].contains(&answer.status), "{form}: {answer}");
    }
    for name in ["User_Verified", "userVerified", "uv", "user_verification"] {
        let answer = asked.send(&asked.approval()?.claim(name, true)).await?;
        answer.refuses(403, "user_verification_required").with_context(|| name.to_owned())?;
    }
    asked.passes().await?;
    Ok(format!("{} forms and four other names: refused", forms.len()))
}

async fn word_added_after_signing(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let plain = asked.approval()?;
    let signature = plain.sign(&asked.device.key);
    let signature = signature.rsplit('.').next().unwrap_or_default().to_owned();
    let bytes = from_base64url(&signature)?;
    let forged = plain.claim("user_verified", true).sealed(|_| bytes);
    send_statement(asked.ground.http(), &forged).await?.refuses(404, "not_found")?;
    asked.passes().await?;
    Ok("404".to_owned())
}

/// A verified approval is for its own login: its ticket and its context.
async fn word_for_another_login(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let page = asked.ground.page().await?;
    let other = asked.device.take(&page).await?;
    let moved = asked.device.statement(&other, "approve", Some(&asked.check))?;
    let moved = moved.claim("user_verified", true).claim("jti", asked.scan.ticket.as_str());
    asked.send(&moved).await?.refuses(404, "not_found")?;
    asked.passes().await?;
    Ok("404".to_owned())
}

async fn word_of_another_device(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let other = asked.ground.second_device(&asked.device).await?;
    let statement = other.statement(&asked.scan, "approve", Some(&asked.check))?;
    let statement = statement.claim("user_verified", true).sign(&other.key);
    send_statement(asked.ground.http(), &statement).await?.refuses(404, "not_found")?;
    asked.passes().await?;
    Ok("404".to_owned())
}

/// Whoever sits between server and app cuts the demand out of what is shown: then something else is signed.
async fn demand_cut_out_of_the_context(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let mut context = asked.scan.read_context()?;
    context.as_object_mut().context("the context is no object")?.remove("user_verification");
    let cut = Scan { context: base64url(context.to_string().as_bytes()), ..asked.scan.clone() };
    for word in [false, true] {
        let statement = asked.device.statement(&cut, "approve", Some(&asked.check))?;
        asked.send(&statement.claim("user_verified", word)).await?.refuses(404, "not_found")?;
    }
    asked.passes().await?;
    Ok("404".to_owned())
}

/// Guard: judged before the number, or a device in foreign hands would learn it without the PIN.
async fn number_is_not_told_to_whoever_was_not_verified(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let right = asked.send(&asked.approval()?).await?;
    let wrong = asked.device.statement(&asked.scan, "approve", Some(&another_number(&asked.check)))?;
    let wrong = asked.send(&wrong).await?;
    ensure!(right.text() == wrong.text() && right.status == wrong.status, "{right} and {wrong} differ");
    asked.passes().await?;
    Ok(format!("right and wrong number: {}", right.kind()))
}

async fn unverified_approvals_take_no_try(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let statement = asked.approval()?;
    let all = (0..50).map(|_| asked.send(&statement));
    for answer in futures_util::future::join_all(all).await {
        answer?.refuses(403, "user_verification_required")?;
    }
    asked.passes().await?;
    Ok("50 at once: 403, all three tries are left".to_owned())
}

async fn verified_guesses_are_the_last_after_three(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let wrong = asked.device.statement(&asked.scan, "approve", Some(&another_number(&asked.check)))?;
    let wrong = wrong.claim("user_verified", true);
    let mut seen = Vec::new();
    for _ in 0..3 {
        asked.send(&asked.approval()?).await?.refuses(403, "user_verification_required")?;
        seen.push(asked.send(&wrong).await?.status);
    }
    ensure!(seen == [422, 422, 410], "{seen:?}");
    ensure!(asked.page.stage().await? == "denied check", "{}", asked.page.stage().await?);
    asked.send(&asked.approval()?.claim("user_verified", true)).await?.one_of(&[409, 410])?;
    Ok("422, 422, 410, whatever came in between".to_owned())
}

async fn every_way_asks_for_it(_: Ground) -> Held {
    let ground = asking().await?;
    let device = ground.device().await?;
    for via in ["camera", "screen", "image", "link", "typed"] {
        let page = ground.page().await?;
        let body = if via == "typed" {
            let code = page.type_instead().await?.is(200)?.json()?["user_code"].clone();
            json!({"user_code": code, "via": via})
        } else {
            json!({"code": page.code().await?, "via": via})
        };
        let scan = Scan::read(device.scan_via(&body).await?)?;
        ensure!(scan.read_context()?["user_verification"] == "required", "{via}: {}", scan.read_context()?);
        let check = page.check().await?;
        let answer = device.decide(&scan, "approve", Some(&check)).await?;
        answer.refuses(403, "user_verification_required").with_context(|| via.to_owned())?;
    }
    Ok("five ways: 403".to_owned())
}

/// The page is the attacker's own: nothing that it says changes what is asked of the person.
async fn page_cannot_waive_it(_: Ground) -> Held {
    let ground = asking().await?;
    let wishes = json!({"user_verification": "discouraged", "policy": {"user_verification": "discouraged"},
        "verification": false, "user_verified": true});
    let page = Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &wishes, &[]).await?;
    let device = ground.device().await?;
    let body = json!({"code": page.code().await?, "via": "camera", "user_verification": "discouraged",
        "user_verified": true});
    let scan = Scan::read(device.scan_via(&body).await?)?;
    ensure!(scan.read_context()?["user_verification"] == "required", "{}", scan.read_context()?);
    let check = page.check().await?;
    let statement = device.statement(&scan, "approve", Some(&check))?.sign(&device.key);
    let call = ground.http().call("POST", "/api/decisions");
    let beside = call.json(&json!({"statement": statement, "user_verified": true})).send().await?;
    beside.refuses(403, "user_verification_required")?;
    Ok("ignored in start, scan and beside the statement".to_owned())
}

async fn scan_again_still_asks_for_it(_: Ground) -> Held {
    let asked = Asked::ready().await?;
    let page = asked.ground.page().await?;
    let code = page.code().await?;
    let first = Scan::read(asked.device.scan(&code).await?)?;
    let again = Scan::read(asked.device.scan(&code).await?)?;
    ensure!(first.context == again.context, "{} and {}", first.body, again.body);
    let check = page.check().await?;
    let answer = asked.device.decide(&again, "approve", Some(&check)).await?;
    answer.refuses(403, "user_verification_required")?;
    Ok("the same context, 403".to_owned())
}

/// A person who has forgotten the PIN must be able to say no.
async fn nobody_is_verified_to_say_no(_: Ground) -> Held {
    let ground = asking().await?;
    for (decision, stage) in [("deny", "denied user"), ("report", "denied reported")] {
        let (page, device, scan) = ground.scanned().await?;
        device.decide(&scan, decision, None).await?.is(204)?;
        ensure!(page.stage().await? == stage, "{}", page.stage().await?);
    }
    Ok("deny and report: 204".to_owned())
}

async fn nothing_is_asked_for_by_default(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let context = scan.read_context()?;
    ensure!(context.get("user_verification").is_none_or(Value::is_null), "{context}");
    let check = page.check().await?;
    // The word is no password either: with a wrong number and a foreign key it gives nothing.
    let boast =
        device.statement(&scan, "approve", Some(&another_number(&check)))?.claim("user_verified", true);
    send_statement(ground.http(), &boast.sign(&device.key)).await?.refuses(422, "wrong_check")?;
    send_statement(ground.http(), &boast.sealed(|_| random_bytes(64))).await?.refuses(404, "not_found")?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    Ok("no demand in the context; the word alone gives nothing".to_owned())
}
