//! A command line tool that signs its person in: it shows a code, the person types that into the authenticator, and the
//! tool has its tokens (RFC 8628). Everything that is special to Countersign is the sentence that it prints.
//!
//!     countersign-server clients add "Backup" --id backup --public --device-grant
//!     cargo run -p example-cli -- --issuer http://127.0.0.1:8080 --client-id backup

#![expect(clippy::print_stdout, reason = "this is what the program is for")]

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, DeviceAuthorizationUrl, HttpRequest, HttpResponse, Scope, StandardDeviceAuthorizationResponse,
    TokenResponse as _, TokenUrl,
};
use serde::Deserialize;

/// Signs in and says who did.
#[derive(Parser)]
struct Args {
    /// The server that people sign in at.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    issuer: String,
    /// What this tool is called there.
    #[arg(long, default_value = "backup")]
    client_id: String,
}

/// What the server says about itself.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "called so in RFC 8414")]
struct Metadata {
    device_authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
}

#[derive(Deserialize)]
struct Person {
    preferred_username: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    // The first provider of the process stays; there is none before this one.
    let _first = rustls::crypto::ring::default_provider().install_default();
    // What a server says must not lead elsewhere.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let call = async |request: HttpRequest| send(&http, request).await;

    let metadata: Metadata = http
        .get(format!("{}/.well-known/oauth-authorization-server", args.issuer))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .with_context(|| format!("{} does not answer", args.issuer))?
        .json()
        .await?;
    let client = BasicClient::new(ClientId::new(args.client_id))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(metadata.device_authorization_endpoint)?)
        .set_token_uri(TokenUrl::new(metadata.token_endpoint)?);

    let asked: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scope(Scope::new("openid".to_owned()))
        .add_scope(Scope::new("profile".to_owned()))
        .request_async(&call)
        .await
        .context("the server gives no code")?;
    println!("In your authenticator choose \"Type the code\" and type: {}", asked.user_code().secret());
    println!("Help: {}", asked.verification_uri().as_str());

    let tokens = client
        .exchange_device_access_token(&asked)
        .request_async(&call, tokio::time::sleep, None::<Duration>)
        .await
        .context("nobody signed in")?;
    let person: Person = http
        .get(metadata.userinfo_endpoint)
        .bearer_auth(tokens.access_token().secret())
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    println!("Signed in as {}", person.preferred_username);
    Ok(())
}

/// One call of the library by the workspace's HTTP client.
async fn send(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(request.try_into()?).await?;
    let mut made = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        made = made.header(name, value);
    }
    let body = answer.bytes().await?.to_vec();
    Ok(made.body(body).expect("an answer that was read can be written"))
}
