use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::server::Server;
use e2e::stage::play;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::scene::Scene;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A program without a browser (RFC 8628): it shows a code, the app names it and asks for no number, its next poll has
/// tokens that work, the app lists it by its name, and ending it there ends them.
#[tokio::test(flavor = "multi_thread")]
async fn login_by_device_grant() -> Result<()> {
    play("login_by_device_grant", async |stage| {
        let scene = Scene::begin(stage).await?;
        let (app, server) = (&scene.app, &scene.server);
        server.operate(&["clients", "add", "Backup tool", "--id", "backup", "--public", "--device-grant"])?;
        let tool = Tool::new(server)?;

        let started = tool.post("/oauth/device-authorization", &[("scope", "openid profile")]).await?.1;
        let text = |name: &str| started[name].as_str().with_context(|| format!("no {name} in {started}"));
        let (device_code, user_code) = (text("device_code")?, text("user_code")?);
        let page = scene.browser.open(text("verification_uri")?).await?;
        ensure!(page.state().await? == "device", "the page is {}", page.state().await?);
        let poll = [("grant_type", DEVICE_CODE), ("device_code", device_code)];
        tool.is_refused(&poll, "authorization_pending").await?;

        app.click("type-code").await?;
        app.until("type_code").await?;
        app.fill("code-input", &user_code.to_lowercase()).await?;
        app.click("submit-code").await?;
        app.until("authorize").await?;
        ensure!(app.text("client").await? == "Backup tool", "the prompt names {}", app.text("client").await?);
        let scopes = app.text("scopes").await?;
        ensure!(scopes.contains("your name"), "the prompt says {scopes}");
        ensure!(
            app.attribute("warning", "data-code").await? == "came_by_typing",
            "another warning comes first"
        );
        ensure!(!app.has("check-digit-1").await?, "a number is asked for");
        app.click("approve").await?;
        app.until("waiting_for_page").await?;

        // The pace that the server asked for; by then there is an answer.
        let interval_s = started["interval"].as_u64().context("no interval")?;
        tokio::time::sleep(Duration::from_secs(interval_s)).await;
        let tokens = tool.post("/oauth/token", &poll).await?.1;
        ensure!(app.outcome().await? == "signed_in", "the app says {}", app.outcome().await?);
        let token = |name: &str| tokens[name].as_str().with_context(|| format!("no {name}"));
        let person = tool.userinfo(token("access_token")?).await?;
        ensure!(person["preferred_username"] == "ada", "userinfo says {person}");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", token("refresh_token")?)];
        let next = tool.post("/oauth/token", &refresh).await?.1;

        ensure!(app.signed_in_browsers().await? == 1, "not one row");
        let row = app.text("session-row").await?;
        ensure!(row.contains("Backup tool"), "the list says {row}");
        app.click("end-session").await?;
        e2e::patience::until_is("sessions in the list", 0, async || app.signed_in_browsers().await).await?;
        let next = next["refresh_token"].as_str().context("no refresh token")?;
        tool.is_refused(&[("grant_type", "refresh_token"), ("refresh_token", next)], "invalid_grant").await
    })
    .await
}

/// The program.
struct Tool {
    http: reqwest::Client,
    origin: String,
}

impl Tool {
    fn new(server: &Server) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, origin: server.origin().to_owned() })
    }

    /// Posts a form; status and body.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<(u16, Value)> {
        let body =
            Serializer::new(String::new()).extend_pairs(form).append_pair("client_id", "backup").finish();
        let call = self.http.post(format!("{}{path}", self.origin)).body(body);
        let answer = call.header("content-type", "application/x-www-form-urlencoded").send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    async fn is_refused(&self, form: &[(&str, &str)], error: &str) -> Result<()> {
        let (status, body) = self.post("/oauth/token", form).await?;
        ensure!(status == 400 && body["error"] == error, "{error} was expected: {status} {body}");
        Ok(())
    }

    async fn userinfo(&self, token: &str) -> Result<Value> {
        let call = self.http.get(format!("{}/oauth/userinfo", self.origin)).bearer_auth(token);
        Ok(call.send().await?.error_for_status()?.json().await?)
    }
}
