//! What pages of other sites, floods and readers of logs get of the front doors.

use anyhow::{Context as _, ensure};

use super::super::{Attack, Held, attacks};
use crate::client::site::{DEVICE_CODE, form, text, visit};
use crate::client::{Jar, Key, from_base64url};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["strangers", StandingTime;
        scripts_of_other_sites,
        secrets_in_the_log,
        lines_in_the_log,
    ];
    all.extend(attacks!["strangers", StandingTime;
        site_that_locks_its_visitors_out,
        site_that_starts_device_grants,
        starts_without_end,
    ]);
    all
}

/// A page of any site can send forms from its visitors' browsers, without asking: what they fail at must not count against
/// the authenticator and the login page at the same address.
async fn site_that_locks_its_visitors_out(ground: Ground) -> Held {
    let (tool, device) = (ground.site(&["--public", "--device-grant"]).await?, ground.device().await?);
    let mut sent = 0;
    loop {
        let call = match sent % 3 {
            0 => tool.bare("/oauth/token", &[("client_id", "nobody"), ("grant_type", "refresh_token")]),
            1 => tool.call("/oauth/token", &[("grant_type", DEVICE_CODE), ("device_code", "x")]),
            // With the leave that scripts of any site have there.
            _ => tool.call("/oauth/token", &[("grant_type", "refresh_token")]).header("dpop", "a.b.c"),
        };
        sent += 1;
        if call.header("origin", "https://evil.example").send().await?.status == 429 {
            break;
        }
        ensure!(sent < 150, "150 calls failed and nothing was said");
    }
    device.get("/api/devices").await?.is(200).context("the authenticator at the same address")?;
    let mut page = ground.page().await.context("a login page at the same address")?;
    device.approve(&page).await?;
    page.sign_in().await?;
    Ok(format!("{sent} calls until 429, and a login passes"))
}

async fn site_that_starts_device_grants(ground: Ground) -> Held {
    let (tool, device) = (ground.site(&["--public", "--device-grant"]).await?, ground.device().await?);
    let mut sent = 0;
    loop {
        let call = tool.call("/oauth/device-authorization", &[("scope", "openid")]);
        let answer = call.header("origin", "https://evil.example").send().await?;
        if answer.status == 429 {
            break;
        }
        answer.is(200)?;
        sent += 1;
        ensure!(sent <= 250, "{sent} starts passed and nothing was said");
    }
    let mut page = ground.page().await.context("a login page at the same address")?;
    device.approve(&page).await?;
    page.sign_in().await?;
    Ok(format!("{sent} live ones, then 429, and a login passes"))
}

/// A start keeps nothing: a thousand are as many as one.
async fn starts_without_end(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    for _ in 0..1_000 {
        site.send(&Jar::default(), &[]).await?.is(303)?;
    }
    ground.page().await.context("the login page after that")?;
    Ok("1000 authorization requests of one address: nothing fills up".to_owned())
}

async fn scripts_of_other_sites(ground: Ground) -> Held {
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[]).await?;
    let evil = "https://evil.example";
    // Where browsers are led or cookies count, no script of another site reads or is let in.
    for (method, path) in [
        ("GET", site.asks(&[("prompt", "none")])),
        ("GET", "/oauth/resume?transaction=x".to_owned()),
        ("GET", "/oauth/end-session".to_owned()),
        ("POST", "/oauth/introspect".to_owned()),
        ("GET", "/forward-auth".to_owned()),
        ("GET", "/api/session".to_owned()),
    ] {
        let asked = site.http.call("OPTIONS", &path).header("origin", evil);
        let asked = asked.header("access-control-request-method", method).send().await?;
        ensure!(asked.header("access-control-allow-origin").is_empty(), "{path}: {asked}");
        let call = site.http.call(method, &path).header("origin", evil).header("cookie", page.jar.header());
        let answer = call.send().await?;
        ensure!(answer.header("access-control-allow-origin").is_empty(), "{path}: {answer}");
    }
    // Where they may call, no cookie counts and none is set.
    for path in ["/oauth/token", "/oauth/userinfo", "/oauth/jwks", "/.well-known/openid-configuration"] {
        let asked = site.http.call("OPTIONS", path).header("origin", evil);
        let asked = asked.header("access-control-request-method", "POST").send().await?;
        ensure!(asked.header("access-control-allow-origin") == "*", "{path}: {asked}");
        ensure!(asked.header("access-control-allow-credentials").is_empty(), "{path} lends cookies");
        let call = site.http.call("GET", path).header("origin", evil).header("cookie", page.jar.header());
        let answer = call.send().await?;
        ensure!(answer.cookies().is_empty(), "{path} sets cookies: {answer}");
        ensure!(answer.status != 200 || !answer.text().contains(&device.account), "{path}: {answer}");
    }
    Ok("ten addresses: read where no cookie counts, and nowhere else".to_owned())
}

