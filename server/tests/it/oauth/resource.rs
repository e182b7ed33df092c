//! Userinfo (OpenID Connect Core §5.3, RFC 6750), introspection (RFC 7662), revocation (RFC 7009).

use countersign_server::config::ClientSettings;
use countersign_server::store::Alg;
use serde_json::{Value, json};

use super::{Given, Program, REDIRECT_URI, World, form, header_of, refused};
use crate::support::{Node, Options};

fn bearer(body: &Value) -> String {
    format!("Bearer {}", body["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn userinfo_says_what_the_scopes_reach() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let sub = world.account().to_string();
    for (scopes, told) in [
        ("openid", json!({ "sub": sub })),
        ("openid profile", json!({ "sub": sub, "preferred_username": "ada", "name": "ADA" })),
        ("openid groups email", json!({ "sub": sub, "groups": [] })),
    ] {
        let body = world.tokens(&site, Given { scopes, ..Given::default() }).await;
        let answer = site.userinfo(&bearer(&body)).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.expect(200), told, "{scopes}");
        let headers = [("authorization", bearer(&body))];
        assert_eq!(site.send("POST", "/oauth/userinfo", &headers, None).await.expect(200), told);
    }
}

/// RFC 6750 §3: the challenge says what is wrong, and nothing when no token came.
#[tokio::test]
async fn a_resource_says_why_a_token_is_refused() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let challenges = |answer: &crate::support::Answer| -> Vec<String> {
        let lines = answer.headers.get_all("www-authenticate").iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    };
    let none = site.get("/oauth/userinfo").await;
    assert_eq!(none.status, 401);
    assert_eq!(challenges(&none), ["Bearer realm=\"countersign\"", "DPoP algs=\"ES256\""]);

    let body = world.tokens(&site, Given::default()).await;
    let good = body["access_token"].as_str().unwrap();
    let id_token = body["id_token"].as_str().unwrap();
    let refresh = body["refresh_token"].as_str().unwrap();
    let (signed, _) = good.rsplit_once('.').unwrap();
    for wrong in ["x", id_token, refresh, signed, &format!("{signed}.AAAA")] {
        let answer = site.userinfo(&format!("Bearer {wrong}")).await;
        refused(&answer, 401, "invalid_token");
        let told = challenges(&answer);
        assert!(told[0].starts_with("Bearer ") && told[0].contains("error=\"invalid_token\""), "{told:?}");
    }
    for malformed in ["Bearer", "Basic eDp5", good] {
        refused(&site.userinfo(malformed).await, 400, "invalid_request");
    }
    let no_openid = world.tokens(&site, Given { scopes: "profile", ..Given::default() }).await;
    let answer = site.userinfo(&bearer(&no_openid)).await;
    refused(&answer, 403, "insufficient_scope");
    assert!(challenges(&answer)[0].contains("scope=\"openid\""));
    assert_eq!(header_of(&body["access_token"])["typ"], "at+jwt");
    site.userinfo(&bearer(&body)).await.expect(200);
    world.node.clock.advance_s(600);
    refused(&site.userinfo(&bearer(&body)).await, 401, "invalid_token");
}

/// RFC 7662 §2.2, and whom it is told.
#[tokio::test]
async fn introspection_tells_confidential_clients_what_a_token_is_good_for() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let api = world.confidential("api").await;
    let spa = world.public("spa").await;
    let body = world.tokens(&site, Given::default()).await;
    let ask = async |by: &Program, token: &Value| {
        by.post("/oauth/introspect", &[("token", token.as_str().unwrap().to_owned())]).await
    };
    for by in [&site, &api] {
        let told = ask(by, &body["access_token"]).await.expect(200);
        for (name, value) in [
            ("active", json!(true)),
            ("client_id", json!("grafana")),
            ("sub", json!(world.account().to_string())),
            ("username", json!("ada")),
            ("scope", body["scope"].clone()),
            ("token_type", json!("Bearer")),
            ("exp", json!(world.node.now().unix_s() + 600)),
            ("iss", json!("https://login.example.com")),
        ] {
            assert_eq!(told[name], value, "{name}");
        }
    }
    refused(&ask(&spa, &body["access_token"]).await, 400, "unauthorized_client");
    let nobody = site.send("POST", "/oauth/introspect", &[], Some(form(&[("token", "x".to_owned())]))).await;
    refused(&nobody, 401, "invalid_client");
    refused(&site.post("/oauth/introspect", &[]).await, 400, "invalid_request");

    let inactive = json!({ "active": false });
    assert_eq!(ask(&site, &body["refresh_token"]).await.expect(200)["active"], true);
    assert_eq!(
        ask(&api, &body["refresh_token"]).await.expect(200),
        inactive,
        "another client's refresh token"
    );
    for token in [json!("x"), body["id_token"].clone()] {
        assert_eq!(ask(&site, &token).await.expect(200), inactive);
    }
    let next = site.refresh(&body["refresh_token"]).await.expect(200);
    assert_eq!(ask(&site, &body["refresh_token"]).await.expect(200), inactive, "a used one");
    assert_eq!(ask(&site, &next["refresh_token"]).await.expect(200)["active"], true);
    world.device.call("DELETE", "/api/sessions", None).await.expect(204);
    for token in [&next["access_token"], &next["refresh_token"]] {
        assert_eq!(ask(&site, token).await.expect(200), inactive, "the session ended");
    }
}

