//! Each parameter of each call in turn: missing, empty, twice, malformed, of a wrong kind, another client's. What is wrong
//! gets the error that its standard names, and changes nothing: the good call works afterwards (RFC 6749 §3.1, §3.2, §5.2).

use countersign_server::store::ClientPolicy;
use protocol::statement::Decision;
use serde_json::{Value, json};

use super::{Given, Program, REDIRECT_URI, SECRET, TOKEN, VERIFIER, World, form, refused};
use crate::support::{Node, Options, Scanned, add_client};

const NO_SUCH_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A call as it should be.
struct Call<'a> {
    program: &'a Program,
    path: &'static str,
    good: Vec<(&'static str, String)>,
}

/// What a call without a parameter gets, which is also what it gets with an empty one.
#[derive(Clone, Copy)]
enum Left {
    /// Status and error.
    Refused(u16, &'static str),
    /// 200.
    Good,
    /// Good, and not tried since it uses something up.
    Untried,
}

/// A value, and the status and error of a call with it.
type Wrong<'a> = (&'a str, u16, &'static str);

const MISSING: Left = Left::Refused(400, "invalid_request");
const NOBODY: Left = Left::Refused(401, "invalid_client");

impl Call<'_> {
    /// The good call with one parameter replaced by these values.
    async fn with(&self, name: &'static str, values: &[&str]) -> crate::support::Answer {
        let mut pairs = self.good.clone();
        pairs.retain(|(known, _)| *known != name);
        pairs.extend(values.iter().map(|value| (name, (*value).to_owned())));
        self.program.send("POST", self.path, &[], Some(form(&pairs))).await
    }

    async fn judge(&self, name: &'static str, left: Left, wrong: &[Wrong<'_>]) {
        let known = self.good.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let known = known.unwrap_or("x");
        for values in [&[][..], &[""]] {
            match left {
                Left::Refused(status, error) => refused(&self.with(name, values).await, status, error),
                Left::Good => assert_eq!(self.with(name, values).await.status, 200, "{name} {values:?}"),
                Left::Untried => {}
            }
        }
        for twice in [[known, known], [known, "x"], ["x", known], [known, ""], ["", ""]] {
            refused(&self.with(name, &twice).await, 400, "invalid_request");
        }
        for (value, status, error) in wrong {
            let answer = self.with(name, &[value]).await;
            let told = (answer.status, answer.body["error"].as_str());
            assert_eq!(told, (*status, Some(*error)), "{name}={value} at {}: {}", self.path, answer.body);
            refused(&answer, *status, error);
        }
    }

    /// The credentials of a confidential client, and bodies that are no form.
    async fn judge_head(&self, others: &[Wrong<'_>]) {
        let wrong = [("nobody", 401, "invalid_client"), ("a b/c", 401, "invalid_client")];
        self.judge("client_id", NOBODY, &[&wrong[..], others].concat()).await;
        let wrong = [("sesame", 401, "invalid_client"), ("größe", 401, "invalid_client")];
        self.judge("client_secret", NOBODY, &wrong).await;
        self.judge_kind().await;
    }

    async fn judge_kind(&self) {
        let text = form(&self.good);
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
            let call = self.program.http.post(format!("{}{}", self.program.base, self.path));
            let answer = call.header("content-type", kind).body(text.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{kind}");
            assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_request");
        }
        for method in ["GET", "PUT", "DELETE"] {
            let path = format!("{}?{text}", self.path);
            assert_eq!(self.program.send(method, &path, &[], None).await.status, 405, "{method} {path}");
        }
        let in_address = format!("{}?{text}", self.path);
        let answer = self.program.send("POST", &in_address, &[], Some(String::new())).await;
        refused(&answer, 401, "invalid_client");
    }

    /// The good call, with a parameter that nobody knows.
    async fn is_good(&self) -> Value {
        self.with("unknown", &["x"]).await.expect(200)
    }
}

async fn world() -> World {
    // None of this is about guessing.
    let node =
        Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 100_000)).await;
    World::on(node).await
}

