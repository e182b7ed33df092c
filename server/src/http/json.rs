//! Bodies: JSON objects of bounded size; everything else is a problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use protocol::wire::ProblemName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use super::problem::Problem;

/// A body that was read. A missing one counts as `{}`, since a call whose members are all optional needs none.
///
/// As the last argument of a handler it is read after proof, token and cookies were judged.
pub(super) struct Body<T>(pub(super) T);

/// An answer that no cache keeps: nearly every answer here is about one person or one moment.
pub(super) struct Fresh<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = read(request, app.body_length_max()).await?;
        let text = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(text).map_err(|_| Problem::malformed("The body is no JSON object"))?;
        serde_json::from_value(members.into())
            .map(Self)
            .map_err(|_| Problem::malformed("A member is missing or has another form than the call takes"))
    }
}

pub(super) async fn read(request: Request, length_max: usize) -> Result<Bytes, Problem> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > length_max) {
        return Err(Problem::new(ProblemName::TooLarge));
    }
    match Limited::new(request.into_body(), length_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(ProblemName::TooLarge)),
        Err(_) => Err(Problem::malformed("The body ended early")),
    }
}

impl<T: Serialize> IntoResponse for Fresh<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.0).into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
