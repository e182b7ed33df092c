//! Navigations of the end-session endpoint.

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use protocol::wire::ProblemName;

use super::super::App;
use super::super::extract::{Client, is_own};
use super::super::problem::Problem;
use super::authorize::{form_text, go};
use crate::oauth::end_session::Ending;
use crate::oauth::parameters::Parameters;
use crate::pages::SignOut;
use crate::service::Failure;

/// `GET /oauth/end-session`.
pub(in crate::http) async fn end_session(
    State(app): State<App>,
    Client(address): Client,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (query, cookies) = (query.unwrap_or_default(), app.cookies().session(&headers));
    let parameters = Parameters::read(query.as_bytes());
    let ending = app.service().end_session_for(&parameters, &query, &cookies, address).await;
    follow(&app, &headers, ending)
}

/// `POST /oauth/end-session`: the answer to the question, from this origin alone; or a site's own form (§2), whose way
/// leads to the navigation, since cookies come with that alone.
pub(in crate::http) async fn end_session_by_form(
    State(app): State<App>,
    Client(address): Client,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let text = match form_text(&app, request).await {
        Ok(text) => text,
        Err(problem) => return problem.into_response(),
    };
    let parameters = Parameters::read(text.as_bytes());
    let Ok(Some(question)) = parameters.one("confirmed") else {
        return go(&format!("/oauth/end-session?{text}"));
    };
    if is_own(&headers, &app) != Some(true) {
        return Problem::new(ProblemName::WrongOrigin).into_response();
    }
    let cookies = app.cookies().session(&headers);
    let ending = app.service().end_session_confirmed(question, &cookies, address).await;
    follow(&app, &headers, ending)
}

fn follow(app: &App, asked: &HeaderMap, ending: Result<Ending, Failure>) -> Response {
    let (mut response, is_over) = match ending {
        Ok(Ending::To(address)) => (go(&address), !address.starts_with("/renew?")),
        Ok(Ending::Done) => (app.pages().sign_out(asked, SignOut::Done, None), true),
        Ok(Ending::Ask { question, target }) => {
            (app.pages().sign_out(asked, SignOut::Asked(&question), target.as_ref()), false)
        }
        Ok(Ending::Refused(why)) => (app.pages().refused(asked, why, ""), false),
        Err(failure) => (Problem::from(failure).into_response(), false),
    };
    if is_over {
        app.cookies().drop_session(response.headers_mut());
    }
    response
}
