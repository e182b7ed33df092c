//! Navigations of the authorization endpoint.

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::App;
use super::super::extract::Client;
use super::super::json;
use super::super::problem::Problem;
use crate::oauth::authorization::{Led, Visitor, Way};
use crate::oauth::parameters::Parameters;
use crate::pages::FramedBy;
use crate::service::Failure;

/// `GET /oauth/authorize`.
pub(in crate::http) async fn authorize(
    State(app): State<App>,
    Client(address): Client,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let cookies = app.cookies().session(&headers);
    let visitor = Visitor { cookies: &cookies, address, is_framed: is_framed(&headers) };
    let led = app.service().authorize(&read(query), visitor).await;
    follow(&app, &headers, led)
}

/// `POST /oauth/authorize`, as a form (OpenID Connect Core §3.1.2.1).
pub(in crate::http) async fn authorize_by_form(State(app): State<App>, request: Request) -> Response {
    let headers = request.headers().clone();
    let form = match form_text(&app, request).await {
        Ok(text) => Parameters::read(text.as_bytes()),
        Err(problem) => return problem.into_response(),
    };
    let way = app.service().authorize_by_form(&form).await;
    follow(&app, &headers, way.map(Led::from))
}

/// `GET /oauth/resume`.
pub(in crate::http) async fn resume(
    State(app): State<App>,
    Client(address): Client,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let cookies = app.cookies().session(&headers);
    let visitor = Visitor { cookies: &cookies, address, is_framed: is_framed(&headers) };
    let led = app.service().resume(&read(query), visitor).await;
    follow(&app, &headers, led)
}

/// `GET /oauth/cancel`.
pub(in crate::http) async fn cancel(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let way = app.service().call_off(&read(query)).await;
    follow(&app, &headers, way.map(Led::from))
}

pub(super) fn read(query: Option<String>) -> Parameters {
    Parameters::read(query.unwrap_or_default().as_bytes())
}

/// Whether the answer is to be shown in a frame, as the browser says itself: no script can change this header.
fn is_framed(headers: &HeaderMap) -> bool {
    let to = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
    matches!(to, Some(b"iframe" | b"frame" | b"embed" | b"object"))
}

/// The body of a form, in ASCII as browsers write it.
pub(super) async fn form_text(app: &App, request: Request) -> Result<String, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Problem::malformed("Send a form: application/x-www-form-urlencoded"));
    }
    let body = json::read(request, app.body_length_max()).await?;
    let text =
        std::str::from_utf8(&body).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.map(str::to_owned).ok_or(Problem::malformed("The form is not encoded as browsers do it"))
}

fn follow(app: &App, asked: &HeaderMap, led: Result<Led, Failure>) -> Response {
    let Led { way, drops_session, framed_by } = match led {
        Ok(led) => led,
        Err(failure) => return Problem::from(failure).into_response(),
    };
    let mut response = match way {
        Way::To(address) => {
            let mut response = go(&address);
            response.extensions_mut().insert(FramedBy::new(&framed_by));
            response
        }
        Way::Refused(why, back) => app.pages().refused(asked, why, back.as_deref().unwrap_or_default()),
    };
    if drops_session {
        app.cookies().drop_session(response.headers_mut());
    }
    response
}

/// 303, so that nothing of the call is sent on (RFC 9700 §4.12).
pub(super) fn go(address: &str) -> Response {
    let location = HeaderValue::try_from(address).expect("addresses here are ASCII as `Url` writes them");
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}
