//! Another browser or another device at somebody's login request.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Jar, Key, Page, Socket, base64url, random_bytes, send_statement};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["ceremony", OneAccount;
        watch_from_another_browser,
        redeem_from_another_browser,
        redeem_with_the_cookie_but_another_key,
        redeem_with_the_key_but_without_the_cookie,
        page_key_swapped_between_start_and_redeem,
        redeem_with_the_cookie_of_another_request,
        cancel_from_another_browser,
        other_secrets_under_the_name_of_its_cookie,
        typed_code_from_another_browser,
        ids_chosen_by_the_client,
        secret_planted_before_the_start,
        ids_and_secrets_are_independent,
        ids_are_not_predictable,
        page_secret_is_no_session,
        redeem_after_sign_out,
        statement_of_another_device_of_the_account,
    ];
    all.extend(attacks!["ceremony", OwnServer;
        nothing_personal_before_the_approval,
        approver_of_another_account,
        scanner_of_another_account_names_the_victim,
        only_the_approving_account_is_signed_in,
        browser_is_known_to_its_own_account_alone,
    ]);
    all
}

/// Guard: the page secret; foreign and unknown requests look the same.
async fn watch_from_another_browser(ground: Ground) -> Held {
    let (page, thief) = (ground.page().await?, ground.page().await?);
    let unknown = ground.http().get("/api/login-requests/AAAAAAAAAAAAAAAAAAAAAA").await?;
    let stolen = Page { jar: thief.jar.clone(), ..page.clone() };
    let foreign = stolen.poll().await?.is(404)?;
    ensure!(
        foreign.kind() == unknown.kind(),
        "{foreign} for a foreign request, {unknown} for an unknown one"
    );
    match Socket::upgrade(Socket::opening(&stolen)).await? {
        Ok(_) => anyhow::bail!("the socket of a foreign request opened"),
        Err(answer) => answer.is(404)?,
    };
    Ok("poll and socket: 404, as for unknown ones".to_owned())
}

async fn redeem_from_another_browser(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let thief = ground.page().await?;
    let stolen = Page { jar: thief.jar.clone(), key: thief.key.clone(), ..page.clone() };
    let answer = stolen.redeem().await?.is(404)?;
    ensure!(answer.cookies().is_empty(), "{answer} sets cookies");
    let bare = ground.http().call("POST", &page.path("/session")).header("origin", page.http.origin());
    bare.json(&json!({})).proof(&thief.key).await?.send().await?.is(404)?;
    page.redeem().await?.is(201)?;
    Ok("404; the right page still redeems".to_owned())
}

/// Guard: the request is bound to the thumbprint that started it.
async fn redeem_with_the_cookie_but_another_key(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let stolen = Page { key: Key::fresh(), ..page.clone() };
    stolen.redeem().await?.refuses(401, "invalid_proof")?;
    page.redeem().await?.is(201)?;
    Ok("401 invalid_proof; the right page still redeems".to_owned())
}

async fn redeem_with_the_key_but_without_the_cookie(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let bare = Page { jar: Jar::default(), ..page.clone() };
    bare.redeem().await?.is(404)?;
    let mut guessed = Page { jar: Jar::default(), ..page.clone() };
    guessed.jar.put(&page.secret_name(), &base64url(&random_bytes(32)));
    guessed.redeem().await?.is(404)?;
    guessed.jar.put(&page.secret_name(), "");
    guessed.redeem().await?.is(404)?;
    page.redeem().await?.is(201)?;
    Ok("404; the right page still redeems".to_owned())
}

async fn page_key_swapped_between_start_and_redeem(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let other = Key::fresh();
    // The old key in the header, the new one signs; then the other way round.
    let proof = ground.http().proof(&page.key, "POST", &page.path("/session")).await?;
    page.redeeming().header("dpop", proof.sign(&other)).send().await?.refuses(401, "invalid_proof")?;
    let proof = ground.http().proof(&other, "POST", &page.path("/session")).await?;
    page.redeeming().header("dpop", proof.sign(&page.key)).send().await?.refuses(401, "invalid_proof")?;
    // The thumbprint as a claim or a body member, for a server that would believe it.
    let proof = ground.http().proof(&other, "POST", &page.path("/session")).await?;
    let proof = proof.claim("jkt", page.key.thumbprint()).claim("cnf", json!({"jkt": page.key.thumbprint()}));
    let body = json!({"page_key": other.thumbprint(), "jwk": other.jwk()});
    let call = page.call("POST", &page.path("/session")).json(&body).header("dpop", proof.sign(&other));
    call.send().await?.refuses(401, "invalid_proof")?;
    page.redeem().await?.is(201)?;
    Ok("three ways: 401 invalid_proof".to_owned())
}

