//! Guessing and flooding: counted per address, account and device, with the limits that the server has by default.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Answer, Call, Device, Jar, Key, Page, base64url, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["limits", StandingTime;
        starts_per_address,
        live_requests_per_address,
        live_requests_at_once,
        live_requests_in_all,
        failed_proofs_per_address,
        failed_tokens_per_address,
        failed_session_tokens_per_address,
        wrong_typed_codes_per_device,
        wrong_typed_codes_per_account,
        wrong_typed_codes_at_once,
        wrong_passwords_per_address,
        wrong_passwords_per_account,
        wrong_passwords_at_once,
        password_limit_locks_no_device_out,
        devices_per_account,
        forwarding_headers_buy_nothing,
        forwarded_chain_counts_the_right_most,
        addresses_of_one_ipv6_network_count_as_one,
        one_address_locks_no_other_out,
    ]
}

fn proxied() -> [(&'static str, &'static str); 1] {
    [("PROXIES_TRUSTED", "127.0.0.0/8")]
}

/// Starts requests with these forwarding headers until the server has enough; how many passed, and the refusal.
pub(super) async fn flood(
    ground: &Ground,
    most: usize,
    keep: bool,
    header: impl Fn(usize) -> String,
) -> Result<(usize, Answer)> {
    let key = Key::fresh();
    for passed in 0..most {
        let call = Page::starting(ground.http(), &Jar::default()).json(&json!({}));
        let answer = call.header("x-forwarded-for", header(passed)).proof(&key).await?.send().await?;
        if answer.status != 201 {
            return Ok((passed, answer));
        }
        if !keep {
            let mut jar = Jar::default();
            jar.absorb(&answer);
            let id = answer.json()?["id"].as_str().unwrap_or_default().to_owned();
            let page = Page { http: ground.http().clone(), key: key.clone(), jar, id, started: answer };
            page.cancel().await?.is(204)?;
        }
    }
    anyhow::bail!("{most} starts passed and nothing was said")
}

pub(super) fn limited(answer: &Answer) -> Result<u64> {
    ensure!(answer.status == 429, "{answer}; 429 was due");
    let wait_s: u64 = answer.header("retry-after").parse().context("Retry-After is no number of seconds")?;
    // The longest window is an hour; whole seconds, rounded up.
    ensure!((1..=3_601).contains(&wait_s), "Retry-After: {wait_s}");
    Ok(wait_s)
}

async fn starts_per_address(ground: Ground) -> Held {
    let (passed, answer) = flood(&ground, 210, false, |_| String::new()).await?;
    let wait_s = limited(&answer)?;
    ensure!(passed == 200, "{passed} starts passed, 200 are allowed");
    Ok(format!("200, then 429 with Retry-After {wait_s}"))
}

/// Guard: the live cap, apart from the number of starts.
async fn live_requests_per_address(ground: Ground) -> Held {
    let first = ground.page().await?;
    let (passed, answer) = flood(&ground, 110, true, |_| String::new()).await?;
    limited(&answer)?;
    ensure!(passed == 99, "{} live requests, 100 are allowed", passed + 1);
    first.cancel().await?.is(204)?;
    ground.page().await.context("a request ended, so another one may start")?;
    Ok("100 live ones; one more after one has ended".to_owned())
}

async fn live_requests_at_once(ground: Ground) -> Held {
    let pages = join_all((0..150).map(|_| ground.page())).await;
    let live = pages.iter().filter(|page| page.is_ok()).count();
    ensure!(live == 100, "{live} live requests from one address, 100 are allowed");
    Ok("150 at once: 100 live".to_owned())
}

async fn live_requests_in_all(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_LIVE_REQUESTS", "20")]).await?;
    for _ in 0..20 {
        ground.elsewhere()?.page().await?;
    }
    let other = ground.elsewhere()?;
    let start = Page::starting(other.http(), &Jar::default()).json(&json!({})).proof(&Key::fresh()).await?;
    let answer = start.send().await?.one_of(&[429, 503])?;
    Ok(format!("21st of 21 addresses: {}", answer.kind()))
}

/// Makes calls that fail until the address is limited; how many were judged.
pub(super) async fn until_limited(
    most: usize,
    call: impl AsyncFn() -> Result<Call>,
) -> Result<(usize, Answer)> {
    for failed in 0..most {
        let answer = call().await?.send().await?;
        if answer.status == 429 {
            return Ok((failed, answer));
        }
        ensure!([401, 403, 404].contains(&answer.status), "{answer}");
    }
    anyhow::bail!("{most} calls failed and nothing was said")
}

async fn failed_proofs_per_address(ground: Ground) -> Held {
    let key = Key::fresh();
    let (failed, answer) = until_limited(110, async || {
        let proof =
            ground.http().proof(&key, "POST", "/api/login-requests").await?.sealed(|_| random_bytes(64));
        Ok(Page::starting(ground.http(), &Jar::default()).json(&json!({})).header("dpop", proof))
    })
    .await?;
    let wait_s = limited(&answer)?;
    ensure!(failed == 100, "{failed} failed proofs were judged, 100 are allowed");
    Ok(format!("100, then 429 with Retry-After {wait_s}"))
}

