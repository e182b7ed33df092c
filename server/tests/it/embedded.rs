//! The login page in a frame of the site that the person signs in to, where the operator allowed it.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use countersign_server::store::ClientId;
use countersign_server::{http, pages};
use tower::ServiceExt as _;

use crate::support::{Answer, Extras, Node, Page, Site, signed_in};

/// All that the server answers, as the program puts it together.
fn whole(node: &Node) -> Router {
    let service = &node.service;
    let routes = http::router(Arc::clone(service)).merge(pages::router(
        service.settings(),
        service.origin(),
        Arc::clone(service),
    ));
    pages::secure(routes, service.origin())
}

async fn get(node: &Node, path: &str) -> (HeaderMap, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = whole(node).oneshot(request).await.unwrap();
    let headers = response.headers().clone();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (headers, String::from_utf8(body.to_vec()).unwrap())
}

/// Whose pages may hold the answer, as every browser is told; `'none'` for nobody's.
fn ancestors(headers: &HeaderMap) -> String {
    let policy = headers["content-security-policy"].to_str().unwrap();
    let (_, rest) = policy.split_once("frame-ancestors ").unwrap();
    let ancestors = rest.split(';').next().unwrap().to_owned();
    let is_denied = headers.get("x-frame-options").is_some_and(|value| value == "DENY");
    assert_eq!(is_denied, ancestors == "'none'", "{headers:?}");
    ancestors
}

/// A site that may.
async fn embedding(node: &Node, id: &str) -> Site {
    Site::add_with(node, id, |client| {
        client.policy.embed = true;
        client.redirect_uris.push(format!("https://www.{id}.example/cb"));
    })
    .await
}

async fn transaction(node: &Node, site: &Site) -> String {
    site.send(&node.page(), &[]).await.transaction()
}

/// A navigation of a frame.
async fn visit_framed(page: &Page, path: &str) -> Answer {
    let headers = vec![("cookie", page.cookies()), ("sec-fetch-dest", "iframe".to_owned())];
    let answer = page.wire.call("GET", path, Extras { headers, ..Extras::default() }).await;
    page.keep(&answer);
    answer
}

/// RFC 9700 §4.16: no frames, but the ones that the operator allowed.
#[tokio::test]
async fn a_site_may_frame_its_own_sign_in_alone() {
    let node = Node::start().await;
    let (wiki, shop) = (embedding(&node, "wiki").await, embedding(&node, "shop").await);
    let blog = Site::add(&node, "blog").await;
    for (site, expected) in [
        (&wiki, "https://wiki.example https://www.wiki.example"),
        (&shop, "https://shop.example https://www.shop.example"),
        (&blog, "'none'"),
    ] {
        let (headers, _) = get(&node, &format!("/oauth/authorize?{}", site.asks(&[]))).await;
        assert_eq!(ancestors(&headers), expected);
        let (headers, body) = get(&node, headers["location"].to_str().unwrap()).await;
        assert_eq!(ancestors(&headers), expected);
        let named = if site.id == "blog" { "" } else { expected };
        assert!(body.contains(&format!("name=\"embedders\" content=\"{named}\"")), "{body}");
    }
    // Everything else of the same sign-in is nobody's to frame.
    let text = transaction(&node, &wiki).await;
    let asks = wiki.asks(&[("redirect_uri", "https://evil.example/")]);
    for path in [
        "/".to_owned(),
        "/login".to_owned(),
        "/login?transaction=x".to_owned(),
        format!("/login?Transaction={text}"),
        format!("/renew?return_to=%2Foauth%2Fresume%3Ftransaction%3D{text}"),
        format!("/oauth/cancel?transaction={text}"),
        format!("/oauth/authorize?{asks}"),
        "/device".to_owned(),
        "/countersign.js".to_owned(),
    ] {
        assert_eq!(ancestors(&get(&node, &path).await.0), "'none'", "{path}");
    }
}

#[tokio::test]
async fn what_the_operator_took_back_and_what_is_over_is_framed_by_nobody() {
    let node = Node::start().await;
    let wiki = embedding(&node, "wiki").await;
    let text = transaction(&node, &wiki).await;
    let login = format!("/login?transaction={text}");
    assert_ne!(ancestors(&get(&node, &login).await.0), "'none'");
    let id = ClientId::parse("wiki").unwrap();
    assert!(node.durable.remove_client(&id).await.unwrap());
    assert_eq!(ancestors(&get(&node, &login).await.0), "'none'");
    Site::add(&node, "wiki").await;
    assert_eq!(ancestors(&get(&node, &login).await.0), "'none'");
    assert!(node.durable.remove_client(&id).await.unwrap());
    let wiki = embedding(&node, "wiki").await;
    let login = format!("/login?transaction={}", transaction(&node, &wiki).await);
    node.clock.advance_s(900);
    assert_eq!(ancestors(&get(&node, &login).await.0), "'none'");
}

/// A page that shows the frame must not sign anybody in by being opened.
#[tokio::test]
async fn in_a_frame_the_person_is_asked_before_a_code_is_given() {
    let node = Node::start().await;
    let (wiki, blog) = (embedding(&node, "wiki").await, Site::add(&node, "blog").await);
    let (page, _, device) = signed_in(&node).await;
    let asks = format!("/oauth/authorize?{}", wiki.asks(&[]));
    // Nobody has agreed yet: a login like any other.
    let text = visit_framed(&page, &asks).await.transaction();
    assert!(!text.contains("signed-in"), "{text}");
    wiki.code(&page.through(&text, &device).await);
    let led = visit_framed(&page, &asks).await.leads_to();
    let text = led.strip_prefix("/login?transaction=").and_then(|rest| rest.strip_suffix("&signed-in=1"));
    let text = text.unwrap_or_else(|| panic!("{led}"));
    let resume = format!("/oauth/resume?transaction={text}");
    assert!(visit_framed(&page, &resume).await.leads_to().ends_with("&signed-in=1"));
    wiki.code(&page.visit(&resume).await);
    // A site that asks silently gets its answer, as ever; so do sites that show no frame.
    let silent = format!("/oauth/authorize?{}", wiki.asks(&[("prompt", "none")]));
    wiki.code(&visit_framed(&page, &silent).await);
    let text = blog.send(&page, &[]).await.transaction();
    blog.code(&page.through(&text, &device).await);
    blog.code(&visit_framed(&page, &format!("/oauth/authorize?{}", blog.asks(&[]))).await);
    // The page itself renews a session that is stale.
    node.clock.advance_s(601);
    assert!(visit_framed(&page, &asks).await.leads_to().ends_with("&signed-in=1"));
    assert!(page.visit(&asks).await.leads_to().starts_with("/renew?"));
    let stranger = node.page();
    assert!(!visit_framed(&stranger, &asks).await.transaction().contains("signed-in"));
}
