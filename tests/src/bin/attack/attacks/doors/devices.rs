//! The device grant (RFC 8628): codes of others, codes of nobody, polls at the wrong time.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::super::{Attack, Held, attacks};
use crate::client::site::{DEVICE_CODE, refuses, text};
use crate::client::{Answer, Device, Jar, Key, Page, Scan, Site, base64url, from_base64url};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["device_grant", StandingTime;
        code_of_another_client,
        code_with_another_secret,
        code_of_another_key,
        code_polled_by_fifty_at_once,
        client_that_may_not,
        person_is_told_which_client_asks,
        page_at_a_request_of_a_device,
        denied_gives_nothing,
        polls_in_a_hurry,
    ];
    all.extend(attacks!["device_grant", StandingTime; guessed_device_codes]);
    all
}

async fn tool(ground: &Ground) -> Result<Site> {
    ground.site(&["--public", "--device-grant"]).await
}

async fn start(tool: &Site) -> Result<Value> {
    tool.call("/oauth/device-authorization", &[("scope", "openid profile")]).send().await?.is(200)?.json()
}

async fn poll(tool: &Site, code: &str) -> Result<Answer> {
    tool.ask(&[("grant_type", DEVICE_CODE), ("device_code", code)]).await
}

/// What the person types and sees.
async fn typed(device: &Device, started: &Value) -> Result<Scan> {
    let body = json!({"user_code": text(started, "user_code")?, "via": "typed"});
    Scan::read(device.scan_via(&body).await?)
}

async fn approve(device: &Device, started: &Value) -> Result<()> {
    let scan = typed(device, started).await?;
    // A device has no number: it has nothing to show one on.
    device.decide(&scan, "approve", None).await?.is(204).map(drop)
}

async fn code_of_another_client(ground: Ground) -> Held {
    let (tool_one, other, device) = (tool(&ground).await?, tool(&ground).await?, ground.device().await?);
    let started = start(&tool_one).await?;
    let code = text(&started, "device_code")?;
    refuses(poll(&other, code).await?, 400, "invalid_grant")?;
    approve(&device, &started).await?;
    refuses(poll(&other, code).await?, 400, "invalid_grant")?;
    poll(&tool_one, code).await?.is(200).context("it is still its own client's")?;
    Ok("before and after the approval: invalid_grant".to_owned())
}

/// The first part of a device code names the request, the second proves that it is the device's.
async fn code_with_another_secret(ground: Ground) -> Held {
    let (tool, device) = (tool(&ground).await?, ground.device().await?);
    let (started, other) = (start(&tool).await?, start(&tool).await?);
    approve(&device, &started).await?;
    let (bytes, others) =
        (from_base64url(text(&started, "device_code")?)?, from_base64url(text(&other, "device_code")?)?);
    ensure!(bytes.len() == 48 && bytes[..16] != others[..16], "a device code of {} bytes", bytes.len());
    let mixed = [&bytes[..16], &others[16..]].concat();
    let zeros = [&bytes[..16], &[0; 32]].concat();
    for wrong in [mixed, zeros, bytes[..16].to_vec(), bytes[16..].to_vec()] {
        refuses(poll(&tool, &base64url(&wrong)).await?, 400, "invalid_grant")?;
    }
    refuses(poll(&tool, text(&started, "user_code")?).await?, 400, "invalid_grant")?;
    poll(&tool, text(&started, "device_code")?).await?.is(200)?;
    Ok("another one's secret, zeros, halves, the letters that are typed".to_owned())
}

async fn code_of_another_key(ground: Ground) -> Held {
    let (tool, device, key) = (tool(&ground).await?, ground.device().await?, Key::fresh());
    let asked = tool.call("/oauth/device-authorization", &[("scope", "openid")]).proof(&key).await?;
    let started = asked.send().await?.is(200)?.json()?;
    approve(&device, &started).await?;
    let pairs = [("grant_type", DEVICE_CODE), ("device_code", text(&started, "device_code")?)];
    tool.ask(&pairs).await?.is(400)?;
    tool.call("/oauth/token", &pairs).proof(&Key::fresh()).await?.send().await?.is(400)?;
    let tokens = tool.call("/oauth/token", &pairs).proof(&key).await?.send().await?.is(200)?.json()?;
    ensure!(tokens["token_type"] == "DPoP", "{tokens}");
    Ok("without its key and with another one".to_owned())
}

async fn code_polled_by_fifty_at_once(ground: Ground) -> Held {
    let (tool, device) = (tool(&ground).await?, ground.device().await?);
    let started = start(&tool).await?;
    approve(&device, &started).await?;
    let code = text(&started, "device_code")?;
    let answers = try_join_all((0..50).map(|_| poll(&tool, code))).await?;
    let mut refresh = std::collections::BTreeSet::new();
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        refresh.insert(text(&answer.json()?, "refresh_token")?.to_owned());
    }
    ensure!(refresh.len() == 1, "{} refresh tokens of one approval", refresh.len());
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    let count = sessions["sessions"].as_array().map_or(0, Vec::len);
    ensure!(count == 1, "{count} sessions of one approval: {sessions}");
    Ok("one session, one refresh token".to_owned())
}