/// A client of the settings file leaves its grants in the store when it is taken out of the file.
#[tokio::test]
async fn tokens_of_a_client_that_is_gone_are_no_good() {
    let node = Node::with(Options::with(|settings| {
        settings.clients = vec![ClientSettings {
            id: "grafana".to_owned(),
            name: None,
            public: true,
            secret: None,
            secret_file: None,
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            device_grant: false,
            back_channel_logout: None,
            scopes: Vec::new(),
            session_days: None,
            step_up: false,
            shows_user_code: false,
            id_token_alg: Alg::Es256,
            require_pushed_authorization_requests: false,
            embed: false,
        }];
    }))
    .await;
    let world = World::on(node).await;
    let api = world.confidential("api").await;
    let site = Program { id: "grafana".to_owned(), ..world.public("unused").await };
    let body = world.tokens(&site, Given::default()).await;
    let token = [("token", body["access_token"].as_str().unwrap().to_owned())];
    site.userinfo(&bearer(&body)).await.expect(200);
    assert_eq!(api.post("/oauth/introspect", &token).await.expect(200)["active"], true);
    // Started again without it.
    let after = world.node.beside(world.node.short_lived.clone()).await;
    let at = |program: Program| Program { base: after.base.clone(), ..program };
    let (site, api) = (at(site), at(api));
    refused(&site.userinfo(&bearer(&body)).await, 401, "invalid_token");
    assert_eq!(api.post("/oauth/introspect", &token).await.expect(200), json!({ "active": false }));
    refused(&site.refresh(&body["refresh_token"]).await, 401, "invalid_client");
}

/// RFC 7009 §2.
#[tokio::test]
async fn a_client_gives_its_own_tokens_back() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let other = world.confidential("other").await;
    let revoke = async |by: &Program, token: &Value, hint: &str| {
        let token = token.as_str().unwrap().to_owned();
        by.post("/oauth/revoke", &[("token", token), ("token_type_hint", hint.to_owned())]).await
    };
    for which in ["access_token", "refresh_token"] {
        let body = world.tokens(&site, Given::default()).await;
        refused(&revoke(&other, &body[which], which).await, 400, "invalid_grant");
        site.userinfo(&bearer(&body)).await.expect(200);
        // A hint may be wrong or unknown.
        assert_eq!(revoke(&site, &body[which], "whatever").await.status, 200);
        refused(&site.userinfo(&bearer(&body)).await, 401, "invalid_token");
        refused(&site.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
        assert_eq!(revoke(&site, &body[which], which).await.status, 200, "again");
    }
    assert_eq!(revoke(&site, &json!("unknown"), "").await.status, 200);
    refused(&site.post("/oauth/revoke", &[]).await, 400, "invalid_request");
    let nobody = site.send("POST", "/oauth/revoke", &[], Some(form(&[("token", "x".to_owned())]))).await;
    refused(&nobody, 401, "invalid_client");
    let spa = world.public("spa").await;
    let body = world.tokens(&spa, Given::default()).await;
    assert_eq!(revoke(&spa, &body["refresh_token"], "refresh_token").await.status, 200);
    refused(&spa.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
}

/// The person sees what a client was given, and that it ended.
#[tokio::test]
async fn the_activity_shows_what_ended() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let body = world.tokens(&site, Given::default()).await;
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    site.post("/oauth/revoke", &[("token", token)]).await;
    let activity = world.device.call("GET", "/api/activity?after=0", None).await.expect(200).to_string();
    for kind in ["client_authorized", "grant_ended"] {
        assert!(activity.contains(kind), "{kind} in {activity}");
    }
}
