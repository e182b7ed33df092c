//! The crate `openidconnect`: a site that verifies ID tokens, and a tool.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use e2e::programs;
use e2e::stage::play;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreDeviceAuthorizationResponse, CoreErrorResponseType, CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, DeviceAuthorizationUrl, EndSessionUrl, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};
use serde::{Deserialize, Serialize};

use super::browser::Browser;
use super::http_client::caller;
use super::site::{Registered, Site};

/// What the crate's own types leave to an extension.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Further {
    end_session_endpoint: EndSessionUrl,
    device_authorization_endpoint: DeviceAuthorizationUrl,
}

impl AdditionalProviderMetadata for Further {}

type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client that was made from the server's metadata.
type Discovered = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

const BACK: &str = "https://app.example.com/cb";
const BYE: &str = "https://app.example.com/bye";

/// Discovery, code with PKCE, an ID token by ES256, userinfo, refresh, and the way out.
#[tokio::test]
async fn a_site_verifies_id_tokens_and_signs_out() -> Result<()> {
    play("openidconnect_es256", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--redirect", BACK, "--post-logout-redirect", BYE])?;
        let http = caller()?;
        let metadata = Metadata::discover_async(issuer(&site)?, &http).await?;
        let further = metadata.additional_metadata().clone();
        let client = site_client(metadata, &registered)?;
        let mut browser = Browser::new(&site);
        let (tokens, nonce) = sign_in(&client, &mut browser, &site).await?;
        let claims = verified(&client, &tokens, &nonce, &CoreJwsSigningAlgorithm::EcdsaP256Sha256)?;
        ensure!(claims.preferred_username().is_some_and(|name| name.as_str() == "ada"), "{claims:?}");
        let contexts = claims.auth_context_ref().context("no acr")?;
        ensure!(contexts.as_str() == "urn:countersign:acr:approved", "{contexts:?}");
        ensure!(claims.auth_time().is_some(), "{claims:?}");

        // The crate compares the subject with the ID token's.
        let subject = claims.subject().clone();
        let person: CoreUserInfoClaims =
            client.user_info(tokens.access_token().clone(), Some(subject))?.request_async(&http).await?;
        ensure!(person.preferred_username().is_some_and(|name| name.as_str() == "ada"), "{person:?}");
        let refresh = tokens.refresh_token().context("no refresh token")?;
        let next = client.exchange_refresh_token(refresh)?.request_async(&http).await?;

        let id_token = tokens.id_token().context("no ID token")?;
        let leave = LogoutRequest::from(further.end_session_endpoint)
            .set_id_token_hint(id_token)
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(BYE.to_owned())?)
            .set_state(CsrfToken::new("bye".to_owned()))
            .http_get_url();
        let left = browser.go(leave.as_str()).await?;
        ensure!(left.as_str() == format!("{BYE}?state=bye"), "the browser is sent to {left}");
        let refresh = next.refresh_token().context("no second refresh token")?;
        let after = client.exchange_refresh_token(refresh)?.request_async(&http).await;
        ensure!(
            matches!(&after, Err(RequestTokenError::ServerResponse(said)) if *said.error() == CoreErrorResponseType::InvalidGrant),
            "after the sign-out: {after:?}"
        );
        Ok(())
    })
    .await
}

/// A site that only knows RS256, with a key that the operator brought.
#[tokio::test]
async fn a_site_verifies_id_tokens_by_an_imported_key() -> Result<()> {
    play("openidconnect_rs256", async |stage| {
        let site = Site::start(stage).await?;
        let key = programs::repo().join("server/tests/keys/rsa-2048.pem");
        site.server.operate(&["signing-keys", "import", &key.to_string_lossy()])?;
        let registered = site.client(&["--redirect", BACK, "--id-token-alg", "RS256"])?;
        let metadata = Metadata::discover_async(issuer(&site)?, &caller()?).await?;
        let client = site_client(metadata, &registered)?;
        let (tokens, nonce) = sign_in(&client, &mut Browser::new(&site), &site).await?;
        verified(&client, &tokens, &nonce, &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256)?;
        Ok(())
    })
    .await
}

