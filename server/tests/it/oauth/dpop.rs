//! RFC 9449: tokens that are bound to a key.

use super::{Given, Program, TOKEN, World, refused};

#[tokio::test]
async fn a_proof_binds_the_tokens_to_its_key() {
    let world = World::new().await;
    let spa = world.public("spa").await;
    let code = world.code(&spa, Given::default()).await;
    let body = spa.proven_token(&Program::code_call(&code)).await.expect(200);
    assert_eq!(body["token_type"], "DPoP");
    let access = world.claims(&spa, "at+jwt", &body["access_token"]).await;
    assert_eq!(access["cnf"]["jkt"], spa.key.public().thumbprint().to_string());

    let token = body["access_token"].as_str().unwrap();
    let ask = async |program: &Program, scheme: &str| {
        let proof = program.proof("GET", "/oauth/userinfo", Some(token)).await;
        let headers = [("authorization", format!("{scheme} {token}")), ("dpop", proof)];
        program.send("GET", "/oauth/userinfo", &headers, None).await
    };
    ask(&spa, "DPoP").await.expect(200);
    ask(&spa, "dpop").await.expect(200);
    let thief = world.public("thief").await;
    refused(&ask(&thief, "DPoP").await, 401, "invalid_token");
    // RFC 9449 §7.2: a bound token is no bearer token.
    refused(&ask(&spa, "Bearer").await, 401, "invalid_token");
    refused(&spa.userinfo(&format!("Bearer {token}")).await, 401, "invalid_token");
}

#[tokio::test]
async fn the_refresh_token_of_a_public_client_needs_the_same_key() {
    let world = World::new().await;
    let spa = world.public("spa").await;
    let code = world.code(&spa, Given::default()).await;
    let body = spa.proven_token(&Program::code_call(&code)).await.expect(200);
    let call = Program::refresh_call(&body["refresh_token"]);
    refused(&spa.token(&call).await, 400, "invalid_grant");
    let thief = Program { id: "spa".to_owned(), ..world.public("thief").await };
    refused(&thief.proven_token(&call).await, 400, "invalid_grant");
    let next = spa.proven_token(&call).await.expect(200);
    assert_eq!(next["token_type"], "DPoP");

    let plain = world.tokens(&spa, Given::default()).await;
    let late = Program::refresh_call(&plain["refresh_token"]);
    refused(&spa.proven_token(&late).await, 400, "invalid_grant");
    spa.token(&late).await.expect(200);
}

/// RFC 9449 §5: a confidential client shows who it is by its secret, so its key may change.
#[tokio::test]
async fn a_confidential_client_may_change_its_key() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let code = world.code(&site, Given::default()).await;
    let body = site.proven_token(&Program::code_call(&code)).await.expect(200);
    assert_eq!(body["token_type"], "DPoP");
    let other_key = Program { id: "grafana".to_owned(), ..world.confidential("unused").await };
    let next = other_key.proven_token(&Program::refresh_call(&body["refresh_token"])).await.expect(200);
    let access = world.claims(&site, "at+jwt", &next["access_token"]).await;
    assert_eq!(access["cnf"]["jkt"], other_key.key.public().thumbprint().to_string());
    let plain = site.refresh(&next["refresh_token"]).await.expect(200);
    assert_eq!(plain["token_type"], "Bearer");
}

/// RFC 9449 §10: the key that the authorization request named.
#[tokio::test]
async fn a_code_that_is_bound_to_a_key_needs_it() {
    let world = World::new().await;
    for site in [world.public("spa").await, world.confidential("grafana").await] {
        let dpop = Some(site.key.public().thumbprint());
        let code = world.code(&site, Given { dpop, ..Given::default() }).await;
        refused(&site.exchange(&code).await, 400, "invalid_grant");
        let thief = Program {
            id: site.id.clone(),
            secret: site.secret.clone(),
            ..world.public(&format!("thief-{}", site.id)).await
        };
        refused(&thief.proven_token(&Program::code_call(&code)).await, 400, "invalid_grant");
        site.proven_token(&Program::code_call(&code)).await.expect(200);
    }
}

/// RFC 9449 §8: without a nonce of the server the call is repeated with one, and nothing was used.
#[tokio::test]
async fn the_server_asks_for_its_nonce() {
    let world = World::new().await;
    let spa = world.public("spa").await;
    let code = world.code(&spa, Given::default()).await;
    let form = spa.form(&Program::code_call(&code));
    for nonce in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
        let proof = spa.proof_with("POST", TOKEN, None, nonce);
        let answer = spa.send("POST", TOKEN, &[("dpop", proof)], Some(form.clone())).await;
        refused(&answer, 400, "use_dpop_nonce");
        assert!(answer.headers.contains_key("dpop-nonce"));
    }
    spa.proven_token(&Program::code_call(&code)).await.expect(200);
    // At a resource it is 401 with a challenge.
    let token = "x";
    let proof = spa.proof_with("GET", "/oauth/userinfo", Some(token), None);
    let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
    let answer = spa.send("GET", "/oauth/userinfo", &headers, None).await;
    refused(&answer, 401, "use_dpop_nonce");
    assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("DPoP "));
    assert!(answer.headers.contains_key("dpop-nonce"));
}

/// RFC 9449 §4.3.
#[tokio::test]
async fn a_proof_is_for_one_call_and_one_use() {
    let world = World::new().await;
    let spa = world.public("spa").await;
    let code = world.code(&spa, Given::default()).await;
    let form = spa.form(&Program::code_call(&code));
    let send = async |proofs: &[String]| {
        let headers: Vec<_> = proofs.iter().map(|proof| ("dpop", proof.clone())).collect();
        spa.send("POST", TOKEN, &headers, Some(form.clone())).await
    };
    for wrong in [
        spa.proof("GET", TOKEN, None).await,
        spa.proof("POST", "/oauth/revoke", None).await,
        spa.proof("POST", TOKEN, Some("a token")).await,
        "no proof".to_owned(),
    ] {
        refused(&send(&[wrong]).await, 400, "invalid_dpop_proof");
    }
    let two = [spa.proof("POST", TOKEN, None).await, spa.proof("POST", TOKEN, None).await];
    refused(&send(&two).await, 400, "invalid_dpop_proof");
    let once = [spa.proof("POST", TOKEN, None).await];
    let body = send(&once).await.expect(200);
    refused(&send(&once).await, 400, "invalid_dpop_proof");
    let token = body["access_token"].as_str().unwrap();
    for proof in [
        spa.proof("GET", "/oauth/userinfo", None).await,
        spa.proof("GET", "/oauth/userinfo", Some("another")).await,
        spa.proof("POST", "/oauth/userinfo", Some(token)).await,
    ] {
        let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
        let answer = spa.send("GET", "/oauth/userinfo", &headers, None).await;
        refused(&answer, 401, "invalid_dpop_proof");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_dpop_proof"));
    }
    refused(&spa.userinfo(&format!("DPoP {token}")).await, 401, "invalid_dpop_proof");
}
