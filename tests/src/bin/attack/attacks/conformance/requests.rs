//! A login request from its start to its end.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Jar, Key, Page};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["conformance", OneAccount;
        start_answers_the_whole_state,
        frame_is_a_one_bit_picture_of_the_url,
        start_wants_a_proof,
        return_to_stays_at_home,
        state_wants_the_cookie,
        scanned_page_shows_its_number,
        redeem_answers_as_the_text_says,
        redeem_before_the_approval_is_409,
        redeem_again_is_the_same_201,
        cancel_is_204_and_final,
        denied_and_reported_have_their_reasons,
        third_wrong_number_ends_it,
        final_states_refuse_every_step,
    ]
}

async fn start_answers_the_whole_state(ground: Ground) -> Held {
    let page = ground.page().await?;
    let state = page.started.json()?;
    for member in ["id", "state", "reason", "frame", "user_code", "check", "expires_at", "now"] {
        ensure!(state.get(member).is_some(), "no {member} in {state}");
    }
    ensure!(state["state"] == "waiting" && state["reason"].is_null(), "{state}");
    ensure!(state["user_code"].is_null() && state["check"].is_null(), "{state}");
    let now = state["now"].as_i64().context("now is no whole number")?;
    ensure!(
        state["expires_at"].as_i64() == Some(now + 300),
        "expires_at is {} at {now}",
        state["expires_at"]
    );
    let issued = state["frame"]["issued_at"].as_i64().context("issued_at is no whole number")?;
    ensure!(issued <= now && now - issued < 15, "the first frame is from {issued} at {now}");
    ensure!(
        state["frame"]["expires_at"].as_i64() == Some(issued + 60),
        "a frame is good 60 s: {}",
        state["frame"]
    );
    ensure!(page.started.header("cache-control").contains("no-store"), "the start may be cached");
    let polled = page.poll().await?.is(200)?;
    ensure!(polled.header("cache-control").contains("no-store"), "the state may be cached");
    ensure!(polled.json()?["id"] == state["id"], "polling gives another id");
    Ok("201 with state, frame, times; no-store".to_owned())
}

