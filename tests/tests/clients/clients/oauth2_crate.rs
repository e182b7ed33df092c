//! The crate `oauth2`: a command line tool, and a site.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use e2e::stage::play;
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    DeviceCodeErrorResponseType, PkceCodeChallenge, RedirectUrl, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse as _, TokenUrl,
};

use super::browser::Browser;
use super::http_client::caller;
use super::site::Site;

/// The tool shows its code, polls until the person has approved, refreshes, and gives the token back.
#[tokio::test]
async fn a_tool_signs_in_by_the_device_grant() -> Result<()> {
    play("oauth2_device", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--public", "--device-grant"])?;
        let http = caller()?;
        let client = BasicClient::new(ClientId::new(registered.id.clone()))
            .set_device_authorization_url(DeviceAuthorizationUrl::new(at(&site, "device-authorization"))?)
            .set_token_uri(TokenUrl::new(at(&site, "token"))?);
        let started: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scope(Scope::new("openid".to_owned()))
            .request_async(&http)
            .await?;
        ensure!(started.verification_uri().as_str() == format!("{}/device", site.server.origin()));
        let polling = client.exchange_device_access_token(&started);
        let (tokens, typed) = tokio::join!(
            polling.request_async(&http, tokio::time::sleep, None),
            site.type_and_decide(started.user_code().secret(), "approve"),
        );
        typed?;
        let tokens = tokens?;
        ensure!(*tokens.token_type() == BasicTokenType::Bearer);
        let refresh = tokens.refresh_token().context("no refresh token")?;
        let next = client.exchange_refresh_token(refresh).request_async(&http).await?;
        let refresh = next.refresh_token().context("no second refresh token")?;
        // The crate itself gives tokens back over https alone.
        let given_back = format!("client_id={}&token={}", registered.id, refresh.secret());
        let call = reqwest::Client::builder().no_proxy().build()?.post(at(&site, "revoke"));
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(given_back);
        call.send().await?.error_for_status()?;
        let after = client.exchange_refresh_token(refresh).request_async(&http).await;
        ensure!(
            matches!(&after, Err(RequestTokenError::ServerResponse(said)) if *said.error() == BasicErrorResponseType::InvalidGrant),
            "a token that was given back is good for {after:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_tool_hears_that_the_person_said_no() -> Result<()> {
    play("oauth2_denied", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--public", "--device-grant"])?;
        let http = caller()?;
        let client = BasicClient::new(ClientId::new(registered.id))
            .set_device_authorization_url(DeviceAuthorizationUrl::new(at(&site, "device-authorization"))?)
            .set_token_uri(TokenUrl::new(at(&site, "token"))?);
        let started: StandardDeviceAuthorizationResponse =
            client.exchange_device_code().request_async(&http).await?;
        site.type_and_decide(started.user_code().secret(), "deny").await?;
        let polling = client.exchange_device_access_token(&started);
        let told = polling.request_async(&http, tokio::time::sleep, None).await;
        ensure!(
            matches!(&told, Err(RequestTokenError::ServerResponse(said)) if *said.error() == DeviceCodeErrorResponseType::AccessDenied),
            "it is told {told:?}"
        );
        Ok(())
    })
    .await
}

/// Code with PKCE and a secret; the state comes back, and the code is good once.
#[tokio::test]
async fn a_site_signs_in_by_code_with_pkce() -> Result<()> {
    play("oauth2_code", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--redirect", "https://app.example.com/cb"])?;
        let http = caller()?;
        let client = BasicClient::new(ClientId::new(registered.id))
            .set_client_secret(ClientSecret::new(registered.secret.context("no secret")?))
            .set_auth_uri(AuthUrl::new(at(&site, "authorize"))?)
            .set_token_uri(TokenUrl::new(at(&site, "token"))?)
            .set_redirect_uri(RedirectUrl::new("https://app.example.com/cb".to_owned())?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let back = Browser::new(&site).go(address.as_str()).await?;
        let said: HashMap<_, _> = back.query_pairs().into_owned().collect();
        ensure!(back.as_str().starts_with("https://app.example.com/cb?"), "the browser is sent to {back}");
        ensure!(said.get("state") == Some(state.secret()), "another state");
        ensure!(said.get("iss").map(String::as_str) == Some(site.server.origin()), "another iss");
        let code = AuthorizationCode::new(said.get("code").context("no code")?.clone());
        let exchange = client.exchange_code(code).set_pkce_verifier(verifier);
        let tokens = exchange.request_async(&http).await?;
        let scopes = tokens.scopes().context("no scopes")?;
        ensure!(scopes.iter().any(|scope| scope.as_str() == "profile"), "{scopes:?}");
        let refresh = tokens.refresh_token().context("no refresh token")?;
        client.exchange_refresh_token(refresh).request_async(&http).await?;
        Ok(())
    })
    .await
}

/// An endpoint's address.
fn at(site: &Site, name: &str) -> String {
    format!("{}/oauth/{name}", site.server.origin())
}
