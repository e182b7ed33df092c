//! Calls at somebody else's wish: CSRF and its relatives.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["browser", OneAccount;
        forged_calls_without_an_origin,
        forged_calls_from_null,
        forged_calls_from_a_stranger,
        forged_calls_from_a_lookalike,
        forged_calls_from_another_port,
        forged_calls_as_forms,
        forged_calls_with_two_origins,
        method_overrides_are_ignored,
        enrolment_cannot_be_made_by_a_page,
        login_link_starts_nothing,
        nothing_is_shared_across_origins,
        preflights_allow_nobody,
    ]
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
