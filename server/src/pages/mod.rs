//! The pages that people see: `server/web`, carried in the binary, its placeholders filled per request.
//!
//! Nothing here looks a code up or changes anything: `/Q/...`, `/E/...` and `/device` only say what such an address is.

mod assets;
mod front;
mod headers;
mod language;
mod template;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use protocol::origin::Origin;
use protocol::user_code::UserCode;
use protocol::wire::ProblemName;
use serde::Deserialize;

use crate::config::Settings;
use crate::problem::Problem;
use crate::service::return_to;
use language::Language;
use template::{Slots, Template};

pub(crate) use front::{FrontPages, SignOut, stopped, style};
pub(crate) use headers::FramedBy;
pub use headers::secure;

/// What the pages need from the service.
pub trait Desk: Clone + Send + Sync + 'static {
    /// A nonce for the page's first proof; empty when there is none to be had, the first answer brings one then.
    fn nonce(&self) -> impl Future<Output = String> + Send;

    /// Whether the cookies name a live session whose token is too old, so that the page must renew it first.
    fn is_stale(&self, cookies: &HeaderMap) -> impl Future<Output = bool> + Send;

    /// Whose pages may show the login page with this transaction in a frame.
    fn embedders(&self, transaction: &str) -> impl Future<Output = Vec<Origin>> + Send;
}

struct Pages<D> {
    desk: D,
    origin: Origin,
    site_name: String,
    download: Option<String>,
    login: Template,
    renew: Template,
    link: Template,
    enrol: Template,
    device: Template,
    error: Template,
}

/// Routes of all pages and their assets.
pub fn router<D: Desk>(settings: &Settings, origin: &Origin, desk: D) -> Router {
    let pages = Arc::new(Pages {
        desk,
        origin: origin.clone(),
        site_name: settings.site_name(origin).to_owned(),
        download: settings.app.download.clone(),
        login: Template::of(assets::text("login.html")),
        renew: Template::of(assets::text("renew.html")),
        link: plain("link.html"),
        enrol: plain("enrol.html"),
        device: plain("device.html"),
        error: plain("error.html"),
    });
    let mut router = Router::new()
        .route("/", get(login))
        .route("/login", get(login))
        .route("/renew", get(renew))
        .route("/device", get(device))
        .route("/favicon.ico", get(favicon))
        .route("/countersign.js", get(script_of_sites))
        .route("/assets/{name}", get(asset));
    for path in ["/Q", "/Q/{*code}", "/q", "/q/{*code}"] {
        router = router.route(path, get(link));
    }
    for path in ["/E", "/E/{*code}", "/e", "/e/{*code}"] {
        router = router.route(path, get(enrol));
    }
    router.fallback(missing).with_state(pages)
}

async fn login<D: Desk>(
    State(pages): State<Arc<Pages<D>>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response {
    let mut query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let transaction = query.find(|(name, _)| name == "transaction").map(|(_, text)| text);
    // A site's question makes a login in any case.
    if transaction.is_none() && pages.desk.is_stale(&headers).await {
        let here = uri.path_and_query().map_or("/", |whole| whole.as_str());
        let back =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", here).finish();
        return ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&format!("/renew?{back}")))
            .into_response();
    }
    let nonce = pages.desk.nonce().await;
    let embedders = match &transaction {
        Some(text) => pages.desk.embedders(text).await,
        None => Vec::new(),
    };
    let framed_by = FramedBy::new(&embedders);
    let slots = Slots { nonce: &nonce, embedders: framed_by.as_str(), ..Slots::default() };
    pages.page_in(framed_by.clone(), &pages.login, StatusCode::OK, &headers, &slots)
}

#[derive(Deserialize)]
struct RenewQuery {
    return_to: Option<String>,
}

async fn renew<D: Desk>(
    State(pages): State<Arc<Pages<D>>>,
    query: Result<Query<RenewQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = query.ok().and_then(|Query(query)| query.return_to);
    let checked = asked.and_then(|path| return_to::checked_with_transaction(&path, &pages.origin));
    let return_to = checked.as_deref().unwrap_or("/");
    let nonce = pages.desk.nonce().await;
    pages.page(
        &pages.renew,
        StatusCode::OK,
        &headers,
        &Slots { nonce: &nonce, return_to, ..Slots::default() },
    )
}