async fn redeem_with_the_cookie_of_another_request(ground: Ground) -> Held {
    let (victim, _, _) = ground.approved().await?;
    let own = Page::start_with(ground.http(), &victim.key, &Jar::default(), &json!({}), &[]).await?;
    // Same browser key, own secret under the victim's cookie name, and under both.
    let secret = own.jar.get(&own.secret_name()).context("no page secret")?.to_owned();
    let mut forged = victim.clone();
    forged.jar.put(&victim.secret_name(), &secret);
    forged.redeem().await?.is(404)?;
    Ok("404".to_owned())
}

async fn cancel_from_another_browser(ground: Ground) -> Held {
    let (page, thief) = (ground.page().await?, ground.page().await?);
    Page { jar: thief.jar.clone(), ..page.clone() }.cancel().await?.is(404)?;
    Page { jar: Jar::default(), ..page.clone() }.cancel().await?.is(404)?;
    ensure!(page.stage().await? == "waiting", "a stranger ended the request: {}", page.stage().await?);
    Ok("404, the request waits on".to_owned())
}

/// The name of the cookie says which request it is for; only its value says that the browser may.
async fn other_secrets_under_the_name_of_its_cookie(ground: Ground) -> Held {
    let (page, thief) = (ground.page().await?, ground.page().await?);
    let own = thief.jar.get(&thief.secret_name()).context("no page secret")?.to_owned();
    for (what, value) in [("another request's", own), ("a guessed", base64url(&random_bytes(32)))] {
        let mut forged = Page { jar: Jar::default(), ..page.clone() };
        forged.jar.put(&page.secret_name(), &value);
        forged.poll().await?.is(404).with_context(|| format!("{what} secret"))?;
        forged.type_instead().await?.is(404).with_context(|| format!("{what} secret"))?;
        forged.cancel().await?.is(404).with_context(|| format!("{what} secret"))?;
        forged.redeem().await?.is(404).with_context(|| format!("{what} secret"))?;
        match Socket::upgrade(Socket::opening(&forged)).await? {
            Ok(_) => anyhow::bail!("the socket opened with {what} secret"),
            Err(answer) => answer.is(404)?,
        };
    }
    ensure!(page.state().await?["frame"].is_object(), "a stranger took the picture away");
    Ok("another request's and a guessed secret: 404 at five endpoints".to_owned())
}

async fn typed_code_from_another_browser(ground: Ground) -> Held {
    let (page, thief) = (ground.page().await?, ground.page().await?);
    Page { jar: thief.jar.clone(), ..page.clone() }.type_instead().await?.is(404)?;
    ensure!(page.state().await?["frame"].is_object(), "a stranger took the picture away");
    Ok("404, the picture stays".to_owned())
}

/// Flaw of the 2025 study: an id that the client chooses.
async fn ids_chosen_by_the_client(ground: Ground) -> Held {
    let chosen = base64url(&random_bytes(16));
    let body = json!({"id": chosen, "request": chosen, "handle": chosen, "ticket": chosen, "secret": chosen,
        "check": "11", "user_code": "BCDF-GHJK", "state": "approved", "account": "user-0"});
    let headers = [("x-request-id", chosen.as_str()), ("idempotency-key", chosen.as_str())];
    let page = Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &body, &headers).await?;
    let text = page.started.text();
    ensure!(
        !text.contains(&chosen) && !page.started.cookies().iter().any(|cookie| cookie.value == chosen),
        "{text}"
    );
    ensure!(page.stage().await? == "waiting", "{text}");
    for rest in ["", "/session", "/user-code"] {
        ground
            .http()
            .call("POST", &format!("/api/login-requests/{chosen}{rest}"))
            .send()
            .await?
            .one_of(&[403, 404, 401, 405])?;
    }
    Ok("ignored in body and headers".to_owned())
}

