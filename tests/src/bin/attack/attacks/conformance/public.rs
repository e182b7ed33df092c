//! What anyone may ask for.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::Page;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["conformance", OneAccount;
        well_known_says_who_it_is,
        login_page_has_a_nonce,
        phone_page_looks_nothing_up,
        enrolment_page_consumes_nothing,
        health_and_description_are_there,
        figures_are_not_on_the_public_listener,
        unknown_paths_and_methods_are_refused,
        problems_are_problem_json,
        bodies_over_16_kib_are_413,
        unknown_members_are_ignored,
        malformed_bodies_are_400,
    ]
}

async fn well_known_says_who_it_is(ground: Ground) -> Held {
    let answer = ground.http().get("/.well-known/countersign").await?.is(200)?;
    let body = answer.json()?;
    ensure!(body["origin"] == ground.http().origin(), "origin is {}", body["origin"]);
    ensure!(body["versions"] == json!([1]), "versions are {}", body["versions"]);
    ensure!(body["name"].is_string(), "no name");
    ensure!(!answer.header("dpop-nonce").is_empty(), "no DPoP-Nonce");
    Ok(format!("{body} and a nonce"))
}

async fn login_page_has_a_nonce(ground: Ground) -> Held {
    let answer = ground.http().get("/login").await?.is(200)?;
    let text = answer.text();
    let (_, rest) =
        text.split_once("name=\"dpop-nonce\"").ok_or_else(|| anyhow::anyhow!("no meta dpop-nonce"))?;
    let (_, rest) =
        rest.split_once("content=\"").ok_or_else(|| anyhow::anyhow!("the meta has no content"))?;
    let nonce = rest.split('"').next().unwrap_or_default().to_owned();
    ensure!(answer.header("cache-control").contains("no-store"), "a page with a nonce may be cached");
    // It is a nonce: a proof with it starts a request.
    let http = ground.http();
    let key = crate::client::Key::fresh();
    let proof =
        crate::client::Jws::proof(&key, "POST", &http.url("/api/login-requests")).claim("nonce", nonce);
    let start = Page::starting(http, &crate::client::Jar::default()).json(&json!({}));
    start.header("dpop", proof.sign(&key)).send().await?.is(201)?;
    Ok("the nonce in the page starts a request".to_owned())
}

async fn phone_page_looks_nothing_up(ground: Ground) -> Held {
    let page = ground.page().await?;
    let code = page.code().await?;
    let right = ground.http().get(&format!("/Q/{code}")).await?.is(200)?;
    let small = ground.http().get(&format!("/q/{}", code.to_lowercase())).await?.is(200)?;
    let wrong = ground.http().get(&format!("/Q/{}", "A".repeat(40))).await?.is(200)?;
    ensure!(
        right.body == wrong.body && small.body == wrong.body,
        "the page tells a live code from a wrong one"
    );
    ensure!(right.cookies().is_empty(), "the page sets a cookie");
    ensure!(page.stage().await? == "waiting", "opening the code changed the request");
    Ok("a live and a wrong code give the same static page".to_owned())
}

async fn enrolment_page_consumes_nothing(ground: Ground) -> Held {
    let link = ground.link().await?;
    let code = crate::client::enrolment_in(&link)?;
    for _ in 0..3 {
        ground.http().get(&format!("/E/{code}")).await?.is(200)?;
    }
    crate::client::Device::enrol(ground.http(), &link).await?;
    Ok("the link still enrols after three visits".to_owned())
}

async fn health_and_description_are_there(ground: Ground) -> Held {
    for path in ["/health/live", "/health/ready", "/openapi.json"] {
        ground.http().get(path).await?.is(200)?;
    }
    ground.http().get("/openapi.json").await?.json()?;
    Ok("live, ready, openapi.json".to_owned())
}

async fn figures_are_not_on_the_public_listener(ground: Ground) -> Held {
    ground.http().get("/metrics").await?.is(404)?;
    Ok("GET /metrics is 404".to_owned())
}

async fn unknown_paths_and_methods_are_refused(ground: Ground) -> Held {
    for (method, path, status) in [
        ("GET", "/api/nothing", 404),
        ("POST", "/api/nothing", 404),
        ("GET", "/api", 404),
        ("PUT", "/api/login-requests", 405),
        ("GET", "/api/login-requests", 405),
        ("GET", "/api/scans", 405),
        ("GET", "/api/decisions", 405),
        ("PATCH", "/api/session", 405),
        ("TRACE", "/api/session", 405),
    ] {
        ground.http().call(method, path).send().await?.is(status)?;
    }
    Ok("404 for paths, 405 for methods".to_owned())
}

