//! What a hostile web site can do with a person's browser: forged calls, frames, fixation, stolen cookies, redirects.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{Attack, Held, attacks};
use crate::client::{Answer, Jar, Key, Page, base64url, random_bytes};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["browser", OneAccount;
        forged_calls_without_an_origin,
        forged_calls_from_null,
        forged_calls_from_a_stranger,
        forged_calls_from_a_lookalike,
        forged_calls_from_another_port,
        forged_calls_as_forms,
        forged_calls_with_two_origins,
        method_overrides_are_ignored,
        pages_cannot_be_framed,
        pages_run_no_foreign_script,
        pages_send_no_referrer_and_no_guess,
        nothing_is_shared_across_origins,
        preflights_allow_nobody,
        session_planted_before_the_login,
        session_of_the_attacker_planted,
        stolen_token_cannot_be_renewed,
        sid_alone_opens_nothing,
        token_after_sign_out,
        session_of_another_cookie_name,
        session_in_query_or_header,
        renewal_leads_nowhere_else,
        sign_in_leads_nowhere_else,
        enrolment_cannot_be_made_by_a_page,
        login_link_starts_nothing,
    ];
    all.extend(attacks!["browser", OwnServer; previous_token_ends, https_is_asked_to_stay]);
    all
}

/// Every state-changing call of a browser, with its cookies, at somebody else's wish. None may pass.
async fn forged(ground: Ground, headers: &[(&str, &str)]) -> Held {
    let (page, _) = ground.signed_in().await?;
    let (approved, _, _) = ground.approved().await?;
    let waiting = ground.page().await?;
    let calls = [
        approved.redeeming().proof(&approved.key).await?,
        waiting.call("POST", &waiting.path("/user-code")).json(&json!({})),
        waiting.call("DELETE", &waiting.path("")),
        page.call("DELETE", "/api/session").json(&json!({"report": true})),
        page.refreshing().proof(&page.key).await?,
    ];
    for call in calls {
        let mut call = call.without("origin");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        let answer = call.send().await?.refuses(403, "wrong_origin")?;
        ensure!(answer.cookies().is_empty(), "{answer} changes cookies");
    }
    ensure!(waiting.stage().await? == "waiting", "{}", waiting.stage().await?);
    ensure!(waiting.state().await?["frame"].is_object(), "the picture is gone");
    ensure!(approved.stage().await? == "approved", "{}", approved.stage().await?);
    page.whoami().await?.is(200)?;
    approved.redeem().await?.is(201)?;
    Ok("redeem, typed code, cancel, sign-out, refresh: 403 wrong_origin".to_owned())
}

async fn forged_calls_without_an_origin(ground: Ground) -> Held {
    forged(ground, &[]).await
}

async fn forged_calls_from_null(ground: Ground) -> Held {
    forged(ground, &[("origin", "null")]).await
}

async fn forged_calls_from_a_stranger(ground: Ground) -> Held {
    forged(ground, &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]).await
}

async fn forged_calls_from_a_lookalike(ground: Ground) -> Held {
    let suffix = format!("{}.evil.example", ground.http().origin());
    forged(ground, &[("origin", &suffix)]).await
}

/// Another port of the same host shares cookies, SameSite=Strict too.
async fn forged_calls_from_another_port(ground: Ground) -> Held {
    let other = format!("{}1", ground.http().origin());
    forged(ground, &[("origin", &other), ("sec-fetch-site", "same-site")]).await
}

async fn forged_calls_as_forms(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    forged(ground, &[("referer", &origin), ("content-type", "text/plain"), ("sec-fetch-mode", "navigate")])
        .await
}

async fn forged_calls_with_two_origins(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    forged(ground, &[("origin", &origin), ("origin", "https://evil.example")]).await
}

async fn method_overrides_are_ignored(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        page.call("GET", "/api/session").header(header, "DELETE").send().await?.is(200)?;
    }
    page.call("GET", "/api/session?_method=DELETE").send().await?.is(200)?;
    page.whoami().await?.is(200)?;
    Ok("GET stays GET".to_owned())
}

const PAGES: [&str; 6] = ["/", "/login", "/Q/AAAA", "/E/AAAA", "/renew", "/device"];