/// Flaw: an attacker plants the secret of a request that he knows.
async fn secret_planted_before_the_start(ground: Ground) -> Held {
    let planted = base64url(&random_bytes(32));
    let mut jar = Jar::default();
    jar.put(&ground.http().cookie_name("request"), &planted);
    jar.put(&ground.http().cookie_name("session"), &planted);
    jar.put(&ground.http().cookie_name("sid"), &planted);
    let page = Page::start_with(ground.http(), &Key::fresh(), &jar, &json!({}), &[]).await?;
    let secret = page.jar.get(&page.secret_name()).context("no page secret")?.to_owned();
    ensure!(secret != planted, "the server took the planted secret");
    let device = ground.device().await?;
    device.approve(&page).await?;
    let answer = page.redeem().await?.is(201)?;
    for cookie in answer.cookies() {
        ensure!(cookie.value != planted, "the server took the planted {}", cookie.name);
    }
    Ok("all secrets are the server's own".to_owned())
}

async fn ids_and_secrets_are_independent(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let other = ground.page().await?;
    let code = data_encoding::BASE32_NOPAD.decode(other.code().await?.as_bytes())?;
    let handle = base64url(&code[..16]);
    let secret = page.jar.get(&page.secret_name()).context("no page secret")?;
    let names = [page.id.as_str(), &scan.ticket, secret, &device.id, &device.token, &other.id, &handle];
    for (at, one) in names.iter().enumerate() {
        for other in &names[at + 1..] {
            ensure!(
                !one.contains(&other[..8]) && !other.contains(&one[..8]),
                "{one} and {other} are related"
            );
        }
    }
    Ok("id, handle, ticket, secret, device and token share no part".to_owned())
}

/// No counter, clock or common part in 60 ids, handles and secrets in a row.
async fn ids_are_not_predictable(ground: Ground) -> Held {
    let mut kinds: [Vec<Vec<u8>>; 3] = Default::default();
    for _ in 0..60 {
        let page = ground.page().await?;
        let state = page.started.json()?;
        let code =
            state["frame"]["url"].as_str().and_then(|url| url.rsplit('/').next()).context("no code")?;
        let secret = page.jar.get(&page.secret_name()).context("no page secret")?;
        kinds[0].push(crate::client::from_base64url(&page.id)?);
        kinds[1].push(data_encoding::BASE32_NOPAD.decode(code.as_bytes())?[..16].to_vec());
        kinds[2].push(crate::client::from_base64url(secret)?);
        page.cancel().await?;
    }
    for (kind, values) in ["id", "handle", "secret"].iter().zip(&kinds) {
        let length = values[0].len();
        ensure!(length >= 16, "{kind} has {length} bytes");
        for at in 0..length {
            let distinct: std::collections::HashSet<u8> = values.iter().map(|value| value[at]).collect();
            // 60 draws of 256 give fewer than 35 distinct values once in many billion runs.
            ensure!(
                distinct.len() >= 35,
                "byte {at} of the {kind} takes only {} values in 60",
                distinct.len()
            );
        }
    }
    Ok("each byte of 60 ids, handles and secrets looks drawn".to_owned())
}

async fn page_secret_is_no_session(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let secret = page.jar.get(&page.secret_name()).context("no page secret")?.to_owned();
    let mut forged = page.clone();
    forged.jar.put(&page.http.cookie_name("session"), &secret);
    forged.jar.put(&page.http.cookie_name("sid"), &page.id);
    forged.whoami().await?.is(401)?;
    forged.refresh().await?.is(401)?;
    Ok("401".to_owned())
}

/// "While that session lives": a repeat may not bring a session back.
async fn redeem_after_sign_out(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    page.call("DELETE", "/api/session").send().await?.is(204)?;
    let answer = page.redeem().await?.refuses(410, "ended")?;
    ensure!(answer.cookies().iter().all(crate::client::SetCookie::deletes), "{answer} sets cookies");
    page.whoami().await?.is(401)?;
    Ok("410".to_owned())
}