fn confidential(id: &str) -> [(&'static str, String); 2] {
    [("client_id", id.to_owned()), ("client_secret", SECRET.to_owned())]
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

/// RFC 6749 §4.1.3, RFC 7636 §4.5.
#[tokio::test]
async fn of_an_exchange_of_a_code() {
    let world = world().await;
    let (site, other) = (world.confidential("grafana").await, world.confidential("other").await);
    world.public("spa").await;
    let tokens = world.tokens(&site, Given::default()).await;
    let (refresh, access) = (text(&tokens, "refresh_token"), text(&tokens, "access_token"));
    let theirs = world.code(&other, Given::default()).await;
    let good = [
        ("grant_type", "authorization_code".to_owned()),
        ("code", world.code(&site, Given::default()).await),
        ("redirect_uri", REDIRECT_URI.to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
    ];
    let call = Call { program: &site, path: TOKEN, good: [&good[..], &confidential("grafana")].concat() };
    call.judge(
        "grant_type",
        MISSING,
        &[
            ("password", 400, "unsupported_grant_type"),
            ("client_credentials", 400, "unsupported_grant_type"),
            ("implicit", 400, "unsupported_grant_type"),
            ("AUTHORIZATION_CODE", 400, "unsupported_grant_type"),
            ("authorization_code ", 400, "unsupported_grant_type"),
            ("refresh_token", 400, "invalid_request"),
            (DEVICE_CODE, 400, "invalid_request"),
        ],
    )
    .await;
    let not_codes: Vec<Wrong<'_>> = ["x", NO_SUCH_SECRET, &refresh, &access, &theirs]
        .into_iter()
        .map(|value| (value, 400, "invalid_grant"))
        .collect();
    call.judge("code", MISSING, &not_codes).await;
    call.judge(
        "redirect_uri",
        MISSING,
        &[
            ("https://app.example.com/callback/", 400, "invalid_grant"),
            ("https://evil.example/callback", 400, "invalid_grant"),
            ("no address", 400, "invalid_grant"),
        ],
    )
    .await;
    call.judge(
        "code_verifier",
        MISSING,
        &[
            ("x", 400, "invalid_grant"),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK", 400, "invalid_grant"),
            // The challenge itself: the method `plain` is none.
            ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", 400, "invalid_grant"),
        ],
    )
    .await;
    call.judge_head(&[("other", 400, "invalid_grant"), ("spa", 401, "invalid_client")]).await;
    let given = call.is_good().await;
    // RFC 6749 §10.10: nothing of it can be guessed.
    let bits = |token: String| protocol::encoding::from_base64url(&token).unwrap().len() * 8;
    assert_eq!((bits(theirs), bits(text(&given, "refresh_token"))), (256, 256));
}

/// RFC 6749 §6.
#[tokio::test]
async fn of_a_refresh() {
    let world = world().await;
    let (site, other) = (world.confidential("grafana").await, world.confidential("other").await);
    world.public("spa").await;
    let ours = world.tokens(&site, Given { scopes: "openid profile", ..Given::default() }).await;
    let theirs = text(&world.tokens(&other, Given::default()).await, "refresh_token");
    let code = world.code(&site, Given::default()).await;
    let good = [("grant_type", "refresh_token".to_owned()), ("refresh_token", text(&ours, "refresh_token"))];
    let call = Call { program: &site, path: TOKEN, good: [&good[..], &confidential("grafana")].concat() };
    call.judge("grant_type", MISSING, &[("authorization_code", 400, "invalid_request")]).await;
    let (access, id) = (text(&ours, "access_token"), text(&ours, "id_token"));
    let none: Vec<Wrong<'_>> = ["x", NO_SUCH_SECRET, &access, &id, &code, &theirs]
        .into_iter()
        .map(|value| (value, 400, "invalid_grant"))
        .collect();
    call.judge("refresh_token", MISSING, &none).await;
    call.judge(
        "scope",
        Left::Untried,
        &[
            ("openid email", 400, "invalid_scope"),
            ("admin", 400, "invalid_scope"),
            ("openid  profile", 400, "invalid_scope"),
            (" ", 400, "invalid_scope"),
            ("a\"b", 400, "invalid_scope"),
            ("größe", 400, "invalid_scope"),
        ],
    )
    .await;
    call.judge_head(&[("other", 400, "invalid_grant"), ("spa", 401, "invalid_client")]).await;
    call.is_good().await;
}

/// RFC 8628 §3.1.
#[tokio::test]
async fn of_a_start_of_a_device() {
    let world = world().await;
    let site = world.confidential("grafana").await;
    add_client(&world.node, "backup", None, true, ClientPolicy::default()).await;
    world.public("spa").await;
    let good = vec![("client_id", "backup".to_owned()), ("scope", "openid profile".to_owned())];
    let call = Call { program: &site, path: "/oauth/device-authorization", good };
    let wrong = [
        ("nobody", 401, "invalid_client"),
        ("a b/c", 401, "invalid_client"),
        ("grafana", 401, "invalid_client"),
        ("spa", 400, "unauthorized_client"),
    ];
    call.judge("client_id", NOBODY, &wrong).await;
    let wrong = ["openid  profile", " openid", "a\"b", "a\\b", "größe", "a\tb", "admin", "admin root"]
        .map(|value| (value, 400, "invalid_scope"));
    call.judge("scope", Left::Good, &wrong).await;
    call.judge_kind().await;
    assert_eq!(call.is_good().await["interval"], 5);
}

/// RFC 8628 §3.4.
#[tokio::test]
async fn of_a_poll_of_a_device() {
    let world = world().await;
    let site = world.confidential("grafana").await;
    for id in ["backup", "other"] {
        add_client(&world.node, id, None, true, ClientPolicy::default()).await;
    }
    let start = async |id: &str| {
        let call = form(&[("client_id", id.to_owned())]);
        site.send("POST", "/oauth/device-authorization", &[], Some(call)).await.expect(200)
    };
    let (ours, theirs) = (start("backup").await, start("other").await);
    for started in [&ours, &theirs] {
        let scanned = Scanned::read(world.device.type_code(&text(started, "user_code")).await.expect(201));
        world.device.decide(&scanned, Decision::Approve, None).await.expect(204);
    }
    let good = vec![
        ("grant_type", DEVICE_CODE.to_owned()),
        ("device_code", text(&ours, "device_code")),
        ("client_id", "backup".to_owned()),
    ];
    let call = Call { program: &site, path: TOKEN, good };
    let wrong = [
        ("device_code", 400, "unsupported_grant_type"),
        ("authorization_code", 400, "invalid_request"),
        ("refresh_token", 400, "invalid_request"),
    ];
    call.judge("grant_type", MISSING, &wrong).await;
    let (typed, other) = (text(&ours, "user_code"), text(&theirs, "device_code"));
    let none = "A".repeat(64);
    let wrong = ["x", &none, &typed, &other].map(|value| (value, 400, "invalid_grant"));
    call.judge("device_code", MISSING, &wrong).await;
    let wrong = [
        ("other", 400, "invalid_grant"),
        ("nobody", 401, "invalid_client"),
        ("grafana", 401, "invalid_client"),
    ];
    call.judge("client_id", NOBODY, &wrong).await;
    call.judge_kind().await;
    assert_eq!(call.is_good().await["token_type"], "Bearer");
}

/// RFC 7662 §2.1, §2.2: what is no token that is good is no error.
#[tokio::test]
async fn of_an_introspection() {
    let world = world().await;
    let (site, other) = (world.confidential("grafana").await, world.confidential("other").await);
    world.public("spa").await;
    let ours = world.tokens(&site, Given::default()).await;
    let theirs = text(&world.tokens(&other, Given::default()).await, "refresh_token");
    let good = [("token", text(&ours, "access_token")), ("token_type_hint", "access_token".to_owned())];
    let path = "/oauth/introspect";
    let call = Call { program: &site, path, good: [&good[..], &confidential("grafana")].concat() };
    call.judge("token", MISSING, &[]).await;
    call.judge("token_type_hint", Left::Good, &[]).await;
    call.judge_head(&[("spa", 401, "invalid_client")]).await;
    let id = text(&ours, "id_token");
    for value in ["x", NO_SUCH_SECRET, &id, &theirs, "größe"] {
        assert_eq!(call.with("token", &[value]).await.expect(200), json!({ "active": false }), "{value}");
    }
    // A hint that is wrong or unknown does no harm (RFC 7662 §2.1).
    for hint in ["refresh_token", "saml"] {
        assert_eq!(call.with("token_type_hint", &[hint]).await.expect(200)["active"], true, "{hint}");
    }
    assert_eq!(call.is_good().await["active"], true);
}

/// RFC 7009 §2.1, §2.2: what is no token is gone already.
#[tokio::test]
async fn of_a_revocation() {
    let world = world().await;
    let (site, other) = (world.confidential("grafana").await, world.confidential("other").await);
    world.public("spa").await;
    let ours = world.tokens(&site, Given::default()).await;
    let theirs = world.tokens(&other, Given::default()).await;
    let good = [("token", text(&ours, "refresh_token")), ("token_type_hint", "refresh_token".to_owned())];
    let path = "/oauth/revoke";
    let call = Call { program: &site, path, good: [&good[..], &confidential("grafana")].concat() };
    let (refresh, access) = (text(&theirs, "refresh_token"), text(&theirs, "access_token"));
    let wrong = [(refresh.as_str(), 400, "invalid_grant"), (access.as_str(), 400, "invalid_grant")];
    call.judge("token", MISSING, &wrong).await;
    call.judge("token_type_hint", Left::Untried, &[]).await;
    call.judge_head(&[("other", 400, "invalid_grant"), ("spa", 401, "invalid_client")]).await;
    for value in ["x", NO_SUCH_SECRET, &text(&ours, "id_token"), "größe"] {
        assert_eq!(call.with("token", &[value]).await.status, 200, "{value}");
    }
    for tokens in [&ours, &theirs] {
        site.userinfo(&format!("Bearer {}", text(tokens, "access_token"))).await.expect(200);
    }
    assert_eq!(call.with("token_type_hint", &["saml"]).await.status, 200);
    refused(&site.userinfo(&format!("Bearer {}", text(&ours, "access_token"))).await, 401, "invalid_token");
    site.userinfo(&format!("Bearer {access}")).await.expect(200);
}

/// RFC 6750 §2.1, §3.1: the one place for a token is the header.
#[tokio::test]
async fn of_a_call_of_userinfo() {
    let world = world().await;
    let site = world.confidential("grafana").await;
    let body = world.tokens(&site, Given::default()).await;
    let access = text(&body, "access_token");
    let good = format!("Bearer {access}");
    let ask = async |lines: &[&str]| {
        let headers: Vec<_> = lines.iter().map(|line| ("authorization", (*line).to_owned())).collect();
        site.send("GET", "/oauth/userinfo", &headers, None).await
    };
    let (basic, joined) = (format!("Basic {access}"), format!("Bearer:{access}"));
    for line in ["Bearer", "", &access, &basic, &joined] {
        refused(&ask(&[line]).await, 400, "invalid_request");
    }
    for lines in [[good.as_str(), &good], [&good, "Bearer x"], ["", &good]] {
        refused(&ask(&lines).await, 400, "invalid_request");
    }
    let (refresh, id) = (text(&body, "refresh_token"), text(&body, "id_token"));
    for token in ["x", NO_SUCH_SECRET, &refresh, &id, &format!("{access}x"), &format!("{access} x")] {
        refused(&ask(&[&format!("Bearer {token}")]).await, 401, "invalid_token");
    }
    // Elsewhere a token is none: nothing came (RFC 6750 §2.2 and §2.3 are optional, RFC 9700 §4.3.2 forbids the address).
    let in_body = form(&[("access_token", access.clone())]);
    for (method, path, body) in [
        ("POST", "/oauth/userinfo".to_owned(), Some(in_body)),
        ("GET", format!("/oauth/userinfo?access_token={access}"), None),
    ] {
        let answer = site.send(method, &path, &[], body).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"countersign\"");
    }
    for method in ["PUT", "DELETE"] {
        let headers = [("authorization", good.clone())];
        assert_eq!(site.send(method, "/oauth/userinfo", &headers, None).await.status, 405);
    }
    ask(&[&good]).await.expect(200);
    ask(&[&format!("bearer {access}")]).await.expect(200);
}
