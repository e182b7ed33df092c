//! RP-initiated logout: a site asks to sign the browser out.

use crate::support::{Answer, Node, Options, Page, Site};

const ORIGIN: &str = "https://login.example.com";

#[tokio::test]
async fn a_site_with_a_token_of_this_account_signs_the_browser_out() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let token = site.id_token(&page, &device).await;
    // Over as it may be (§2).
    node.clock.advance_s(599);
    page.refresh().await.expect(204);
    node.clock.advance_s(60);
    let bye = "https://wiki.example/bye";
    let answer =
        end(&page, &[("id_token_hint", &token), ("post_logout_redirect_uri", bye), ("state", "s&t")]).await;
    assert_eq!(answer.leads_to(), "https://wiki.example/bye?state=s%26t");
    assert_eq!((page.cookie("-sid"), page.cookie("-session")), (None, None));
    assert_eq!(sessions(&device).await, 0);
    site.hears(&site.send(&page, &[("prompt", "none")]).await, "login_required");
    // Again, it is done already.
    let again = end(&page, &[("id_token_hint", &token), ("post_logout_redirect_uri", bye)]).await;
    assert_eq!(again.leads_to(), bye);
    assert!(end(&page, &[]).await.body.as_str().unwrap().contains("data-state=\"signed-out\""));
}

#[tokio::test]
async fn without_a_token_of_this_account_the_person_is_asked() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    site.id_token(&page, &device).await;
    let (grace, other) = (node.device("grace").await, node.page());
    let of_grace = site.id_token(&other, &grace).await;
    let bye = [("client_id", "wiki"), ("post_logout_redirect_uri", "https://wiki.example/bye")];
    for hint in ["", &of_grace, "eyJhbGciOiJub25lIn0.e30.", "x"] {
        let asked = end(&page, &[&bye[..], &[("id_token_hint", hint)]].concat()).await;
        assert_eq!(asked.status, 200);
        let body = asked.body.as_str().unwrap();
        assert!(body.contains("data-state=\"sign-out\""), "{hint}");
        let policy = asked.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'")
                && policy.contains("form-action 'self' https://wiki.example;")
        );
        assert_eq!(asked.headers["referrer-policy"], "same-origin");
        assert_eq!(sessions(&device).await, 1);
        let form = format!("confirmed={}", question(body));
        // Nobody else's page answers for the person.
        for origin in [None, Some("https://wiki.example"), Some("null")] {
            page.submit("/oauth/end-session", &form, origin).await.problem(403, "wrong_origin");
        }
        other.submit("/oauth/end-session", &form, Some(ORIGIN)).await.refuses("over");
        assert_eq!((sessions(&device).await, sessions(&grace).await), (1, 1));
    }
    let asked = end(&page, &bye).await;
    let form = format!("confirmed={}", question(asked.body.as_str().unwrap()));
    let done = page.submit("/oauth/end-session", &form, Some(ORIGIN)).await;
    assert_eq!(done.leads_to(), "https://wiki.example/bye");
    assert_eq!(sessions(&device).await, 0);
    page.submit("/oauth/end-session", "confirmed=x", Some(ORIGIN)).await.refuses("over");
}

#[tokio::test]
async fn nobody_is_led_to_an_address_that_is_not_registered() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    Site::add(&node, "blog").await;
    let token = site.id_token(&page, &device).await;
    let hint = ("id_token_hint", token.as_str());
    let to = |uri| ("post_logout_redirect_uri", uri);
    for (pairs, reason) in [
        (&[hint, to("https://evil.example/")][..], "redirect-unknown"),
        (&[hint, to("https://wiki.example/bye/")], "redirect-unknown"),
        (&[hint, to("https://wiki.example/bye?x")], "redirect-unknown"),
        (&[hint, to("https://blog.example/bye")], "redirect-unknown"),
        (&[hint, to("https://wiki.example/callback")], "redirect-unknown"),
        (&[to("https://wiki.example/bye")], "client-missing"),
        (&[("client_id", "nobody"), to("https://wiki.example/bye")], "client-unknown"),
        (&[hint, ("client_id", "blog"), to("https://wiki.example/bye")], "client-unknown"),
        (&[hint, ("state", "a"), ("state", "b")], "unreadable"),
    ] {
        end(&page, pairs).await.refuses(reason);
        assert_eq!(sessions(&device).await, 1, "{reason}");
    }
}

