//! What proxies ask, and what they pass on of the hosts that they guard.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use protocol::wire::ProblemName;

use super::App;
use super::cookies::CookieNames;
use super::extract::Client;
use super::problem::Problem;
use crate::config::ProtectedHost;
use crate::forward_auth::{CALLBACK, Returned, START, Verdict, asked, called, is_navigation, start_at};
use crate::oauth::parameters::Parameters;
use crate::pages;
use crate::store::Account;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/forward-auth", any(forward_auth))
        .route(START, any(start))
        .route(CALLBACK, get(callback))
        .route("/.countersign/app.css", get(style))
}

/// `/forward-auth`: 200 with who it is; 401, or for a page that Caddy or Traefik asks about 302 to the sign-in; 403 for a
/// host that is not listed.
async fn forward_auth(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some(asked) = asked(&headers) else {
        return Problem::malformed("Name the call: X-Original-URL, or X-Forwarded-Proto, -Host and -Uri")
            .into_response();
    };
    let Some(host) = app.service().protected_host(&asked.host) else {
        // Not which one: a stranger's words stay out of the log.
        tracing::info!("A proxy asked for a host that forward_auth.hosts does not list");
        return StatusCode::FORBIDDEN.into_response();
    };
    let cookies = CookieNames::of(host.origin());
    match app.service().guard(host, cookies.forward(&headers)).await {
        Ok(Verdict::Passes(account)) => passes(&account),
        Ok(Verdict::Stranger) if asked.leads => found(&start_at(host.origin(), &asked.path)),
        Ok(Verdict::Stranger) => StatusCode::UNAUTHORIZED.into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}

/// Every header is there, empty where there is nothing to say, so that it takes the place of what a caller sent under its
/// name. Caddy 2.10 to 2.11.1 takes an empty one for none: the example for it removes the caller's before.
fn passes(account: &Account) -> Response {
    let groups: Vec<&str> =
        account.groups.iter().map(String::as_str).filter(|group| !group.contains(',')).collect();
    let said = [
        ("remote-user", account.username.as_str()),
        ("remote-name", account.display_name.as_str()),
        ("remote-email", account.email.as_deref().unwrap_or_default()),
        ("remote-groups", &groups.join(",")),
    ];
    let mut response = StatusCode::OK.into_response();
    for (name, value) in said {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap_or(HeaderValue::from_static(""));
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

/// `/.countersign/start?rd=PATH` of a guarded host.
async fn start(
    State(app): State<App>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some((name, sent_from)) = called(&headers) else { return missing() };
    let Some(host) = app.service().protected_host(&name) else { return missing() };
    // A script or a form gets the refusal that it can make something of.
    if method != Method::GET || !is_navigation(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes());
    // A call that nginx sent here has the query of the page that was wanted, so its own word is not ours.
    let wanted = match &sent_from {
        Some(path) if !path.starts_with("/.countersign/") => path.as_str(),
        Some(_) | None => parameters.one("rd").ok().flatten().unwrap_or("/"),
    };
    let cookies = CookieNames::of(host.origin());
    let started = app.service().guard_start(host, wanted, cookies.forward_start(&headers));
    let mut response = found(&started.location);
    cookies.set_forward_start(response.headers_mut(), &started.secret);
    response
}

/// `/.countersign/callback` of a guarded host.
async fn callback(
    State(app): State<App>,
    Client(address): Client,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some((name, _)) = called(&headers) else { return missing() };
    let Some(host) = app.service().protected_host(&name) else { return missing() };
    let cookies = CookieNames::of(host.origin());
    let parameters = Parameters::read(query.unwrap_or_default().as_bytes());
    let secret = cookies.forward_start(&headers);
    match app.service().guard_callback(host, &parameters, secret.as_ref(), address).await {
        Ok(Returned::SignedIn { cookie, life_s, path }) => {
            let mut response = found(&on(host, &path));
            cookies.set_forward(response.headers_mut(), &cookie, life_s);
            response
        }
        Ok(Returned::Again(path)) => found(&on(host, &path)),
        Ok(Returned::Stopped(path)) => {
            pages::stopped(&headers, host.origin(), &start_at(host.origin(), &path))
        }
        Err(failure) => Problem::from(failure).into_response(),
    }
}

async fn style(headers: HeaderMap) -> Response {
    pages::style(&headers)
}

fn on(host: &ProtectedHost, path: &str) -> String {
    format!("{}{path}", host.origin())
}

fn missing() -> Response {
    Problem::new(ProblemName::NotFound).into_response()
}

/// 302, as proxies pass it on.
fn found(address: &str) -> Response {
    match HeaderValue::try_from(address) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))])
            .into_response(),
    }
}
