//! RFC 6749 §6; RFC 9700 §4.14; OpenID Connect Core §12.

use countersign_server::server_keys::ServerKeys;
use protocol::secret::Secret;
use serde_json::Value;

use super::{Given, Program, World, refused};

#[tokio::test]
async fn each_refresh_gives_the_next_token_and_a_new_login_token_without_the_nonce() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let first = world.tokens(&site, Given::default()).await;
    let before = world.claims(&site, "JWT", &first["id_token"]).await;
    world.node.clock.advance_s(700);
    let second = site.refresh(&first["refresh_token"]).await.expect(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["scope"], first["scope"]);
    let after = world.claims(&site, "JWT", &second["id_token"]).await;
    for same in ["iss", "sub", "aud", "auth_time", "sid", "acr"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["iat"], world.node.now().unix_s());
    assert!(after.get("nonce").is_none());
    site.refresh(&second["refresh_token"]).await.expect(200);
}

#[tokio::test]
async fn a_repeat_within_a_minute_gives_the_same_token_again() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let first = world.tokens(&site, Given::default()).await;
    let answers =
        futures_util::future::join_all((0..10).map(|_| site.refresh(&first["refresh_token"]))).await;
    let next: Vec<Value> = answers.into_iter().map(|a| a.expect(200)["refresh_token"].clone()).collect();
    assert!(next.iter().all(|token| *token == next[0]));
    world.node.clock.advance_s(59);
    // The server key changed in between.
    let keys = ServerKeys::of(vec![Secret::new([8; 32]), Secret::new([7; 32])]).unwrap();
    world.node.service.rekey(keys).await.unwrap();
    let again = site.refresh(&first["refresh_token"]).await.expect(200);
    assert_eq!(again["refresh_token"], next[0]);
    site.refresh(&next[0]).await.expect(200);
}

#[tokio::test]
async fn a_used_token_ends_the_grant_after_a_minute_or_once_its_successor_was_used() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    for late in [true, false] {
        let first = world.tokens(&site, Given::default()).await;
        let second = site.refresh(&first["refresh_token"]).await.expect(200);
        let last = if late {
            world.node.clock.advance_s(60);
            second
        } else {
            site.refresh(&second["refresh_token"]).await.expect(200)
        };
        refused(&site.refresh(&first["refresh_token"]).await, 400, "invalid_grant");
        refused(&site.refresh(&last["refresh_token"]).await, 400, "invalid_grant");
        let bearer = format!("Bearer {}", last["access_token"].as_str().unwrap());
        refused(&site.userinfo(&bearer).await, 401, "invalid_token");
    }
}

/// RFC 6749 §6: less can be asked for, more cannot; the refresh token reaches as far as before.
#[tokio::test]
async fn scopes_can_be_narrowed_and_come_back() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let first = world.tokens(&site, Given { scopes: "openid profile", ..Given::default() }).await;
    let with = |token: &Value, scope: &str| {
        let mut call = Program::refresh_call(token);
        call.push(("scope", scope.to_owned()));
        call
    };
    for more in ["openid email", "admin", "openid  profile", "a\"b"] {
        refused(&site.token(&with(&first["refresh_token"], more)).await, 400, "invalid_scope");
    }
    let narrow = site.token(&with(&first["refresh_token"], "openid")).await.expect(200);
    assert_eq!(narrow["scope"], "openid");
    let claims = world.claims(&site, "JWT", &narrow["id_token"]).await;
    assert!(claims.get("name").is_none());
    let info =
        site.userinfo(&format!("Bearer {}", narrow["access_token"].as_str().unwrap())).await.expect(200);
    assert!(info.get("name").is_none(), "userinfo reaches as far as the token: {info}");
    let wide = site.refresh(&narrow["refresh_token"]).await.expect(200);
    assert_eq!(wide["scope"], "openid profile");
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_client_and_grant_alone() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let other = world.confidential("other").await;
    let body = world.tokens(&site, Given { life_s: 3_600, ..Given::default() }).await;
    refused(&other.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
    refused(&site.refresh(&body["access_token"]).await, 400, "invalid_grant");
    let nothing = vec![("grant_type", "refresh_token".to_owned())];
    refused(&site.token(&nothing).await, 400, "invalid_request");
    let body = site.refresh(&body["refresh_token"]).await.expect(200);
    world.node.clock.advance_s(3_600);
    refused(&site.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
}

/// What the app ends is over, whatever the client holds.
#[tokio::test]
async fn offline_access_does_not_outlive_the_session() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let body = world.tokens(&site, Given { scopes: "openid offline_access", ..Given::default() }).await;
    world.device.call("DELETE", "/api/sessions", None).await.expect(204);
    refused(&site.refresh(&body["refresh_token"]).await, 400, "invalid_grant");
}