async fn each_page(ground: &Ground, judge: impl Fn(&Answer) -> Result<()>) -> Result<usize> {
    let mut judged = 0;
    for path in PAGES {
        let answer = ground.http().call("GET", path).header("accept", "text/html").send().await?;
        if answer.header("content-type").starts_with("text/html") {
            judge(&answer)?;
            judged += 1;
        } else {
            ensure!(answer.status != 200, "{answer} is no HTML");
        }
    }
    ensure!(judged >= 3, "only {judged} pages are HTML");
    Ok(judged)
}

fn policy(answer: &Answer, directive: &str) -> Result<String> {
    let policy = answer.header("content-security-policy");
    let found = policy.split(';').map(str::trim).find(|part| part.split(' ').next() == Some(directive));
    Ok(found.with_context(|| format!("{} has no {directive}: {policy:?}", answer.call))?.to_owned())
}

/// Clickjacking.
async fn pages_cannot_be_framed(ground: Ground) -> Held {
    let count = each_page(&ground, |answer| {
        let ancestors = policy(answer, "frame-ancestors")?;
        ensure!(ancestors == "frame-ancestors 'none'", "{}: {ancestors}", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages: frame-ancestors 'none'"))
}

async fn pages_run_no_foreign_script(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    let count = each_page(&ground, |answer| {
        let all = answer.header("content-security-policy").to_owned();
        for bad in ["unsafe-inline", "unsafe-eval", "unsafe-hashes", "*", "http:", "https:"] {
            let own = all.replace(&origin, "").replace(&origin.replacen("http", "ws", 1), "");
            ensure!(!own.contains(bad), "{}: {all} has {bad}", answer.call);
        }
        ensure!(policy(answer, "default-src")? == "default-src 'none'", "{}: {all}", answer.call);
        for directive in ["base-uri", "form-action"] {
            policy(answer, directive)?;
        }
        ensure!(answer.header("x-content-type-options") == "nosniff", "{}: may be sniffed", answer.call);
        let text = answer.text();
        for foreign in
            ["src=\"http", "src=\"//", "href=\"//", "onclick=", "onload=", "javascript:", "<style>"]
        {
            ensure!(!text.contains(foreign), "{} has {foreign}", answer.call);
        }
        ensure!(!text.contains("<script>"), "{} has an inline script", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages: default-src 'none', nothing inline, nothing foreign, nosniff"))
}

async fn pages_send_no_referrer_and_no_guess(ground: Ground) -> Held {
    let count = each_page(&ground, |answer| {
        let referrer = answer.header("referrer-policy");
        ensure!(
            ["no-referrer", "same-origin"].contains(&referrer),
            "{}: Referrer-Policy {referrer:?}",
            answer.call
        );
        let opener = answer.header("cross-origin-opener-policy");
        ensure!(opener == "same-origin", "{}: Cross-Origin-Opener-Policy {opener:?}", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages"))
}

async fn nothing_is_shared_across_origins(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    for path in ["/api/session", "/.well-known/countersign", "/login", &page.path(""), "/openapi.json"] {
        let answer = page.call("GET", path).instead("origin", "https://evil.example").send().await?;
        for header in ["access-control-allow-origin", "access-control-allow-credentials"] {
            let value = answer.header(header);
            ensure!(value.is_empty(), "{path}: {header}: {value}");
        }
    }
    Ok("no Access-Control-Allow-Origin".to_owned())
}

async fn preflights_allow_nobody(ground: Ground) -> Held {
    for path in ["/api/session", "/api/login-requests", "/api/scans", "/api/decisions"] {
        let call = ground.http().call("OPTIONS", path).header("origin", "https://evil.example");
        let call = call.header("access-control-request-method", "POST");
        let answer = call.header("access-control-request-headers", "dpop").send().await?;
        ensure!(answer.header("access-control-allow-origin").is_empty(), "{answer} allows it");
        ensure!(answer.header("access-control-allow-methods").is_empty(), "{answer} allows it");
    }
    Ok("four preflights get no permission".to_owned())
}

/// Session fixation.
async fn session_planted_before_the_login(ground: Ground) -> Held {
    let http = ground.http();
    let (session, sid) = (http.cookie_name("session"), http.cookie_name("sid"));
    let mut jar = Jar::default();
    jar.put(&session, &base64url(&random_bytes(32)));
    jar.put(&sid, &base64url(&random_bytes(16)));
    let planted = jar.clone();
    let mut page = Page::start_with(http, &Key::fresh(), &jar, &json!({}), &[]).await?;
    ground.device().await?.approve(&page).await?;
    page.sign_in().await?;
    ensure!(page.jar.get(&session) != planted.get(&session), "the planted token is the session");
    ensure!(page.jar.get(&sid) != planted.get(&sid), "the planted sid is the session");
    page.whoami().await?.is(200)?;
    let attacker = Page { jar: planted, ..page.clone() };
    attacker.whoami().await?.is(401)?;
    Ok("login sets its own token and sid; the planted ones are 401".to_owned())
}

/// The attacker's own live session in the victim's browser: the victim's login replaces it, the attacker gains nothing.
async fn session_of_the_attacker_planted(ground: Ground) -> Held {
    let (attacker, _) = ground.signed_in().await?;
    let mut victim = Page::start_with(ground.http(), &Key::fresh(), &attacker.jar, &json!({}), &[]).await?;
    ground.device().await?.approve(&victim).await?;
    victim.sign_in().await?;
    let name = ground.http().cookie_name("session");
    ensure!(victim.jar.get(&name) != attacker.jar.get(&name), "the attacker's token became the victim's");
    let created = |answer: Answer| answer.is(200)?.json().map(|body| body["created_at"].clone());
    created(attacker.whoami().await?)?;
    created(victim.whoami().await?)?;
    let mut renewed = Page { key: attacker.key.clone(), ..victim.clone() };
    renewed.refresh().await?.refuses(401, "invalid_proof")?;
    Ok("the victim's session has its own token and key".to_owned())
}

/// Guard: the refresh is bound to the key that redeemed.
async fn stolen_token_cannot_be_renewed(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let mut thief = Page { key: Key::fresh(), ..page.clone() };
    thief.refresh().await?.refuses(401, "invalid_proof")?;
    thief.refreshing().send().await?.is(401)?;
    page.whoami().await?.is(200)?;
    Ok("401 without the key".to_owned())
}

async fn sid_alone_opens_nothing(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    page.jar.remove(&page.http.cookie_name("session"));
    page.whoami().await?.refuses(401, "stale_session")?;
    page.call("DELETE", "/api/session").send().await?.is_one_of(&[401, 204])?;
    let mut thief = Page { key: Key::fresh(), ..page.clone() };
    thief.refresh().await?.is(401)?;
    Ok("401 stale_session; no refresh without the key".to_owned())
}

async fn token_after_sign_out(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    let before = page.clone();
    page.refresh().await?.is(204)?;
    page.call("DELETE", "/api/session").send().await?.is(204)?;
    for mut old in [before, page] {
        old.whoami().await?.is(401)?;
        old.refresh().await?.is(401)?;
    }
    Ok("newest and previous token: 401, no refresh".to_owned())
}

async fn session_of_another_cookie_name(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no token")?.to_owned();
    for name in
        ["session", "countersign-session", "__Host-countersign-session", "countersign-1-session", "sid"]
    {
        if page.http.cookie_name("session") == name {
            continue;
        }
        let mut jar = Jar::default();
        jar.put(name, &token);
        Page { jar, ..page.clone() }.whoami().await?.is(401)?;
    }
    Ok("401 under any other name".to_owned())
}

async fn session_in_query_or_header(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no token")?.to_owned();
    let http = ground.http();
    http.get(&format!("/api/session?session={token}&token={token}")).await?.is(401)?;
    for scheme in ["Bearer", "DPoP", "Session"] {
        let call = http.call("GET", "/api/session").header("authorization", format!("{scheme} {token}"));
        call.send().await?.is(401)?;
    }
    Ok("401".to_owned())
}

/// Open redirect.
const AWAY: [&str; 10] = [
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "%2F%2Fevil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "///evil.example",
    "https:evil.example",
    "%0d%0aLocation:%20https://evil.example",
    "/%5Cevil.example",
];

async fn renewal_leads_nowhere_else(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    page.jar.remove(&page.http.cookie_name("session"));
    for away in AWAY {
        for name in ["to", "path", "next", "return_to", "url"] {
            let call =
                ground.http().call("GET", &format!("/renew?{name}={away}")).header("accept", "text/html");
            leads_nowhere(&call.header("cookie", page.jar.header()).send().await?)?;
        }
    }
    Ok("50 addresses: none is followed or printed into the page".to_owned())
}

async fn sign_in_leads_nowhere_else(ground: Ground) -> Held {
    for away in AWAY {
        for path in ["/login", "/", "/device"] {
            for name in ["return_to", "next"] {
                let call =
                    ground.http().call("GET", &format!("{path}?{name}={away}")).header("accept", "text/html");
                leads_nowhere(&call.send().await?)?;
            }
        }
    }
    Ok("60 addresses: none is followed or printed into the page".to_owned())
}

fn leads_nowhere(answer: &Answer) -> Result<()> {
    let to = answer.header("location");
    ensure!(
        !to.contains("evil.example") || to.starts_with("/renew?") || to.starts_with("/login?"),
        "{}: Location {to}",
        answer.call
    );
    for live in ["href=\"https://evil", "href=\"//evil", "url=https://evil", "javascript:alert"] {
        ensure!(!answer.text().contains(live), "{} prints {live}", answer.call);
    }
    Ok(())
}

/// Never by a page: a signed-in browser cannot make a device trusted.
async fn enrolment_cannot_be_made_by_a_page(ground: Ground) -> Held {
    let (page, _) = ground.signed_in().await?;
    let token = page.jar.get(&page.http.cookie_name("session")).context("no token")?.to_owned();
    page.call("POST", "/api/enrolments").send().await?.is(401)?;
    page.call("POST", "/api/enrolments").proof(&page.key).await?.send().await?.is(401)?;
    page.call("POST", "/api/enrolments").token(&page.key, &token).await?.send().await?.is(401)?;
    page.call("GET", "/api/devices").token(&page.key, &token).await?.send().await?.is(401)?;
    page.call("GET", "/api/activity").token(&page.key, &token).await?.send().await?.is(401)?;
    Ok("401 with cookie, proof and session token".to_owned())
}

/// Login CSRF: a link alone may neither start nor finish anything.
async fn login_link_starts_nothing(ground: Ground) -> Held {
    let (page, _, _) = ground.approved().await?;
    let call = |path: &str| page.http.call("GET", path).header("cookie", page.jar.header());
    call(&page.path("/session")).send().await?.is(405)?;
    call("/login").send().await?.is(200)?;
    let answer = call(&format!("/login?id={}", page.id)).send().await?;
    ensure!(answer.cookies().is_empty(), "{answer} sets cookies");
    ensure!(page.stage().await? == "approved", "{}", page.stage().await?);
    Ok("GET changes nothing".to_owned())
}

async fn previous_token_ends(_: Ground) -> Held {
    let ground = Ground::with(&[("SESSION_PREVIOUS_TOKEN_S", "1")]).await?;
    let (mut page, _) = ground.signed_in().await?;
    let old = page.clone();
    page.refresh().await?.is(204)?;
    e2e::patience::until("the previous token to end", async || {
        Ok((old.whoami().await?.status == 401).then_some(()))
    })
    .await?;
    page.whoami().await?.is(200)?;
    Ok("401 for the previous token, 200 for the newest".to_owned())
}

async fn https_is_asked_to_stay(_: Ground) -> Held {
    let ground = Ground::with(&[("ORIGIN", "https://login.example.com")]).await?;
    let answer = ground.http().get("/login").await?;
    let strict = answer.header("strict-transport-security");
    ensure!(strict.contains("max-age="), "Strict-Transport-Security {strict:?}");
    let plain = Ground::with(&[]).await?.http().get("/login").await?;
    ensure!(plain.header("strict-transport-security").is_empty(), "loopback asks for HTTPS");
    Ok(strict.to_owned())
}
