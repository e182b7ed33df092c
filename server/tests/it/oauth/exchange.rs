//! RFC 6749 §3.2, §4.1.3, §5; RFC 7636 §4.6; RFC 9068 §2; OpenID Connect Core §2 and §3.1.3.

use protocol::encoding::base64url;
use protocol::secret::sha256;
use serde_json::{Value, json};

use super::{Given, Program, SECRET, TOKEN, World, form, header_of, refused};

#[tokio::test]
async fn a_code_gives_tokens_that_say_who_it_is() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let code = world.code(&site, Given::default()).await;
    let answer = site.exchange(&code).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let body = answer.expect(200);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(body["scope"], "openid profile email groups");

    let now = world.node.now().unix_s();
    let sub = world.account().to_string();
    let access = world.claims(&site, "at+jwt", &body["access_token"]).await;
    for (name, value) in [
        ("iss", json!("https://login.example.com")),
        ("sub", json!(sub)),
        ("aud", json!("https://login.example.com")),
        ("client_id", json!("grafana")),
        ("scope", body["scope"].clone()),
        ("iat", json!(now)),
        ("exp", json!(now + 600)),
        ("acr", json!("urn:countersign:acr:approved")),
        ("amr", json!(["swk", "mca"])),
    ] {
        assert_eq!(access[name], value, "{name}");
    }
    assert_eq!(access["jti"].as_str().unwrap().len(), 22);
    assert!(access.get("cnf").is_none());

    let id = world.claims(&site, "JWT", &body["id_token"]).await;
    let hash = sha256(body["access_token"].as_str().unwrap().as_bytes());
    for (name, value) in [
        ("iss", json!("https://login.example.com")),
        ("sub", json!(sub)),
        ("aud", json!("grafana")),
        ("iat", json!(now)),
        ("exp", json!(now + 600)),
        ("auth_time", access["auth_time"].clone()),
        ("nonce", json!("n-0S6")),
        ("at_hash", json!(base64url(&hash[..16]))),
        ("sid", access["sid"].clone()),
        ("preferred_username", json!("ada")),
        ("name", json!("ADA")),
        ("groups", json!([])),
    ] {
        assert_eq!(id[name], value, "{name}");
    }
    assert!(id["auth_time"].as_i64().unwrap() <= now);
    assert!(id.get("email").is_none(), "the account has none: {id}");
    assert_eq!(header_of(&body["id_token"])["typ"], "JWT");
}

#[tokio::test]
async fn tokens_of_a_verified_person_say_so_and_scopes_bound_what_they_say() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let given = Given { scopes: "openid", nonce: None, verified: true, ..Given::default() };
    let body = world.tokens(&site, given).await;
    let id = world.claims(&site, "JWT", &body["id_token"]).await;
    assert_eq!(id["acr"], "urn:countersign:acr:verified");
    assert_eq!(id["amr"], json!(["swk", "mca", "pin", "mfa"]));
    for absent in ["nonce", "preferred_username", "name", "email", "groups"] {
        assert!(id.get(absent).is_none(), "{absent} in {id}");
    }
    let plain = world.tokens(&site, Given { scopes: "offline_access", ..Given::default() }).await;
    assert!(plain.get("id_token").is_none());
}

#[tokio::test]
async fn a_token_does_not_outlive_its_grant() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let body = world.tokens(&site, Given { life_s: 90, ..Given::default() }).await;
    assert_eq!(body["expires_in"], 90);
}