async fn failed_tokens_per_address(ground: Ground) -> Held {
    let key = Key::fresh();
    let (failed, answer) = until_limited(110, async || {
        ground.http().call("GET", "/api/devices").token(&key, &base64url(&random_bytes(32))).await
    })
    .await?;
    limited(&answer)?;
    ensure!(failed == 100, "{failed} wrong tokens were judged, 100 are allowed");
    Ok("100, then 429".to_owned())
}

async fn failed_session_tokens_per_address(ground: Ground) -> Held {
    let page = ground.page().await?;
    let (failed, answer) = until_limited(110, async || {
        let mut jar = Jar::default();
        jar.put(&page.http.cookie_name("session"), &base64url(&random_bytes(32)));
        Ok(page.http.call("GET", "/api/session").header("cookie", jar.header()))
    })
    .await?;
    limited(&answer)?;
    Ok(format!("{failed}, then 429"))
}

pub(super) fn typed(code: &str) -> Value {
    json!({"user_code": code, "via": "typed"})
}

async fn wrong_typed_codes_per_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    for _ in 0..5 {
        device.scan_via(&typed("ZZZZ-ZZZZ")).await?.is(404)?;
    }
    limited(&device.scan_via(&typed("ZZZZ-ZZZZ")).await?)?;
    // The right one is not judged either, from nowhere.
    let page = ground.page().await?;
    let code =
        page.type_instead().await?.is(200)?.json()?["user_code"].as_str().unwrap_or_default().to_owned();
    limited(&device.scan_via(&typed(&code)).await?)?;
    let moved = Device { http: ground.elsewhere()?.http().clone(), ..device.clone() };
    limited(&moved.scan_via(&typed(&code)).await?)?;
    // Pictures are no guesses: the camera still works.
    let page = ground.page().await?;
    device.take(&page).await?;
    Ok("5 a device, also from another address; the camera still works".to_owned())
}

async fn wrong_typed_codes_per_account(ground: Ground) -> Held {
    let first = ground.device().await?;
    let mut wrong = 0;
    for _ in 0..6 {
        let device = ground.second_device(&first).await?;
        let moved = Device { http: ground.elsewhere()?.http().clone(), ..device };
        for _ in 0..5 {
            let answer = moved.scan_via(&typed("ZZZZ-ZZZZ")).await?;
            if answer.status == 429 {
                limited(&answer)?;
                ensure!(wrong == 20, "{wrong} wrong codes of one account were judged, 20 are allowed");
                return Ok("20 an account over four devices and addresses, then 429".to_owned());
            }
            answer.is(404)?;
            wrong += 1;
        }
    }
    anyhow::bail!("{wrong} wrong codes of one account were judged")
}

async fn wrong_typed_codes_at_once(ground: Ground) -> Held {
    let device = ground.device().await?;
    let answers = join_all((0..60).map(|_| async { device.scan_via(&typed("ZZZZ-ZZZZ")).await })).await;
    let mut judged = 0;
    for answer in answers {
        let answer = answer?.one_of(&[404, 429])?;
        judged += usize::from(answer.status == 404);
    }
    ensure!(judged == 5, "{judged} of 60 at once were judged, 5 are allowed");
    Ok("60 at once: 5 judged".to_owned())
}

pub(super) fn password(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password, "device": {"name": "Guess", "kind": "linux"}})
}

/// Tries passwords until the server has enough; how many it judged.
async fn guess(ground: &Ground, most: usize, name: impl Fn(usize) -> String) -> Result<usize> {
    for judged in 0..most {
        let answer =
            Device::enrolling(ground.http(), &Key::fresh(), &password(&name(judged), "wrong")).await?;
        if answer.status == 429 {
            limited(&answer)?;
            return Ok(judged);
        }
        answer.refuses(401, "enrolment_refused")?;
    }
    anyhow::bail!("{most} passwords were judged and nothing was said")
}

/// Guard: names that do not exist count as well, or the limit would tell them apart.
async fn wrong_passwords_per_address(ground: Ground) -> Held {
    let judged = guess(&ground, 40, |at| format!("nobody-{at}")).await?;
    ensure!(judged == 30, "{judged} passwords from one address were judged, 30 are allowed");
    Ok("30 an address over 30 names, then 429".to_owned())
}

async fn wrong_passwords_per_account(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let mut judged = 0;
    for _ in 0..3 {
        let other = ground.elsewhere()?;
        for _ in 0..5 {
            let answer = Device::enrolling(other.http(), &Key::fresh(), &password(&name, "wrong")).await?;
            if answer.status == 429 {
                limited(&answer)?;
                ensure!(judged == 10, "{judged} passwords of one account were judged, 10 are allowed");
                let right = password(&name, "correct horse battery");
                let answer = Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &right).await?;
                limited(&answer).context("the right password from elsewhere")?;
                return Ok("10 an account over two addresses, then 429 for the right one too".to_owned());
            }
            answer.refuses(401, "enrolment_refused")?;
            judged += 1;
        }
    }
    anyhow::bail!("{judged} passwords of one account were judged")
}

