//! RFC 8414, OpenID Connect Discovery, RFC 7517: what clients set themselves up with.

use std::collections::BTreeSet;

use countersign_server::seal::Seal;
use countersign_server::server_keys::ServerKeys;
use countersign_server::store::{Alg, StoredSigningKey};
use protocol::encoding::{base64url, from_base64url};
use protocol::secret::{Secret, sha256};
use protocol::statement::Decision;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{Given, REDIRECT_URI, SECRET, VERIFIER, World, form, header_of, refused};

const RSA_PEM: &str = include_str!("../../keys/rsa-2048.pem");

#[tokio::test]
async fn both_documents_say_the_same_and_every_address_in_them_is_served() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let oidc = site.get("/.well-known/openid-configuration").await;
    assert_eq!(oidc.headers["cache-control"], "public, max-age=300");
    let oidc = oidc.expect(200);
    assert_eq!(site.get("/.well-known/oauth-authorization-server").await.expect(200), oidc);
    let issuer = "https://login.example.com";
    assert_eq!(oidc["issuer"], issuer);
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]),
        ),
        ("subject_types_supported", json!(["public"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
        ("dpop_signing_alg_values_supported", json!(["ES256"])),
        ("request_uri_parameter_supported", json!(false)),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(oidc[name], value, "{name}");
    }
    for (name, address) in oidc.as_object().unwrap() {
        if !(name.ends_with("_endpoint") || name == "jwks_uri") {
            continue;
        }
        let path = address.as_str().unwrap().strip_prefix(issuer).expect("an address of this server");
        assert!(!path.contains(['#', '?']), "{name}");
        let answer = site.get(path).await;
        assert_ne!(answer.status, 404, "{name} is served");
    }
}

#[tokio::test]
async fn a_client_that_needs_rs256_gets_it_once_a_key_is_there() {
    let world = World::new().await;
    let site = world.client("old", Some(SECRET), Alg::Rs256).await;
    let code = world.code(&site, Given::default()).await;
    refused(&site.exchange(&code).await, 500, "server_error");

    let kid = import(&world).await;
    // A node follows within a minute.
    world.node.clock.advance_s(59);
    refused(&site.exchange(&code).await, 500, "server_error");
    world.node.clock.advance_s(1);
    let code = world.code(&site, Given::default()).await;
    let body = site.exchange(&code).await.expect(200);
    let header = header_of(&body["id_token"]);
    assert_eq!(header, json!({ "typ": "JWT", "alg": "RS256", "kid": kid }));
    let set = site.get("/oauth/jwks").await.expect(200);
    let jwk = set["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == kid.as_str()).unwrap();
    let part = |name: &str| from_base64url(jwk[name].as_str().unwrap()).unwrap();
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    let (signed, signature) = body["id_token"].as_str().unwrap().rsplit_once('.').unwrap();
    let signature = from_base64url(signature).unwrap();
    public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
    assert_eq!(header_of(&body["access_token"])["alg"], "ES256");
    let algs = site.get("/.well-known/openid-configuration").await.expect(200);
    assert_eq!(algs["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
}

/// OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2: a hint is one of ours, whatever it is signed with.
#[tokio::test]
async fn a_hint_of_a_client_that_needs_rs256_is_one() {
    let world = World::new().await;
    import(&world).await;
    let site = world.client("old", Some(SECRET), Alg::Rs256).await;
    let body = world.tokens(&site, Given::default()).await;
    assert_eq!(header_of(&body["id_token"])["alg"], "RS256");
    let hint = body["id_token"].as_str().unwrap();
    let (grace, other) = (world.node.device("grace").await, world.node.page());
    let request = other.start().await;
    let scanned = grace.scanned(&request).await;
    let number = other.number(&request).await;
    grace.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    other.redeem(&request).await.expect(201);
    let asks = form(&[
        ("response_type", "code".to_owned()),
        ("client_id", "old".to_owned()),
        ("redirect_uri", REDIRECT_URI.to_owned()),
        ("code_challenge", base64url(&sha256(VERIFIER.as_bytes()))),
        ("code_challenge_method", "S256".to_owned()),
        ("prompt", "none".to_owned()),
        ("id_token_hint", hint.to_owned()),
    ]);
    // Ada has not agreed; Grace is not whom the site means.
    for (page, error) in [(&world.page, "consent_required"), (&other, "login_required")] {
        let led = page.visit(&format!("/oauth/authorize?{asks}")).await.leads_to();
        assert!(led.contains(&format!("error={error}&")), "{led}");
    }
    let end = |token: &str| format!("/oauth/end-session?id_token_hint={token}");
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let (_, signature) = body["access_token"].as_str().unwrap().rsplit_once('.').unwrap();
    for (page, token) in [(&other, hint.to_owned()), (&world.page, format!("{signed}.{signature}"))] {
        let asked = page.visit(&end(&token)).await;
        assert!(asked.body.as_str().unwrap().contains("data-state=\"sign-out\""), "{token}");
    }
    let done = world.page.visit(&end(hint)).await;
    assert!(done.body.as_str().unwrap().contains("data-state=\"signed-out\""));
    world.page.session().await.problem(401, "invalid_token");
}

/// As `signing-keys import` does.
async fn import(world: &World) -> String {
    let der = PrivateKeyDer::from_pem_slice(RSA_PEM.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_der()).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let seal = Seal::new(&ServerKeys::one(Secret::new([7; 32])), "signing key");
    let (e, n) = (base64url(&public.e), base64url(&public.n));
    let public_jwk = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    let kid = base64url(&sha256(public_jwk.as_bytes()));
    let key = StoredSigningKey {
        kid: kid.clone(),
        alg: Alg::Rs256,
        sealed: seal.close(der.secret_der(), [1; 12]),
        public_jwk,
        used_from: world.node.now(),
        created_at: world.node.now(),
    };
    assert!(world.node.durable.add_signing_key(&key, None).await.unwrap());
    kid
}

#[tokio::test]
async fn the_set_holds_public_halves_alone_and_follows_the_housekeeping() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let first = site.get("/oauth/jwks").await.expect(200);
    let keys = |set: &Value| set["keys"].as_array().unwrap().clone();
    assert_eq!(keys(&first).len(), 1);
    let members: BTreeSet<_> = keys(&first)[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(Vec::from_iter(members), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    world.node.clock.advance_s(90 * 86_400);
    world.node.service.housekeep().await.unwrap();
    assert_eq!(keys(&site.get("/oauth/jwks").await.expect(200)).len(), 2, "the next one is published");
    world.node.clock.advance_s(2 * 86_400);
    world.node.service.housekeep().await.unwrap();
    let last = site.get("/oauth/jwks").await.expect(200);
    assert!(keys(&last).len() == 1 && last != first);
}

/// A node that has loaded its keys takes a token that another node signed with a younger one.
#[tokio::test]
async fn a_node_finds_the_key_that_another_one_made() {
    let world = World::new().await;
    let site = world.confidential("grafana").await;
    let beside = world.node.beside(world.node.short_lived.clone()).await;
    site.get("/oauth/jwks").await.expect(200);
    let body = world.tokens(&site, Given::default()).await;
    let call = world.page.wire.http.get(format!("{}/oauth/userinfo", beside.base));
    let token = body["access_token"].as_str().unwrap();
    let answer = call.header("authorization", format!("Bearer {token}")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Scripts of any origin may call what programs call, without cookies; what needs a secret or shows a page, none.
#[tokio::test]
async fn scripts_of_any_origin_may_call_the_machine_endpoints() {
    let world = World::new().await;
    let site = world.public("spa").await;
    let origin = ("origin", "https://spa.example".to_owned());
    let ask = [origin.clone(), ("access-control-request-method", "POST".to_owned())];
    for path in [
        "/oauth/token",
        "/oauth/userinfo",
        "/oauth/revoke",
        "/oauth/jwks",
        "/.well-known/openid-configuration",
    ] {
        let question = site.send("OPTIONS", path, &ask, None).await;
        assert_eq!(question.status, 204, "{path}");
        assert_eq!(question.headers["access-control-allow-origin"], "*", "{path}");
        assert!(question.headers["access-control-allow-headers"].to_str().unwrap().contains("dpop"));
        assert!(!question.headers.contains_key("access-control-allow-credentials"));
        let answer = site.send("GET", path, std::slice::from_ref(&origin), None).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("dpop-nonce"), "{path}");
    }
    for path in ["/oauth/introspect", "/oauth/authorize", "/api/session"] {
        for method in ["OPTIONS", "GET", "POST"] {
            let answer = site.send(method, path, &ask, None).await;
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{method} {path}");
        }
    }
}
