use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;

/// The service's place in these tests: a fixed nonce, and a session that is stale when its cookie says so.
#[derive(Clone)]
struct FixedDesk;

impl Desk for FixedDesk {
    async fn nonce(&self) -> String {
        "fixed-nonce".to_owned()
    }

    async fn is_stale(&self, cookies: &HeaderMap) -> bool {
        cookies.get(header::COOKIE).is_some_and(|value| value == "stale")
    }

    async fn embedders(&self, transaction: &str) -> Vec<Origin> {
        let own = ["https://a.example", "https://b.example:8443"].map(|text| Origin::parse(text).unwrap());
        if transaction == "embed" { own.to_vec() } else { Vec::new() }
    }
}

fn app(origin: &str) -> Router {
    let origin = Origin::parse(origin).unwrap();
    let mut settings = Settings::in_memory();
    settings.name = Some("Ada & <Co>".to_owned());
    secure(router(&settings, &origin, FixedDesk), &origin)
}

async fn get_with(path: &str, name: header::HeaderName, value: &str) -> Response {
    let request = Request::get(path).header(name, value).body(Body::empty()).unwrap();
    app("https://login.example.com").oneshot(request).await.unwrap()
}

async fn get_page(path: &str) -> (StatusCode, HeaderMap, String) {
    let response = get_with(path, header::ACCEPT, "text/html").await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_page_has_all_its_placeholders_filled() {
    for (path, status) in [
        ("/", 200),
        ("/login", 200),
        ("/renew?return_to=%2Flogin%3Fa%3Db", 200),
        ("/Q/ABC", 200),
        ("/q/abc", 200),
        ("/E/ABC/DEF", 200),
        ("/device", 200),
        ("/device?user_code=bcdfghjk", 200),
        ("/nothing", 404),
        ("/assets/login.html", 404),
        ("/assets/README.md", 404),
    ] {
        let (got, headers, body) = get_page(path).await;
        assert_eq!(got.as_u16(), status, "{path}");
        assert!(!body.contains("{{"), "{path}: {body}");
        assert!(body.contains("Ada &amp; &lt;Co&gt;"), "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
    assert!(get_page("/").await.2.contains("content=\"fixed-nonce\""));
    assert!(get_page("/renew?return_to=%2Flogin%3Fa%3Db").await.2.contains("content=\"/login?a=b\""));
}

#[tokio::test]
async fn a_stale_session_is_renewed_before_the_page() {
    let response = get_with("/login?a=b&c", header::COOKIE, "stale").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/renew?return_to=%2Flogin%3Fa%3Db%26c");
    // The page that renews is itself never sent away.
    assert_eq!(get_with("/renew", header::COOKIE, "stale").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn renew_never_leads_away() {
    for away in ["https://evil.example", "//evil.example", "%5C%5Cevil.example", "javascript:alert(1)", "%00"]
    {
        let (_, _, body) = get_page(&format!("/renew?return_to={away}")).await;
        assert!(body.contains("name=\"return-to\" content=\"/\""), "{away}");
    }
}

/// RFC 8628 §3.3.1: the person compares; what is no code is not shown, so that nobody else's words stand there.
#[tokio::test]
async fn the_device_page_shows_a_code_as_text_and_nothing_else() {
    for (asked, shown) in [
        ("?user_code=bcdf-ghjk", "BCDF-GHJK"),
        ("?user_code=BCDFGHJK&x=1", "BCDF-GHJK"),
        ("", ""),
        ("?user_code=", ""),
        ("?user_code=%3Cscript%3Ealert(1)%3C/script%3E", ""),
        ("?user_code=Call+0800+123", ""),
        ("?user_code=BCDF-GHJK&user_code=BCDF-GHJL", ""),
        ("?user_code=%FF", ""),
    ] {
        let (status, _, body) = get_page(&format!("/device{asked}")).await;
        assert_eq!(status, StatusCode::OK, "{asked}");
        assert!(body.contains(&format!("id=\"user-code\">{shown}</p>")), "{asked}: {body}");
        assert!(!body.contains("<form") && !body.contains("<input"), "it takes no code");
    }
}

#[tokio::test]
async fn pages_tell_the_browser_to_load_nothing_foreign() {
    let (_, headers, _) = get_page("/").await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(policy.contains("connect-src 'self' wss://login.example.com"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=63072000"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value);
    }
    let plain = Request::get("/").body(Body::empty()).unwrap();
    let plain = app("http://127.0.0.1:8080").oneshot(plain).await.unwrap();
    assert!(!plain.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
}

/// RFC 9700 §4.16: nobody's page holds one of these in a frame but those that the operator allowed, and only the login page
/// with their own transaction.
#[tokio::test]
async fn only_the_login_page_of_a_site_that_may_is_shown_in_its_frame() {
    let (_, headers, body) = get_page("/login?transaction=embed").await;
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let ancestors = "frame-ancestors https://a.example https://b.example:8443;";
    assert!(policy.contains(ancestors) && !policy.contains("'none' https"), "{policy}");
    assert!(!headers.contains_key(header::X_FRAME_OPTIONS), "it has no word for some sites");
    assert!(body.contains("name=\"embedders\" content=\"https://a.example https://b.example:8443\""));
    for path in [
        "/",
        "/login",
        "/login?transaction=other",
        "/login?transaction=other&transaction=embed",
        "/renew",
        "/Q/ABC",
        "/E/ABC",
        "/device",
        "/nothing",
        "/assets/main.js",
        "/countersign.js",
        "/api/nothing",
    ] {
        let (_, headers, body) = get_page(path).await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        assert!(!body.contains("name=\"embedders\" content=\"h"), "{path}");
    }
}

#[tokio::test]
async fn the_script_for_sites_is_kept_for_an_hour_and_loads_anywhere() {
    let first = get_with("/countersign.js", header::ACCEPT, "*/*").await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(first.headers()["cross-origin-resource-policy"], "cross-origin");
    assert_eq!(first.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(first.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("max-age=3600"));
    let tag = first.headers()[header::ETAG].to_str().unwrap();
    let again = get_with("/countersign.js", header::IF_NONE_MATCH, tag).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("max-age=3600"));
}

#[tokio::test]
async fn an_asset_that_the_browser_has_is_not_sent_again() {
    let first = get_with("/assets/mark.svg", header::ACCEPT, "*/*").await;
    assert_eq!(first.headers()[header::CONTENT_TYPE], "image/svg+xml");
    let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(
        get_with("/assets/mark.svg", header::IF_NONE_MATCH, &tag).await.status(),
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        get_with("/assets/mark.svg", header::IF_NONE_MATCH, "\"other\"").await.status(),
        StatusCode::OK
    );
    assert_eq!(get_with("/favicon.ico", header::ACCEPT, "*/*").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_program_gets_a_problem_instead_of_a_page() {
    let (status, headers, body) = get_page("/api/nothing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert!(body.contains("urn:countersign:problem:not_found"), "{body}");
}

#[tokio::test]
async fn the_language_follows_the_browser() {
    let german = get_with("/", header::ACCEPT_LANGUAGE, "de-AT,en;q=0.5").await;
    assert_eq!(german.headers()[header::CONTENT_LANGUAGE], "de");
}