#[derive(Deserialize)]
struct DeviceQuery {
    user_code: Option<String>,
}

/// RFC 8628 §3.3: says what to do in the authenticator. Shows a code to compare with the device's, whoever sent it.
async fn device<D: Desk>(
    State(pages): State<Arc<Pages<D>>>,
    query: Result<Query<DeviceQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = query.ok().and_then(|Query(query)| query.user_code);
    let code = asked.and_then(|text| UserCode::parse(&text)).map(|code| code.to_string());
    let slots = Slots { user_code: code.as_deref().unwrap_or_default(), ..Slots::default() };
    pages.page(&pages.device, StatusCode::OK, &headers, &slots)
}

async fn link<D: Desk>(State(pages): State<Arc<Pages<D>>>, headers: HeaderMap) -> Response {
    pages.page(&pages.link, StatusCode::OK, &headers, &Slots::default())
}

async fn enrol<D: Desk>(State(pages): State<Arc<Pages<D>>>, headers: HeaderMap) -> Response {
    pages.page(&pages.enrol, StatusCode::OK, &headers, &Slots::default())
}

async fn missing<D: Desk>(
    State(pages): State<Arc<Pages<D>>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response {
    let machine = ["/api/", "/.well-known/", "/health/"].iter().any(|area| uri.path().starts_with(area));
    if machine {
        return Problem::new(ProblemName::NotFound).into_response();
    }
    pages.page(&pages.error, StatusCode::NOT_FOUND, &headers, &Slots { status: "404", ..Slots::default() })
}

async fn favicon(headers: HeaderMap) -> Response {
    assets::serve("mark.svg", &headers)
}

/// What sites put into their own pages (docs/sites.md).
async fn script_of_sites(headers: HeaderMap) -> Response {
    let mut response = assets::serve("countersign.js", &headers);
    for (name, value) in [
        // Another origin's page loads it, and may say `crossorigin`.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        // Old ones do no harm for a while: what it says to the page in the frame does not change.
        (header::CACHE_CONTROL, "public, max-age=3600, stale-while-revalidate=86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn asset<D: Desk>(
    State(pages): State<Arc<Pages<D>>>,
    axum::extract::Path(name): axum::extract::Path<String>,
    uri: axum::http::Uri,
    headers: HeaderMap,
) -> Response {
    if assets::is_asset(&name) {
        assets::serve(&name, &headers)
    } else {
        missing(State(pages), uri, headers).await
    }
}

/// A page that only says something, in the frame that such pages share.
fn plain(name: &str) -> Template {
    Template::framed(assets::text("plain.html"), assets::text(name))
}

impl<D> Pages<D> {
    fn page(
        &self,
        template: &Template,
        status: StatusCode,
        headers: &HeaderMap,
        slots: &Slots<'_>,
    ) -> Response {
        self.page_in(FramedBy::new(&[]), template, status, headers, slots)
    }

    /// A page that these sites may hold in a frame.
    fn page_in(
        &self,
        framed_by: FramedBy,
        template: &Template,
        status: StatusCode,
        headers: &HeaderMap,
        slots: &Slots<'_>,
    ) -> Response {
        let language = Language::of(headers);
        let body = template.fill(&Slots {
            lang: language.as_str(),
            site_name: &self.site_name,
            origin: self.origin.as_str(),
            download: self.download.as_deref().unwrap_or_default(),
            ..*slots
        });
        let mut page = respond(status, language, headers::page_policy(&self.origin, &framed_by), body);
        page.extensions_mut().insert(framed_by);
        page
    }
}

/// A page as an answer.
fn respond(status: StatusCode, language: Language, policy: HeaderValue, body: String) -> Response {
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language.as_str())),
        (header::VARY, HeaderValue::from_static("accept-language, cookie")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (status, fixed, body).into_response()
}

#[cfg(test)]
mod tests;
