//! The HTTP interface around the calls: origins, bodies, methods, addresses that are not there.

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use crate::support::{Extras, Node, Request, approved, signed_in};

#[tokio::test]
async fn calls_with_a_cookie_that_change_something_need_the_exact_origin() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    let id = &request.id;
    let calls = [
        ("POST", format!("/api/login-requests/{id}/user-code"), false),
        ("POST", format!("/api/login-requests/{id}/session"), true),
        ("DELETE", format!("/api/login-requests/{id}"), false),
        ("POST", "/api/session/refresh".to_owned(), true),
        ("DELETE", "/api/session".to_owned(), false),
    ];
    for (method, path, proof) in &calls {
        for origin in [
            None,
            Some("null"),
            Some("https://evil.example"),
            Some("https://login.example.com.evil.example"),
            Some("https://login.example.com/"),
        ] {
            let mut headers = vec![("cookie", page.cookies())];
            headers.extend(origin.map(|origin| ("origin", origin.to_owned())));
            let extras = Extras { headers, body: Some(json!({})), proof: *proof, ..Extras::default() };
            page.wire.call(method, path, extras).await.problem(403, "wrong_origin");
        }
    }
    let mut headers = vec![("cookie", page.cookies())];
    headers.extend([("origin", page.wire.origin.to_string()), ("origin", page.wire.origin.to_string())]);
    let twice = Extras { headers, body: Some(json!({})), ..Extras::default() };
    page.wire.call("DELETE", "/api/session", twice).await.problem(403, "wrong_origin");
    assert_eq!(page.stands(&request).await, "approved");
}

#[tokio::test]
async fn another_site_cannot_start_a_request_in_somebody_elses_browser() {
    let node = Node::start().await;
    let page = node.page();
    let headers = vec![("origin", "https://evil.example".to_owned())];
    let extras = Extras { headers, body: Some(json!({})), proof: true, ..Extras::default() };
    let answer = page.wire.call("POST", "/api/login-requests", extras).await;
    assert!(answer.cookies().is_empty());
    answer.problem(403, "wrong_origin");
}

#[tokio::test]
async fn bodies_over_16_kib_are_refused() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let fits = "x".repeat(16 * 1_024 - r#"{"statement":""}"#.len());
    device.send_statement(&fits).await.problem(404, "not_found");
    device.send_statement(&format!("{fits}x")).await.problem(413, "too_large");
    // Also when the length is not announced: a mapped body does not know its own.
    let unannounced = Full::new(Bytes::from(vec![b' '; 20_000])).map_frame(|frame| frame);
    let call =
        device.wire.http.post(format!("{}/api/decisions", node.base)).body(reqwest::Body::wrap(unannounced));
    assert_eq!(call.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_malformed() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    for body in [json!([]), json!("x"), json!(null), json!(7), json!({ "statement": 7 }), json!({})] {
        let extras = Extras { body: Some(body), ..Extras::default() };
        device.wire.call("POST", "/api/decisions", extras).await.problem(400, "malformed");
    }
    for raw in ["{", "\u{0}", "{\"statement\":\"x\"", "{} {}"] {
        let call = device.wire.http.post(format!("{}/api/decisions", node.base)).body(raw);
        assert_eq!(call.send().await.unwrap().status(), 400, "{raw}");
    }
    for body in [
        json!({}),
        json!({ "via": "camera" }),
        json!({ "code": "A", "user_code": "B", "via": "camera" }),
        json!({ "code": "A", "via": "typed" }),
        json!({ "user_code": "BCDF-GHJK", "via": "camera" }),
        json!({ "user_code": "BCDF-GHJK" }),
        json!({ "code": "A", "via": "telepathy" }),
    ] {
        device.call("POST", "/api/scans", Some(body)).await.problem(400, "malformed");
    }
}

#[tokio::test]
async fn codes_that_this_server_did_not_make_are_unknown() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let request = node.page().start().await;
    let code = request.code();
    for at in [0, 25, 26, 28, 39] {
        let mut changed: Vec<char> = code.chars().collect();
        changed[at] = if changed[at] == 'A' { 'B' } else { 'A' };
        let changed: String = changed.into_iter().collect();
        device.scan(&changed, "camera").await.problem(404, "not_found");
    }
    for code in ["", "A", &code[1..], &format!("{code}A"), "!".repeat(40).as_str()] {
        device.scan(code, "camera").await.problem(404, "not_found");
    }
    device.scan(&code.to_lowercase(), "camera").await.expect(201);
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let request = node.page().start().await;
    let body = json!({ "code": request.code(), "via": "camera", "user_code": null, "later": { "x": 1 } });
    device.call("POST", "/api/scans", Some(body)).await.expect(201);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let node = Node::start().await;
    let (page, _, _) = signed_in(&node).await;
    for path in ["/api/nowhere", "/api/login-requests/x/y/z"] {
        page.call("GET", path, None, false).await.problem(404, "not_found");
    }
    for (method, path) in [
        ("PUT", "/api/session"),
        ("GET", "/api/scans"),
        ("PATCH", "/api/login-requests"),
        ("POST", "/openapi.json"),
    ] {
        page.call(method, path, Some(json!({})), false).await.problem(405, "method_not_allowed");
    }
    for id in ["x", "%2F", "%00", "%FF", "AAAAAAAAAAAAAAAAAAAAAB"] {
        page.state(&Request { id: id.to_owned(), body: Value::Null }).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn activity_counts_from_a_place() {
    let node = Node::start().await;
    let (_, _, device) = signed_in(&node).await;
    let all = device.call("GET", "/api/activity", None).await.expect(200);
    let entries = all["entries"].as_array().unwrap();
    let count = i64::try_from(entries.len()).unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry["seq"].as_i64().unwrap()).collect::<Vec<_>>(),
        (1..=count).collect::<Vec<_>>()
    );
    let rest = device.call("GET", "/api/activity?after=2", None).await.expect(200);
    assert_eq!(rest["entries"][0], entries[2]);
    let none = device.call("GET", &format!("/api/activity?after={count}"), None).await.expect(200);
    assert_eq!((none["entries"].clone(), none["head"].clone()), (json!([]), all["head"].clone()));
    for bad in ["after=-1", "after=x", "after=", "after=99999999999999999999"] {
        device.call("GET", &format!("/api/activity?{bad}"), None).await.problem(400, "malformed");
    }
}

#[tokio::test]
async fn the_openapi_document_has_every_call() {
    let node = Node::start().await;
    let document = node.page().call("GET", "/openapi.json", None, false).await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in [
        ("/.well-known/countersign", &["get"][..]),
        ("/api/login-requests", &["post"]),
        ("/api/login-requests/{id}", &["get", "delete"]),
        ("/api/login-requests/{id}/events", &["get"]),
        ("/api/login-requests/{id}/user-code", &["post"]),
        ("/api/login-requests/{id}/session", &["post"]),
        ("/api/session", &["get", "delete"]),
        ("/api/session/refresh", &["post"]),
        ("/api/devices", &["get", "post"]),
        ("/api/devices/{id}", &["patch", "delete"]),
        ("/api/enrolments", &["post"]),
        ("/api/recovery-codes", &["get", "post"]),
        ("/api/scans", &["post"]),
        ("/api/decisions", &["post"]),
        ("/api/sessions", &["get", "delete"]),
        ("/api/sessions/{id}", &["delete"]),
        ("/api/activity", &["get"]),
    ] {
        for method in methods {
            assert!(paths[path][*method].is_object(), "{method} {path}");
        }
    }
}