/// §2: each parameter left out, empty, twice, malformed, another client's; nobody is signed out by accident.
#[tokio::test]
async fn each_parameter_in_turn_is_judged() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let blog = Site::add(&node, "blog").await;
    let token = site.id_token(&page, &device).await;
    // The same person and browser, another client's token.
    let theirs = blog.id_token(&page, &device).await;
    let bye = "https://wiki.example/bye";
    let good = [
        ("id_token_hint", token.as_str()),
        ("client_id", "wiki"),
        ("post_logout_redirect_uri", bye),
        ("state", "st4te"),
    ];
    let with = |name: &str, values: &[&str]| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        pairs
            .extend(good.iter().filter(|(known, _)| *known != name).map(|(n, v)| ((*n).into(), (*v).into())));
        pairs.extend(values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/oauth/end-session?{query}")
    };
    for (name, value) in good {
        for twice in [[value, value], [value, "x"]] {
            page.visit(&with(name, &twice)).await.refuses("unreadable");
        }
    }
    for (name, value, reason) in [
        ("id_token_hint", theirs.as_str(), "client-unknown"),
        ("client_id", "blog", "client-unknown"),
        ("client_id", "nobody", "client-unknown"),
        ("client_id", "a b/c", "client-unknown"),
        ("post_logout_redirect_uri", "https://blog.example/bye", "redirect-unknown"),
        ("post_logout_redirect_uri", "no address", "redirect-unknown"),
        ("post_logout_redirect_uri", "javascript:alert(1)", "redirect-unknown"),
    ] {
        page.visit(&with(name, &[value])).await.refuses(reason);
    }
    // Without a hint that can be read the person is asked.
    for values in [&[][..], &[""], &["x"], &["eyJhbGciOiJub25lIn0.e30."]] {
        let asked = page.visit(&with("id_token_hint", values)).await;
        assert!(asked.body.as_str().unwrap().contains("data-state=\"sign-out\""), "{values:?}");
    }
    page.call("POST", "/oauth/end-session", Some(serde_json::json!({})), false)
        .await
        .problem(400, "malformed");
    assert_eq!(sessions(&device).await, 1);
    // What is left out is not needed, and what nobody knows is ignored.
    device.call("DELETE", "/api/sessions", None).await.expect(204);
    for (name, values, led) in [
        ("state", &[][..], Some("https://wiki.example/bye")),
        ("state", &[""], Some("https://wiki.example/bye")),
        ("client_id", &[""], Some("https://wiki.example/bye?state=st4te")),
        ("logout_hint", &["ada", "ada"], Some("https://wiki.example/bye?state=st4te")),
        ("ui_locales", &["de"], Some("https://wiki.example/bye?state=st4te")),
        ("post_logout_redirect_uri", &[""], None),
    ] {
        let again = site.id_token(&page, &device).await;
        let path = with(name, values).replace(&token, &again);
        let answer = page.visit(&path).await;
        match led {
            Some(led) => assert_eq!(answer.leads_to(), led, "{name} {values:?}"),
            None => assert!(answer.body.as_str().unwrap().contains("data-state=\"signed-out\"")),
        }
        assert_eq!(sessions(&device).await, 0, "{name} {values:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_server_says_nothing() {
    let (node, other) = (
        Node::start().await,
        Node::with(Options { origin: "https://other.example", ..Options::default() }).await,
    );
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    site.id_token(&page, &device).await;
    let (elsewhere, their_device, their_page) =
        (Site::add(&other, "wiki").await, other.device("ada").await, other.page());
    let transaction = elsewhere.send(&their_page, &[]).await.transaction();
    let answer = their_page.through(&transaction, &their_device).await;
    let code = elsewhere.heard(&answer)["code"].clone();
    let token =
        elsewhere.exchange(&their_page, &code).await.expect(200)["id_token"].as_str().unwrap().to_owned();
    let asked = end(&page, &[("id_token_hint", &token)]).await;
    assert!(asked.body.as_str().unwrap().contains("data-state=\"sign-out\""));
    assert_eq!(sessions(&device).await, 1);
}

#[tokio::test]
async fn a_form_of_the_site_and_a_stale_session_take_the_long_way() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let token = site.id_token(&page, &device).await;
    let form = format!("id_token_hint={token}");
    let path = page.submit("/oauth/end-session", &form, Some("https://wiki.example")).await.leads_to();
    assert_eq!(path, format!("/oauth/end-session?{form}"));
    node.clock.advance_s(600);
    let renewal = page.visit(&path).await.leads_to();
    assert!(renewal.starts_with("/renew?return_to=%2Foauth%2Fend-session%3Fid_token_hint%3D"), "{renewal}");
    assert!(page.cookie("-sid").is_some());
    page.refresh().await.expect(204);
    assert_eq!(page.visit(&path).await.status, 200);
    assert_eq!(sessions(&device).await, 0);
}

async fn end(page: &Page, pairs: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    page.visit(&format!("/oauth/end-session?{query}")).await
}

fn question(body: &str) -> &str {
    body.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

async fn sessions(device: &crate::support::Device) -> usize {
    let listed = device.call("GET", "/api/sessions", None).await.expect(200);
    listed["sessions"].as_array().unwrap().len()
}