async fn frame_is_a_one_bit_picture_of_the_url(ground: Ground) -> Held {
    let state = ground.page().await?.state().await?;
    let url = state["frame"]["url"].as_str().context("no url")?;
    let prefix = format!("{}/Q/", ground.http().origin().to_uppercase());
    let code = url.strip_prefix(&prefix).with_context(|| format!("{url} does not begin with {prefix}"))?;
    ensure!(code.len() == 40, "the code has {} characters", code.len());
    ensure!(code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')), "{code} is not base32");
    let png = state["frame"]["png"].as_str().context("no png")?;
    let png = png.strip_prefix("data:image/png;base64,").context("no PNG data URI")?;
    let png = data_encoding::BASE64.decode(png.as_bytes()).context("the PNG is not base64")?;
    // IHDR: width and height (4 bytes each), bit depth, colour type.
    ensure!(png.len() > 33 && png[24] == 1, "bit depth {}", png[24]);
    ensure!(png.len() < 700, "the PNG has {} bytes", png.len());
    Ok(format!("{} bytes of PNG", png.len()))
}

async fn start_wants_a_proof(ground: Ground) -> Held {
    let http = ground.http();
    let start = Page::starting(http, &Jar::default()).json(&json!({}));
    let answer = start.clone().send().await?.is(401)?;
    ensure!(!answer.header("dpop-nonce").is_empty(), "{answer}: no nonce for the next try");
    let key = Key::fresh();
    let proof = http.proof(&key, "POST", "/api/login-requests").await?.without("nonce");
    let answer = start.header("dpop", proof.sign(&key)).send().await?.refuses(401, "use_dpop_nonce")?;
    ensure!(!answer.header("dpop-nonce").is_empty(), "{answer}: no nonce for the next try");
    ensure!(
        answer.header("www-authenticate").starts_with("DPoP error=\"use_dpop_nonce\""),
        "WWW-Authenticate: {}",
        answer.header("www-authenticate")
    );
    Ok("401, a nonce in the answer".to_owned())
}

async fn return_to_stays_at_home(ground: Ground) -> Held {
    let http = ground.http();
    let origin = http.origin().to_owned();
    let (key, jar) = (Key::fresh(), Jar::default());
    for good in ["/", "/settings?a=b#c", "/a//b", &format!("{origin}/x"), "?x=1", "a/b"] {
        let body = json!({"return_to": good});
        Page::start_with(http, &key, &jar, &body, &[]).await.with_context(|| format!("for {good}"))?;
    }
    let bad = [
        "//evil.example",
        "https://evil.example/",
        "http://evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\b",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\rb",
        "/a\u{0}b",
        "///evil.example",
        "////evil.example",
        "https:evil.example",
        " //evil.example",
        "blob:x",
        "file:///etc/passwd",
        &format!("{origin}@evil.example/"),
        &format!("{origin}.evil.example/"),
        "/a\u{7f}b",
        "ftp://127.0.0.1/",
        "/\u{85}x",
    ];
    for text in bad {
        let start = Page::starting(http, &jar).json(&json!({"return_to": text})).proof(&key).await?;
        let answer = start.send().await?.refuses(400, "malformed");
        answer.with_context(|| format!("for {text:?}"))?;
    }
    Ok(format!("{} addresses away from here are 400", bad.len()))
}

async fn state_wants_the_cookie(ground: Ground) -> Held {
    let page = ground.page().await?;
    let foreign = ground.page().await?;
    let without = ground.http().get(&page.path("")).await?.is(404)?;
    let cookie =
        format!("{}={}", page.secret_name(), foreign.jar.get(&foreign.secret_name()).unwrap_or_default());
    let wrong = ground.http().call("GET", &page.path("")).header("cookie", cookie).send().await?.is(404)?;
    let unknown = ground.http().get("/api/login-requests/AAAAAAAAAAAAAAAAAAAAAA").await?.is(404)?;
    ensure!(without.kind() == wrong.kind() && wrong.kind() == unknown.kind(), "foreign and unknown differ");
    Ok("no, wrong and unknown: the same 404".to_owned())
}

async fn scanned_page_shows_its_number(ground: Ground) -> Held {
    let (page, _, scan) = ground.scanned().await?;
    let state = page.state().await?;
    ensure!(state["state"] == "scanned" && state["frame"].is_null(), "{state}");
    let check = state["check"].as_str().context("check is no string")?;
    let number: u8 = check.parse().context("check is no number")?;
    ensure!(check.len() == 2 && (10..=99).contains(&number), "check is {check}");
    let left = state["expires_at"].as_i64().unwrap_or(0) - state["now"].as_i64().unwrap_or(0);
    ensure!((1..=120).contains(&left), "a scanned request has 120 s: {state}");
    ensure!(scan.body["check"] == true, "the scan does not ask for the number: {}", scan.body);
    ensure!(!scan.body.to_string().contains(&format!("\"{check}\"")), "the scan tells the number");
    ensure!(scan.body["expires_at"] == state["expires_at"], "page and device are told different ends");
    Ok(format!("two digits on the page ({check}), none in the scan"))
}

async fn redeem_answers_as_the_text_says(ground: Ground) -> Held {
    let (key, jar) = (Key::fresh(), Jar::default());
    let page = Page::start_with(ground.http(), &key, &jar, &json!({"return_to": "/next?x=1"}), &[]).await?;
    let device = ground.device().await?;
    device.approve(&page).await?;
    let state = page.state().await?;
    ensure!(state["state"] == "approved", "{state}");
    let left = state["expires_at"].as_i64().unwrap_or(0) - state["now"].as_i64().unwrap_or(0);
    ensure!((1..=60).contains(&left), "an approved request has 60 s: {state}");
    let answer = page.redeem().await?.is(201)?;
    let body = answer.json()?;
    ensure!(body["account"]["username"].is_string() && body["account"]["display_name"].is_string(), "{body}");
    ensure!(body["return_to"] == "/next?x=1", "return_to is {}", body["return_to"]);
    let left = body["expires_at"].as_i64().unwrap_or(0) - body["now"].as_i64().unwrap_or(0);
    ensure!((1..=600).contains(&left), "the token has 600 s: {body}");
    ensure!(answer.header("cache-control").contains("no-store"), "the session may be cached");
    let token = answer.cookie("session")?.value;
    ensure!(!answer.text().contains(&token), "the token is in the JSON");
    ensure!(page.stage().await? == "redeemed", "the request is {}", page.stage().await?);
    Ok("account, return_to, 600 s; no token in JSON".to_owned())
}

async fn redeem_before_the_approval_is_409(ground: Ground) -> Held {
    let page = ground.page().await?;
    page.redeem().await?.refuses(409, "not_approved")?;
    let device = ground.device().await?;
    device.take(&page).await?;
    page.redeem().await?.refuses(409, "not_approved")?;
    Ok("waiting and scanned: 409 not_approved".to_owned())
}

async fn redeem_again_is_the_same_201(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let first = page.redeem().await?.is(201)?;
    let second = page.redeem().await?.is(201)?;
    let (one, two) = (first.cookie("session")?, second.cookie("session")?);
    ensure!(one.value == two.value, "the second 201 has another token");
    ensure!(first.cookie("sid")?.value == second.cookie("sid")?.value, "the second 201 has another session");
    let (mut one, mut two) = (first.json()?, second.json()?);
    one["now"] = Value::Null;
    two["now"] = Value::Null;
    ensure!(one == two, "bodies differ: {one} {two}");
    Ok("same token, same sid, same body".to_owned())
}

async fn cancel_is_204_and_final(ground: Ground) -> Held {
    for scanned in [false, true] {
        let page = ground.page().await?;
        if scanned {
            ground.device().await?.take(&page).await?;
        }
        page.cancel().await?.is(204)?;
        ensure!(page.stage().await? == "cancelled page", "it is {}", page.stage().await?);
    }
    Ok("cancelled, reason page".to_owned())
}

async fn denied_and_reported_have_their_reasons(ground: Ground) -> Held {
    for (decision, stage) in [("deny", "denied user"), ("report", "denied reported")] {
        let (page, device, scan) = ground.scanned().await?;
        device.decide(&scan, decision, None).await?.is(204)?;
        ensure!(page.stage().await? == stage, "{decision}: it is {}", page.stage().await?);
        page.redeem().await?.one_of(&[409, 410])?;
    }
    Ok("deny: user; report: reported".to_owned())
}

async fn third_wrong_number_ends_it(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let wrong = super::approving::another_number(&page.check().await?);
    for left in [2, 1] {
        let answer = device.decide(&scan, "approve", Some(&wrong)).await?.refuses(422, "wrong_check")?;
        ensure!(answer.json()?["tries_left"] == left, "{answer}: tries_left {left} was due");
        ensure!(page.stage().await? == "scanned", "it is {}", page.stage().await?);
    }
    device.decide(&scan, "approve", Some(&wrong)).await?.refuses(410, "ended")?;
    ensure!(page.stage().await? == "denied check", "it is {}", page.stage().await?);
    Ok("422, 422, 410; denied, reason check".to_owned())
}

async fn final_states_refuse_every_step(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let check = page.check().await?;
    page.cancel().await?.is(204)?;
    let state = page.state().await?;
    ensure!(state["frame"].is_null() && state["check"].is_null() && state["user_code"].is_null(), "{state}");
    device.decide(&scan, "approve", Some(&check)).await?.refuses(410, "ended")?;
    page.redeem().await?.refuses(410, "ended")?;
    page.type_instead().await?.one_of(&[409, 410])?;
    let page = ground.page().await?;
    let code = page.code().await?;
    page.cancel().await?.is(204)?;
    device.scan(&code).await?.refuses(410, "ended")?;
    Ok("scan, decision, redeem and typing are 410".to_owned())
}