async fn wrong_passwords_at_once(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let wrong = password(&name, "wrong");
    let answers =
        join_all((0..40).map(|_| async { Device::enrolling(ground.http(), &Key::fresh(), &wrong).await }))
            .await;
    let mut judged = 0;
    for answer in answers {
        let answer = answer?.one_of(&[401, 429])?;
        judged += usize::from(answer.status == 401);
    }
    ensure!(judged <= 10, "{judged} of 40 at once were judged, 10 are allowed");
    Ok(format!("40 at once: {judged} judged"))
}

/// Somebody who guesses passwords must not be able to lock the person out of the devices that she has.
async fn password_limit_locks_no_device_out(ground: Ground) -> Held {
    let name = fresh_name();
    let link = ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let device = Device::enrol(ground.http(), &link).await?;
    let attacker = ground.elsewhere()?;
    let judged = guess(&attacker, 40, |_| name.clone()).await?;
    let page = ground.page().await?;
    device.approve(&page).await?;
    page.redeem().await?.is(201)?;
    let link = ground.server()?.operate(&["users", "enrol", &name]).await?;
    let link: Value = serde_json::from_str(&link)?;
    Device::enrol(ground.http(), link["link"].as_str().unwrap_or_default()).await?;
    Ok(format!("after {judged} guesses: she signs in and enrols by link"))
}

async fn devices_per_account(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_DEVICES_PER_ACCOUNT", "3")]).await?;
    let first = ground.device().await?;
    for _ in 0..2 {
        ground.second_device(&first).await?;
    }
    let refused = match first.enrolment().await {
        Ok(link) => {
            let body = json!({"enrolment": crate::client::enrolment_in(&link)?, "device": {"name": "4", "kind": "other"}});
            Device::enrolling(ground.http(), &Key::fresh(), &body).await?.kind()
        }
        Err(error) => error.to_string(),
    };
    let list = first.get("/api/devices").await?.is(200)?.json()?;
    ensure!(list["devices"].as_array().map(Vec::len) == Some(3), "{list}");
    Ok(format!("three devices; the fourth: {refused}"))
}

/// Guard: headers of somebody who is no listed proxy are not believed.
async fn forwarding_headers_buy_nothing(ground: Ground) -> Held {
    let (passed, answer) = flood(&ground, 210, false, |at| format!("203.0.113.{}", at % 250)).await?;
    limited(&answer)?;
    ensure!(passed == 200, "{passed} starts passed");
    let key = Key::fresh();
    for header in
        ["forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip", "x-forwarded-for"]
    {
        let call =
            Page::starting(ground.http(), &Jar::default()).json(&json!({})).header(header, "198.51.100.9");
        limited(&call.proof(&key).await?.send().await?)?;
    }
    Ok("200 starts whatever the headers say".to_owned())
}

/// Guard: behind a listed proxy the right-most unlisted address counts, not the one that the client wrote.
async fn forwarded_chain_counts_the_right_most(_: Ground) -> Held {
    let ground = Ground::standing(&proxied()).await?;
    let chain = |at: usize| format!("203.0.113.{}, 198.51.100.1, 127.0.0.9", at % 250);
    let (passed, answer) = flood(&ground, 210, false, chain).await?;
    limited(&answer)?;
    ensure!(passed == 200, "{passed} starts passed");
    let other = flood(&ground, 3, false, |_| "198.51.100.2".to_owned()).await;
    ensure!(other.is_err(), "another address behind the proxy is limited, too");
    Ok("one client whatever it writes in front; another one is free".to_owned())
}

async fn addresses_of_one_ipv6_network_count_as_one(_: Ground) -> Held {
    let ground = Ground::standing(&proxied()).await?;
    let (passed, answer) = flood(&ground, 210, false, |at| format!("2001:db8:1:2:{at:x}::{at:x}")).await?;
    limited(&answer)?;
    ensure!(passed == 200, "{passed} starts passed");
    let other = flood(&ground, 3, false, |_| "2001:db8:1:3::1".to_owned()).await;
    ensure!(other.is_err(), "another /64 is limited, too");
    Ok("200 starts a /64".to_owned())
}

async fn one_address_locks_no_other_out(ground: Ground) -> Held {
    let (mut page, device) = ground.signed_in().await?;
    let attacker = ground.elsewhere()?;
    let key = Key::fresh();
    // He knows id and sid, and fails on purpose.
    until_limited(110, async || {
        let call =
            attacker.http().call("POST", "/api/session/refresh").header("origin", attacker.http().origin());
        call.header("cookie", page.jar.header()).proof(&key).await
    })
    .await?;
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    device.get("/api/devices").await?.is(200)?;
    Ok("his address is limited, hers is not".to_owned())
}