/// RFC 6749 §4.1.3: what is missing is `invalid_request`, what does not fit `invalid_grant`. The code stays as it is.
#[tokio::test]
async fn each_wrong_parameter_in_turn_is_refused_and_leaves_the_code_good() {
    let world = World::new().await;
    let site = world.public("spa").await;
    let other = world.public("other").await;
    let code = world.code(&site, Given::default()).await;
    let with = |name: &str, value: Option<&str>| {
        let mut call = Program::code_call(&code);
        call.retain(|(known, _)| *known != name);
        let name =
            ["grant_type", "code", "redirect_uri", "code_verifier"].into_iter().find(|known| *known == name);
        call.extend(name.zip(value).map(|(name, value)| (name, value.to_owned())));
        call
    };
    for (name, value, error) in [
        ("grant_type", None, "invalid_request"),
        ("grant_type", Some(""), "invalid_request"),
        ("grant_type", Some("password"), "unsupported_grant_type"),
        ("grant_type", Some("client_credentials"), "unsupported_grant_type"),
        ("grant_type", Some("Authorization_Code"), "unsupported_grant_type"),
        ("code", None, "invalid_request"),
        ("code", Some("no code"), "invalid_grant"),
        ("code", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "invalid_grant"),
        ("redirect_uri", None, "invalid_request"),
        ("redirect_uri", Some("https://app.example.com/callback/"), "invalid_grant"),
        ("redirect_uri", Some("https://evil.example/callback"), "invalid_grant"),
        ("code_verifier", None, "invalid_request"),
        ("code_verifier", Some(""), "invalid_request"),
        ("code_verifier", Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"), "invalid_grant"),
        // The challenge itself: the method `plain` is none.
        ("code_verifier", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "invalid_grant"),
    ] {
        refused(&site.token(&with(name, value)).await, 400, error);
    }
    refused(&other.exchange(&code).await, 400, "invalid_grant");
    site.exchange(&code).await.expect(200);
}

/// RFC 6749 §3.2: twice is an error, whatever the values, and so is another type of body.
#[tokio::test]
async fn a_form_has_each_parameter_once() {
    let world = World::new().await;
    let site = world.public("spa").await;
    let code = world.code(&site, Given::default()).await;
    let good = site.form(&Program::code_call(&code));
    for (name, value) in [("grant_type", "authorization_code"), ("client_id", "spa"), ("unknown", "x")] {
        let twice = form(&[(name, value.to_owned()), (name, value.to_owned())]);
        refused(
            &site.send("POST", TOKEN, &[], Some(format!("{good}&{twice}"))).await,
            400,
            "invalid_request",
        );
    }
    let long = format!("{good}&x={}", "x".repeat(20_000));
    refused(&site.send("POST", TOKEN, &[], Some(long)).await, 413, "invalid_request");
    for media_type in ["application/json", "text/plain", "application/x-www-form-urlencoded-not"] {
        let call = world.page.wire.http.post(format!("{}{TOKEN}", world.node.base));
        let answer = call.header("content-type", media_type).body(good.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{media_type}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_request");
    }
    let in_query = format!("{TOKEN}?{good}");
    refused(&site.send("POST", &in_query, &[], Some(String::new())).await, 401, "invalid_client");
    assert_eq!(site.get(&in_query).await.status, 405);
    // Unknown parameters are ignored (RFC 6749 §3.2).
    site.send("POST", TOKEN, &[], Some(format!("{good}&unknown=x&resource="))).await.expect(200);
}

/// RFC 6749 §4.1.2: the second use is refused and ends what came of the first.
#[tokio::test]
async fn a_second_use_of_a_code_ends_its_grant() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let code = world.code(&site, Given::default()).await;
    let body = site.exchange(&code).await.expect(200);
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    site.userinfo(&bearer).await.expect(200);
    refused(&site.exchange(&code).await, 400, "invalid_grant");
    refused(&site.userinfo(&bearer).await, 401, "invalid_token");
    refused(&site.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn of_twenty_exchanges_at_once_one_gives_tokens_and_all_of_it_ends() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let code = world.code(&site, Given::default()).await;
    let answers = futures_util::future::join_all((0..20).map(|_| site.exchange(&code))).await;
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1);
    let bearer = format!("Bearer {}", good[0].body["access_token"].as_str().unwrap());
    refused(&site.userinfo(&bearer).await, 401, "invalid_token");
}

#[tokio::test]
async fn a_code_is_good_for_a_minute_and_while_its_session_lives() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let old = world.code(&site, Given::default()).await;
    world.node.clock.advance_s(60);
    refused(&site.exchange(&old).await, 400, "invalid_grant");
    let fresh = world.code(&site, Given::default()).await;
    let orphan = world.code(&site, Given::default()).await;
    world.node.clock.advance_s(59);
    let body = site.exchange(&fresh).await.expect(200);
    let path = format!("/api/sessions/{}", world.session());
    world.device.call("DELETE", &path, None).await.expect(204);
    refused(&site.exchange(&orphan).await, 400, "invalid_grant");
    refused(&site.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    refused(&site.userinfo(&bearer).await, 401, "invalid_token");
}

/// RFC 6749 §2.3: by header or body, exactly one of them.
#[tokio::test]
async fn a_client_shows_who_it_is_in_exactly_one_way() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    world.public("spa").await;
    let basic = |id: &str, secret: &str| {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        ("authorization", format!("Basic {pair}"))
    };
    let code = world.code(&site, Given::default()).await;
    let call = Program::code_call(&code);
    let body = |more: &[(&'static str, &str)]| {
        let mut call = call.clone();
        call.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Some(form(&call))
    };
    let no_header: Vec<(&str, String)> = Vec::new();
    for (what, headers, form, status, error) in [
        ("nothing", no_header.clone(), body(&[]), 401, "invalid_client"),
        ("an unknown id", no_header.clone(), body(&[("client_id", "nobody")]), 401, "invalid_client"),
        ("no id at all", no_header.clone(), body(&[("client_id", "a b/c")]), 401, "invalid_client"),
        ("no secret", no_header.clone(), body(&[("client_id", "grafana")]), 401, "invalid_client"),
        ("a secret alone", no_header.clone(), body(&[("client_secret", SECRET)]), 401, "invalid_client"),
        (
            "a wrong secret",
            no_header.clone(),
            body(&[("client_id", "grafana"), ("client_secret", "sesame")]),
            401,
            "invalid_client",
        ),
        (
            "a secret of a public client",
            no_header,
            body(&[("client_id", "spa"), ("client_secret", SECRET)]),
            401,
            "invalid_client",
        ),
        ("a wrong secret in the header", vec![basic("grafana", "sesame")], body(&[]), 401, "invalid_client"),
        ("another scheme", vec![("authorization", "Bearer x".to_owned())], body(&[]), 401, "invalid_client"),
        ("garbage", vec![("authorization", "Basic %%%".to_owned())], body(&[]), 401, "invalid_client"),
        (
            "header and body",
            vec![basic("grafana", SECRET)],
            body(&[("client_id", "grafana"), ("client_secret", SECRET)]),
            400,
            "invalid_request",
        ),
        ("two ids", vec![basic("grafana", SECRET)], body(&[("client_id", "spa")]), 400, "invalid_request"),
        (
            "two headers",
            vec![basic("grafana", SECRET), basic("grafana", SECRET)],
            body(&[]),
            400,
            "invalid_request",
        ),
    ] {
        let answer = site.send("POST", TOKEN, &headers, form).await;
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{what}");
        refused(&answer, status, error);
    }
    // The id may stand in the body as well, and both are form-encoded inside the header.
    let encoded = basic("grafan%61", SECRET);
    site.send("POST", TOKEN, &[encoded], body(&[("client_id", "grafana")])).await.expect(200);
}

/// Guessing secrets and codes counts like failed proofs.
#[tokio::test]
async fn guesses_are_limited_by_address() {
    use crate::support::{Node, Options};
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 5)).await;
    let world = World::on(node).await;
    let site = world.confidential("grafana").await;
    let guesser = Program { secret: Some("guess".to_owned()), ..world.confidential("other").await };
    let code = world.code(&site, Given::default()).await;
    for _ in 0..3 {
        refused(&guesser.exchange(&code).await, 401, "invalid_client");
    }
    for _ in 0..2 {
        refused(&site.exchange("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await, 400, "invalid_grant");
    }
    let limited = site.exchange(&code).await;
    refused(&limited, 429, "temporarily_unavailable");
    assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}
