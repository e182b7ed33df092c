//! Forward auth: a proxy asks who comes to a host that this server stands guard for.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::support::{Answer, Device, Extras, Node, Options, Page};

const HOST: &str = "files.example.com";
const OTHER: &str = "wiki.example.com:8443";

async fn guarding() -> Node {
    Node::with(Options::with(|settings| {
        settings.forward_auth.hosts =
            [HOST, OTHER, "127.0.0.1:8090"].map(|host| host.parse().unwrap()).to_vec();
    }))
    .await
}

/// A browser at a guarded host: its jar is the host's.
struct Visitor<'a> {
    page: &'a Page,
    host: &'static str,
    jar: BTreeMap<String, String>,
}

impl<'a> Visitor<'a> {
    fn new(page: &'a Page, host: &'static str) -> Self {
        Self { page, host, jar: BTreeMap::new() }
    }

    /// A call that a proxy of the host sends on.
    async fn call(&mut self, path: &str, more: &[(&'static str, &str)]) -> Answer {
        let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = vec![("cookie", cookies.join("; ")), ("accept", "text/html".to_owned())];
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let extras = Extras { headers, ..Extras::default() };
        let answer = self.page.wire.call("GET", path, extras).await;
        for line in answer.cookies() {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.jar.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// What nginx asks at each call.
    async fn guarded(&mut self) -> Answer {
        let url = format!("https://{}/a?b=c", self.host);
        self.call("/forward-auth", &[("x-original-url", &url)]).await
    }

    async fn start(&mut self, path: &str) -> Answer {
        let host = self.host;
        self.call(path, &[("x-forwarded-host", host), ("x-forwarded-proto", "https")]).await
    }

    /// From the host to the login and back; the answer of the callback.
    async fn sign_in(&mut self, device: &Device) -> Answer {
        let callback = self.up_to_callback(device).await;
        self.start(&callback).await
    }

    async fn up_to_callback(&mut self, device: &Device) -> String {
        let address = self.start("/.countersign/start?rd=%2Fa%3Fb%3Dc").await.found();
        let path = address.strip_prefix("https://login.example.com").unwrap();
        let answer = self.page.visit(path).await;
        let back = match answer.headers["location"].to_str().unwrap().strip_prefix("/login?transaction=") {
            Some(transaction) => self.page.through(transaction, device).await,
            None => answer,
        };
        let back = back.leads_to();
        let path = back.strip_prefix(&format!("https://{}", self.host)).unwrap().to_owned();
        assert!(path.starts_with("/.countersign/callback?code="), "{path}");
        path
    }
}

impl Answer {
    #[track_caller]
    fn found(&self) -> String {
        assert_eq!(self.status, 302, "{}", self.body);
        self.headers["location"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_sign_in_at_a_host_lets_its_calls_pass_until_it_is_ended() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let account = device.account.unwrap();
    let groups = ["staff".to_owned(), "a,b".to_owned()];
    let by = countersign_server::store::By::operator();
    node.durable.set_profile(account, Some("ada@example.com"), &groups, &by, node.now()).await.unwrap();
    let mut visitor = Visitor::new(&page, HOST);
    let stranger = visitor.guarded().await;
    assert_eq!((stranger.status, stranger.headers.get("remote-user")), (401, None));
    let answer = visitor.sign_in(&device).await;
    assert_eq!(answer.found(), "https://files.example.com/a?b=c");
    let cookie = answer.cookies().into_iter().find(|line| line.contains("-forward=")).unwrap();
    assert!(cookie.starts_with("__Host-countersign-forward="), "{cookie}");
    assert!(cookie.contains("; Path=/;") && cookie.contains("; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    let passes = visitor.guarded().await;
    assert_eq!(passes.status, 200);
    for (name, value) in [("user", "ada"), ("name", "ADA"), ("email", "ada@example.com"), ("groups", "staff")]
    {
        assert_eq!(passes.headers[format!("remote-{name}").as_str()], value);
    }
    // It outlives the page's own token, and ends with the session, at once.
    node.clock.advance_s(3_600);
    assert_eq!(visitor.guarded().await.status, 200);
    device.call("DELETE", "/api/sessions", None).await.expect(204);
    assert_eq!(visitor.guarded().await.status, 401);
}

#[tokio::test]
async fn what_is_not_known_of_a_person_is_said_as_empty() {
    let node = guarding().await;
    let (device, page) = (node.device("grace").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    visitor.sign_in(&device).await.found();
    let passes = visitor.guarded().await;
    assert_eq!(
        (&passes.headers["remote-email"], &passes.headers["remote-groups"]),
        (&"".parse().unwrap(), &"".parse().unwrap())
    );
}

#[tokio::test]
async fn each_proxy_gets_the_answer_that_it_understands() {
    let node = guarding().await;
    let page = node.page();
    let mut visitor = Visitor::new(&page, HOST);
    let parts = |host: &'static str| {
        [("x-forwarded-proto", "https"), ("x-forwarded-host", host), ("x-forwarded-uri", "/a?b=c&d")]
    };
    let led = visitor.call("/forward-auth", &parts(HOST)).await;
    assert_eq!(led.found(), "https://files.example.com/.countersign/start?rd=%2Fa%3Fb%3Dc%26d");
    let led = visitor.call("/forward-auth", &parts(OTHER)).await;
    assert!(led.found().starts_with("https://wiki.example.com:8443/.countersign/start?"));
    for more in [("x-forwarded-method", "POST"), ("sec-fetch-mode", "cors"), ("upgrade", "websocket")] {
        let answer = visitor.call("/forward-auth", &[&parts(HOST)[..], &[more]].concat()).await;
        assert_eq!((answer.status, answer.headers.get("location")), (401, None), "{more:?}");
    }
    // Hosts of others, and of nobody.
    assert_eq!(visitor.call("/forward-auth", &parts("evil.example.com")).await.status, 403);
    assert_eq!(visitor.call("/forward-auth", &parts("files.example.com:444")).await.status, 403);
    visitor.call("/forward-auth", &[]).await.problem(400, "malformed");
    // A client's own word beside the proxy's.
    let own = [&parts(HOST)[..], &[("x-original-url", "https://wiki.example.com:8443/")]].concat();
    visitor.call("/forward-auth", &own).await.problem(400, "malformed");
    for host in ["evil.example", "login.example.com"] {
        let start = visitor.call("/.countersign/start?rd=%2F", &[("x-forwarded-host", host)]).await;
        start.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_cookie_of_one_host_is_refused_at_another() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    visitor.sign_in(&device).await.found();
    let mut other = Visitor::new(&page, OTHER);
    other.jar.clone_from(&visitor.jar);
    assert_eq!(other.guarded().await.status, 401);
    // The same browser signs in there by its session, once it was agreed to.
    other.jar.clear();
    assert_eq!(other.sign_in(&device).await.found(), "https://wiki.example.com:8443/a?b=c");
    assert_eq!((visitor.guarded().await.status, other.guarded().await.status), (200, 200));
    for bad in ["", "x", "AAAA"] {
        other.jar.insert("__Host-countersign-forward".to_owned(), bad.to_owned());
        assert_eq!(other.guarded().await.status, 401);
    }
}

#[tokio::test]
async fn a_code_is_for_the_browser_that_asked_at_the_host_that_it_asked_for() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    let callback = visitor.up_to_callback(&device).await;
    let stopped = |answer: &Answer| {
        assert_eq!(answer.status, 400);
        assert!(answer.body.as_str().unwrap().contains("data-state=\"stopped\""));
        assert!(answer.cookies().is_empty());
    };
    // Another browser: somebody was sent a link that would sign them in as the sender.
    stopped(&Visitor::new(&page, HOST).start(&callback).await);
    let mut other = Visitor::new(&page, OTHER);
    other.jar.clone_from(&visitor.jar);
    stopped(&other.start(&callback).await);
    let state = callback.split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    for bad in [
        callback.replace(&state, "x"),
        callback.replace("&iss=https%3A%2F%2Flogin.example.com", ""),
        callback.replace("login.example.com", "evil.example"),
        callback.replace("?code=", "?error=access_denied&xcode="),
        format!("{callback}&code=x"),
        "/.countersign/callback".to_owned(),
    ] {
        stopped(&visitor.start(&bad).await);
    }
    assert_eq!(visitor.start(&callback).await.found(), "https://files.example.com/a?b=c");
    // The back button is no attack.
    assert_eq!(visitor.start(&callback).await.found(), "https://files.example.com/a?b=c");
    assert_eq!(visitor.guarded().await.status, 200);
}

/// RFC 9700 §2.1.1: the challenge is of one transaction, and bound to the browser that began it.
#[tokio::test]
async fn each_sign_in_has_a_challenge_of_its_own_and_two_tabs_do_not_part() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    visitor.sign_in(&device).await.found();
    let mut tabs = Vec::new();
    for _ in 0..2 {
        tabs.push(visitor.start("/.countersign/start?rd=%2Fa").await.found());
    }
    let challenge = |address: &String| {
        let url = Url::parse(address).unwrap();
        url.query_pairs().find(|(name, _)| name == "code_challenge").unwrap().1.into_owned()
    };
    assert_ne!(challenge(&tabs[0]), challenge(&tabs[1]));
    let mut callbacks = Vec::new();
    for tab in &tabs {
        let back = page.visit(tab.strip_prefix("https://login.example.com").unwrap()).await.leads_to();
        callbacks.push(back.strip_prefix("https://files.example.com").unwrap().to_owned());
    }
    // The code of one tab with the state of the other.
    let state =
        |callback: &str| callback.split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let swapped = callbacks[0].replace(&state(&callbacks[0]), &state(&callbacks[1]));
    assert_eq!(visitor.start(&swapped).await.status, 400);
    for callback in &callbacks {
        assert_eq!(visitor.start(callback).await.found(), "https://files.example.com/a");
    }
}

#[tokio::test]
async fn nobody_is_led_off_the_host() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    visitor.sign_in(&device).await.found();
    let long = format!("/{}", "a".repeat(1_100));
    for (wanted, led) in [
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\nb", "/"),
        (&long, "/"),
        ("/größe?x=ü", "/gr%C3%B6%C3%9Fe?x=%C3%BC"),
        ("https://files.example.com/b#c", "/b"),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("rd", wanted).finish();
        let address = visitor.start(&format!("/.countersign/start?{query}")).await.found();
        let asked = page.visit(address.strip_prefix("https://login.example.com").unwrap()).await.leads_to();
        let callback = asked.strip_prefix("https://files.example.com").unwrap();
        assert_eq!(
            visitor.start(callback).await.found(),
            format!("https://files.example.com{led}"),
            "{wanted}"
        );
    }
    // nginx sends the address itself, whatever query it has.
    let sent = [("x-original-url", "https://files.example.com/list?rd=https://evil.example")];
    let address = visitor.call("/.countersign/start?rd=https://evil.example", &sent).await.found();
    let asked = page.visit(address.strip_prefix("https://login.example.com").unwrap()).await.leads_to();
    let led = visitor.start(asked.strip_prefix("https://files.example.com").unwrap()).await.found();
    assert_eq!(led, "https://files.example.com/list?rd=https://evil.example");
    let script =
        visitor.call("/.countersign/start", &[&sent[..], &[("sec-fetch-mode", "cors")]].concat()).await;
    assert_eq!(script.status, 401);
}

#[tokio::test]
async fn the_person_is_told_which_host_it_is() {
    let node = guarding().await;
    let (device, page) = (node.device("ada").await, node.page());
    let mut visitor = Visitor::new(&page, HOST);
    let address = visitor.start("/.countersign/start").await.found();
    let query: BTreeMap<String, String> = Url::parse(&address).unwrap().query_pairs().into_owned().collect();
    assert_eq!(query["client_id"], "forward:files.example.com");
    assert_eq!(query["redirect_uri"], "https://files.example.com/.countersign/callback");
    assert_eq!(query["code_challenge_method"], "S256");
    let transaction =
        page.visit(address.strip_prefix("https://login.example.com").unwrap()).await.transaction();
    let (_, scanned) = page.sign_in_for(&transaction, &device).await;
    assert_eq!(scanned.seen()["client"]["name"], HOST);
}