/// Guard: only the device that scanned decides, not even the account's other one.
async fn statement_of_another_device_of_the_account(ground: Ground) -> Held {
    let (page, device, scan) = ground.scanned().await?;
    let other = ground.second_device(&device).await?;
    let check = page.check().await?;
    // As itself, and with the scanner's name under its own signature.
    other.decide(&scan, "approve", Some(&check)).await?.is(404)?;
    let forged = device.statement(&scan, "approve", Some(&check))?.sign(&other.key);
    send_statement(ground.http(), &forged).await?.is(404)?;
    ensure!(page.stage().await? == "scanned", "{}", page.stage().await?);
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    Ok("404 twice; the scanner decides".to_owned())
}

/// Flaw: data leak. The page knows nothing about the person before the approval, over no way.
async fn nothing_personal_before_the_approval(ground: Ground) -> Held {
    let name = crate::ground::fresh_name();
    let server = ground.server()?;
    let link = server.operate(&["users", "add", &name, "--display-name", "Grace Hopper"]).await?;
    let link: Value = serde_json::from_str(&link)?;
    let device =
        crate::client::Device::enrol(ground.http(), link["link"].as_str().unwrap_or_default()).await?;
    let page = ground.page().await?;
    let mut socket = Socket::open(&page).await?;
    let mut seen = vec![page.started.text(), socket.state().await?.to_string()];
    let scan = device.take(&page).await?;
    seen.push(socket.until("scanned").await?.to_string());
    seen.push(page.poll().await?.text());
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    seen.push(socket.until("approved").await?.to_string());
    seen.push(page.poll().await?.text());
    for text in &seen {
        for personal in
            [name.as_str(), "Grace", &device.id, &device.account, "laptop", &scan.ticket, &scan.context]
        {
            ensure!(!text.contains(personal), "{personal} is in {text}");
        }
    }
    Ok(format!("{} states before the redeem name nobody", seen.len()))
}

async fn approver_of_another_account(ground: Ground) -> Held {
    let (page, victim, scan) = ground.scanned().await?;
    let stranger = ground.device().await?;
    let check = page.check().await?;
    stranger.decide(&scan, "approve", Some(&check)).await?.is(404)?;
    let as_victim = stranger.statement(&scan, "approve", Some(&check))?.claim("sub", victim.account.clone());
    send_statement(ground.http(), &as_victim.sign(&stranger.key)).await?.is(404)?;
    let for_own = victim.statement(&scan, "approve", Some(&check))?.claim("iss", stranger.id.clone());
    send_statement(ground.http(), &for_own.sign(&stranger.key)).await?.is(404)?;
    ensure!(page.stage().await? == "scanned", "{}", page.stage().await?);
    Ok("404 three times".to_owned())
}

/// Login CSRF the other way: the attacker scans and signs as himself, but names the victim's account.
async fn scanner_of_another_account_names_the_victim(ground: Ground) -> Held {
    let victim = ground.device().await?;
    let (page, attacker, scan) = ground.scanned().await?;
    let check = page.check().await?;
    let forged = attacker.statement(&scan, "approve", Some(&check))?.claim("sub", victim.account.clone());
    send_statement(ground.http(), &forged.sign(&attacker.key)).await?.is(404)?;
    page.redeem().await?.refuses(409, "not_approved")?;
    Ok("404".to_owned())
}

async fn only_the_approving_account_is_signed_in(ground: Ground) -> Held {
    let (one, other) = (ground.device().await?, ground.device().await?);
    let (first, second) = (ground.page().await?, ground.page().await?);
    one.approve(&first).await?;
    other.approve(&second).await?;
    let name = |device: &crate::client::Device| {
        device.enrolled.json().map(|body| body["account"]["username"].clone())
    };
    ensure!(first.redeem().await?.is(201)?.json()?["account"]["username"] == name(&one)?, "crossed accounts");
    ensure!(
        second.redeem().await?.is(201)?.json()?["account"]["username"] == name(&other)?,
        "crossed accounts"
    );
    let crossed = Page { id: first.id.clone(), ..second.clone() };
    crossed.redeem().await?.is(404)?;
    Ok("each page gets the account that approved it".to_owned())
}

/// "This page key has held a session of this account": of no other, or one account learns of another's browsers.
async fn browser_is_known_to_its_own_account_alone(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let stranger = ground.device().await?;
    let next = Page::start_with(ground.http(), &page.key, &page.jar, &json!({}), &[]).await?;
    let context = stranger.take(&next).await?.read_context()?;
    ensure!(context["seen"]["known_browser"] == false, "{context}");
    Ok("false for another account".to_owned())
}