async fn problems_are_problem_json(ground: Ground) -> Held {
    let http = ground.http();
    let answers = [
        http.get("/api/session").await?,
        http.get("/api/devices").await?,
        http.call("POST", "/api/login-requests")
            .header("origin", http.origin())
            .json(&json!({}))
            .send()
            .await?,
        http.get("/api/login-requests/nothing").await?,
        http.call("POST", "/api/decisions").json(&json!({"statement": "x.y.z"})).send().await?,
        http.call("POST", "/api/decisions")
            .header("content-type", "application/json")
            .body("{")
            .send()
            .await?,
        http.get("/api/nothing").await?,
        http.call("PUT", "/api/login-requests").send().await?,
    ];
    for answer in answers {
        ensure!(!answer.problem().is_empty(), "{answer}: no urn:countersign:problem");
        ensure!(
            answer.header("content-type").starts_with("application/problem+json"),
            "{answer}: content type"
        );
        ensure!(answer.json()?["status"] == answer.status, "{answer}: the body's status differs");
        ensure!(
            answer.status != 401 || answer.header("www-authenticate").starts_with("DPoP error=\""),
            "{answer}: WWW-Authenticate is {:?}",
            answer.header("www-authenticate")
        );
    }
    Ok("eight refusals are RFC 9457 with our names".to_owned())
}

async fn bodies_over_16_kib_are_413(ground: Ground) -> Held {
    let http = ground.http();
    let fits = format!("{{\"padding\":\"{}\"}}", "x".repeat(16_384 - 14));
    ensure!(fits.len() == 16_384, "the body has {} bytes", fits.len());
    let key = crate::client::Key::fresh();
    let start =
        Page::starting(http, &crate::client::Jar::default()).header("content-type", "application/json");
    start.clone().proof(&key).await?.body(fits.clone()).send().await?.is(201)?;
    start.proof(&key).await?.body(format!(" {fits}")).send().await?.is(413)?;
    let large = "x".repeat(16_385);
    for path in ["/api/decisions", "/api/devices", "/api/scans"] {
        let call = http.call("POST", path).header("content-type", "application/json").proof(&key).await?;
        // Proof and token are judged before the body, so a scan without a token is 401.
        let due: &[u16] = if path == "/api/scans" { &[401, 413] } else { &[413] };
        call.body(large.clone()).send().await?.one_of(due)?;
    }
    Ok("16384 bytes pass, 16385 are 413".to_owned())
}

async fn unknown_members_are_ignored(ground: Ground) -> Held {
    let http = ground.http();
    let (key, jar) = (crate::client::Key::fresh(), crate::client::Jar::default());
    let body = json!({"return_to": "/", "future": {"a": [1]}, "id": "x"});
    let page = Page::start_with(http, &key, &jar, &body, &[]).await?;
    ensure!(page.id != "x", "the page chose its id");
    let device = ground.device().await?;
    let body = json!({"code": page.code().await?, "via": "camera", "future": 1});
    let scan = crate::client::Scan::read(device.scan_via(&body).await?)?;
    let check = page.check().await?;
    let statement = device.statement(&scan, "approve", Some(&check))?.claim("future", 1).head("future", 1);
    let body = json!({"statement": statement.sign(&device.key), "future": true});
    http.call("POST", "/api/decisions").json(&body).send().await?.is(204)?;
    let redeem =
        page.call("POST", &page.path("/session")).json(&json!({"future": 1})).proof(&page.key).await?;
    redeem.send().await?.is(201)?;
    Ok("a login with unknown members everywhere ends signed in".to_owned())
}

async fn malformed_bodies_are_400(ground: Ground) -> Held {
    let http = ground.http();
    let device = ground.device().await?;
    for body in ["{", "[]", "null", "\"x\"", "{\"return_to\": 7}", "\u{feff}{}"] {
        let start =
            Page::starting(http, &crate::client::Jar::default()).header("content-type", "application/json");
        let start = start.proof(&crate::client::Key::fresh()).await?;
        start.body(body).send().await?.refuses(400, "malformed").with_context(|| format!("for {body:?}"))?;
    }
    for body in [
        json!({}),
        json!({"code": 7, "via": "camera"}),
        json!({"code": "A".repeat(40)}),
        json!({"code": "A".repeat(40), "via": "telepathy"}),
        json!({"code": "A".repeat(40), "via": "typed"}),
        json!({"user_code": "BCDF-GHJK", "via": "camera"}),
        json!({"code": "A".repeat(40), "user_code": "BCDF-GHJK", "via": "camera"}),
        json!({"via": "typed"}),
    ] {
        let answer = device.scan_via(&body).await?;
        answer.refuses(400, "malformed").with_context(|| format!("for {body}"))?;
    }
    for body in [json!({}), json!({"statement": 7}), json!({"statement": null})] {
        http.call("POST", "/api/decisions").json(&body).send().await?.refuses(400, "malformed")?;
    }
    Ok("17 malformed bodies are 400 malformed".to_owned())
}