async fn client_that_may_not(ground: Ground) -> Held {
    let (site, public) = (ground.site(&[]).await?, ground.site(&["--public"]).await?);
    for client in [&site, &public] {
        let asked = client.call("/oauth/device-authorization", &[("scope", "openid")]).send().await?;
        refuses(asked, 400, "unauthorized_client")?;
    }
    let nobody = site.bare("/oauth/device-authorization", &[("client_id", "nobody")]).send().await?;
    refuses(nobody, 401, "invalid_client")?;
    Ok("only who was allowed to by the operator".to_owned())
}

/// RFC 8628 §5.4: somebody sends you letters to type. What you see is the server's word, not theirs.
async fn person_is_told_which_client_asks(ground: Ground) -> Held {
    let (tool, device) = (tool(&ground).await?, ground.device().await?);
    let pairs = [("scope", "openid"), ("client_name", "Your bank"), ("name", "Your bank")];
    let call = tool.call("/oauth/device-authorization", &pairs).header("user-agent", "Your bank/1.0");
    let started = call.send().await?.is(200)?.json()?;
    ensure!(started["verification_uri_complete"].is_null(), "a link that types by itself: {started}");
    let scan = typed(&device, &started).await?;
    let context = scan.read_context()?;
    ensure!(context["client"]["name"] == tool.id.as_str(), "{context}");
    ensure!(!context["client"].to_string().contains("bank"), "{context}");
    ensure!(context["via"] == "typed", "the person is not told that it was typed: {context}");
    Ok("the name is the operator's, and that it was typed is told".to_owned())
}

/// A page at a request of a device, and a device at a request of a page.
async fn page_at_a_request_of_a_device(ground: Ground) -> Held {
    let (tool, device) = (tool(&ground).await?, ground.device().await?);
    let started = start(&tool).await?;
    let bytes = from_base64url(text(&started, "device_code")?)?;
    let (id, secret) = (base64url(&bytes[..16]), base64url(&bytes[16..]));
    let mut jar = Jar::default();
    jar.put(&tool.http.cookie_name(&format!("request-{id}")), &secret);
    let page = Page { jar, id, ..ground.page().await? };
    page.poll().await?.is(404)?;
    page.cancel().await?.is(404)?;
    approve(&device, &started).await?;
    page.redeem().await?.is(404)?;
    let own = ground.page().await?;
    device.approve(&own).await?;
    let secret = own.jar.get(&own.secret_name()).unwrap_or_default().to_owned();
    let as_device = base64url(&[from_base64url(&own.id)?, from_base64url(&secret)?].concat());
    refuses(poll(&tool, &as_device).await?, 400, "invalid_grant")?;
    Ok("neither has what is the other's".to_owned())
}

async fn denied_gives_nothing(ground: Ground) -> Held {
    let (tool, device) = (tool(&ground).await?, ground.device().await?);
    let started = start(&tool).await?;
    let code = text(&started, "device_code")?;
    refuses(poll(&tool, code).await?, 400, "authorization_pending")?;
    let scan = typed(&device, &started).await?;
    device.decide(&scan, "deny", None).await?.is(204)?;
    refuses(poll(&tool, code).await?, 400, "access_denied")?;
    let again = device.decide(&scan, "approve", None).await?;
    ensure!(again.status >= 400, "{again}: approved after all");
    refuses(poll(&tool, code).await?, 400, "access_denied")?;
    Ok("pending, then denied for good".to_owned())
}

async fn guessed_device_codes(ground: Ground) -> Held {
    let tool = tool(&ground).await?;
    let wrong = base64url(&[7; 48]);
    for tried in 0..100 {
        refuses(poll(&tool, &wrong).await?, 400, "invalid_grant")
            .with_context(|| format!("guess {tried}"))?;
    }
    refuses(poll(&tool, &wrong).await?, 429, "temporarily_unavailable")?;
    Ok("100 guesses, then 429".to_owned())
}

async fn polls_in_a_hurry(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let tool = tool(&ground).await?;
    let started = start(&tool).await?;
    let code = text(&started, "device_code")?;
    refuses(poll(&tool, code).await?, 400, "authorization_pending")?;
    refuses(poll(&tool, code).await?, 400, "slow_down")?;
    ground.hand()?.pass(9).await?;
    refuses(poll(&tool, code).await?, 400, "slow_down")?;
    ground.hand()?.pass(300).await?;
    refuses(poll(&tool, code).await?, 400, "expired_token")?;
    Ok("slow_down each time, expired_token at the end".to_owned())
}