/// The device grant, with an ID token.
#[tokio::test]
async fn a_tool_gets_an_id_token_by_the_device_grant() -> Result<()> {
    play("openidconnect_device", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--public", "--device-grant"])?;
        let http = caller()?;
        let metadata = Metadata::discover_async(issuer(&site)?, &http).await?;
        let asks_at = metadata.additional_metadata().device_authorization_endpoint.clone();
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(registered.id), None)
            .set_device_authorization_url(asks_at);
        let started: CoreDeviceAuthorizationResponse =
            client.exchange_device_code().add_scope(profile()).request_async(&http).await?;
        let polling = client.exchange_device_access_token(&started)?;
        let (tokens, typed) = tokio::join!(
            polling.request_async(&http, tokio::time::sleep, None),
            site.type_and_decide(started.user_code().secret(), "approve"),
        );
        typed?;
        let tokens = tokens?;
        // There is no nonce in this grant.
        let nobody_asked = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("a nonce".to_owned()));
        let id_token = tokens.id_token().context("no ID token")?;
        let claims = id_token.claims(&client.id_token_verifier(), nobody_asked)?;
        ensure!(claims.preferred_username().is_some_and(|name| name.as_str() == "ada"), "{claims:?}");
        Ok(())
    })
    .await
}

fn issuer(site: &Site) -> Result<IssuerUrl> {
    Ok(IssuerUrl::new(site.server.origin().to_owned())?)
}

fn site_client(metadata: Metadata, registered: &Registered) -> Result<Discovered> {
    let secret = registered.secret.clone().context("no secret")?;
    let id = ClientId::new(registered.id.clone());
    Ok(CoreClient::from_provider_metadata(metadata, id, Some(ClientSecret::new(secret)))
        .set_redirect_uri(RedirectUrl::new(BACK.to_owned())?))
}

fn profile() -> Scope {
    Scope::new("profile".to_owned())
}

/// Sends the browser to the server and back, and exchanges the code.
async fn sign_in(
    client: &Discovered,
    browser: &mut Browser<'_>,
    site: &Site,
) -> Result<(CoreTokenResponse, Nonce)> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (address, state, nonce) = client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .add_scope(profile())
        .set_pkce_challenge(challenge)
        .url();
    let back = browser.go(address.as_str()).await?;
    ensure!(back.as_str().starts_with(&format!("{BACK}?")), "the browser is sent to {back}");
    let said: HashMap<_, _> = back.query_pairs().into_owned().collect();
    ensure!(said.get("state") == Some(state.secret()), "another state");
    ensure!(said.get("iss").map(String::as_str) == Some(site.server.origin()), "another iss");
    let code = AuthorizationCode::new(said.get("code").context("no code")?.clone());
    let exchange = client.exchange_code(code)?.set_pkce_verifier(verifier);
    Ok((exchange.request_async(&caller()?).await?, nonce))
}

/// The claims of the ID token, verified as the crate's manual says; with another nonce it is refused.
fn verified(
    client: &Discovered,
    tokens: &CoreTokenResponse,
    nonce: &Nonce,
    alg: &CoreJwsSigningAlgorithm,
) -> Result<CoreIdTokenClaims> {
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().context("no ID token")?;
    ensure!(id_token.signing_alg()? == alg, "it is signed by {:?}", id_token.signing_alg()?);
    let claims = id_token.claims(&verifier, nonce)?;
    let key = id_token.signing_key(&verifier)?;
    let hash = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg()?, key)?;
    ensure!(claims.access_token_hash() == Some(&hash), "at_hash is of another token");
    let other = id_token.claims(&verifier, &Nonce::new("another".to_owned()));
    ensure!(matches!(other, Err(ClaimsVerificationError::InvalidNonce(_))), "another nonce is good");
    Ok(claims.clone())
}