async fn secrets_in_the_log(_: Ground) -> Held {
    let ground = Ground::standing(&[("LOG", "trace")]).await?;
    let (site, device) = (ground.site(&["--device-grant"]).await?, ground.device().await?);
    let changes = [("state", "a-secret-state"), ("nonce", "a-secret-nonce")];
    let transaction = site.transaction(&changes).await?;
    let (_, code) = site.code(&device, &changes).await?;
    let tokens = site.ask(&site.exchange(&code)).await?.is(200)?.json()?;
    let (access, refresh) = (text(&tokens, "access_token")?, text(&tokens, "refresh_token")?);
    let next = site.refresh(refresh).await?.is(200)?.json()?;
    site.userinfo(access).await?.is(200)?;
    site.refresh("a-wrong-refresh-token").await?.is(400)?;
    site.userinfo("a-wrong-access-token").await?.is(401)?;
    visit(&site.http, &Jar::default(), "/oauth/resume?transaction=a-wrong-transaction").await?.is(400)?;
    let key = Key::fresh();
    let proof = site.http.proof(&key, "POST", "/oauth/token").await?.sign(&key);
    site.call("/oauth/token", &[("grant_type", "x")]).header("dpop", &proof).send().await?.is(400)?;
    let started = site.call("/oauth/device-authorization", &[("scope", "openid")]).send().await?;
    let started = started.is(200)?.json()?;
    site.call("/oauth/revoke", &[("token", text(&next, "refresh_token")?)]).send().await?.is(200)?;
    let secret = site.secret.clone().unwrap_or_default();
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    let secrets = [
        ("state", "a-secret-state".to_owned()),
        ("nonce", "a-secret-nonce".to_owned()),
        ("transaction", transaction),
        ("code", code),
        ("verifier", crate::client::site::VERIFIER.to_owned()),
        ("client secret", secret),
        ("access token", signature(access)),
        ("refresh token", refresh.to_owned()),
        ("next refresh token", text(&next, "refresh_token")?.to_owned()),
        ("ID token", signature(text(&tokens, "id_token")?)),
        ("proof", signature(&proof)),
        ("device code", text(&started, "device_code")?.to_owned()),
        ("user code", text(&started, "user_code")?.to_owned()),
        ("wrong refresh token", "a-wrong-refresh-token".to_owned()),
        ("wrong access token", "a-wrong-access-token".to_owned()),
        ("wrong transaction", "a-wrong-transaction".to_owned()),
    ];
    let server = ground.server()?;
    let log = server.log().await?;
    ensure!(log.contains("Exchanged a code"), "the log says nothing of this: {log}");
    for (what, secret) in &secrets {
        ensure!(!secret.is_empty() && !log.contains(secret), "the {what} is in the log");
    }
    // What signs in is a hash at rest; what only travels is not there at all.
    let mut data = Vec::new();
    for file in ["countersign.sqlite", "countersign.sqlite-wal"] {
        data.extend(std::fs::read(server.data().join(file)).unwrap_or_default());
    }
    ensure!(!data.is_empty(), "there is no data");
    let has = |bytes: &[u8]| data.windows(bytes.len()).any(|window| window == bytes);
    for (what, secret) in secrets.iter().filter(|(what, _)| *what != "nonce") {
        ensure!(!has(secret.as_bytes()), "the {what} is in the data");
        let decoded = from_base64url(secret).unwrap_or_default();
        ensure!(decoded.len() < 32 || !has(&decoded), "the {what} is in the data, decoded");
    }
    Ok(format!("{} secrets, in a log of all levels and in the data", secrets.len()))
}

async fn lines_in_the_log(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let line = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged-line\"}\u{1b}[31m\u{2028}";
    for changes in [
        &[("client_id", line)][..],
        &[("redirect_uri", line)],
        &[("state", line)],
        &[("scope", line)],
        &[("prompt", line)],
        &[("request", line)],
    ] {
        site.send(&Jar::default(), changes).await?;
    }
    site.bare("/oauth/token", &[("client_id", line), ("grant_type", line)]).send().await?;
    site.call("/oauth/token", &[("grant_type", line), ("code", line)]).send().await?;
    visit(&site.http, &Jar::default(), &format!("/oauth/resume?{}", form(&[("transaction", line)]))).await?;
    let log = ground.server()?.log().await?;
    ensure!(!log.contains("forged-line"), "a stranger's words are in the log");
    Ok("eleven places: nothing of it is in the log".to_owned())
}
