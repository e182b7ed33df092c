//! The HTTP client of this workspace, as the crates `oauth2` and `openidconnect` want one: they bring another version of
//! their own otherwise.

use anyhow::Result;
use futures_util::future::BoxFuture;
use oauth2::{HttpRequest, HttpResponse};

/// Makes their calls; follows no redirect, as both ask for.
pub(crate) fn caller()
-> Result<impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, reqwest::Error>>> {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    Ok(move |request: HttpRequest| {
        let http = http.clone();
        Box::pin(async move {
            let answer = http.execute(request.try_into()?).await?;
            let mut response = HttpResponse::default();
            *response.status_mut() = answer.status();
            answer.headers().clone_into(response.headers_mut());
            *response.body_mut() = answer.bytes().await?.to_vec();
            Ok(response)
        }) as BoxFuture<'static, _>
    })
}
