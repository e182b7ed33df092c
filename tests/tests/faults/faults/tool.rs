//! A tool without a browser that signs in by RFC 8628, as its standard says: nothing of it is the server's.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::client::{Answer, Device, Http, Scan};

const FORM: &str = "application/x-www-form-urlencoded";

/// Arguments of the command line that register it.
pub(crate) const REGISTER: [&str; 7] =
    ["clients", "add", "Backup", "--id", "backup", "--public", "--device-grant"];

/// A tool that was given its codes.
pub(crate) struct Tool {
    device_code: String,
    /// What its person types.
    pub(crate) user_code: String,
}

impl Tool {
    /// Asks for codes.
    pub(crate) async fn start(http: &Http) -> Result<Self> {
        let answer = post(http, "/oauth/device-authorization", "client_id=backup&scope=openid").await?;
        let body = answer.is(200)?.json()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned).context("a code is missing");
        Ok(Self { device_code: text("device_code")?, user_code: text("user_code")? })
    }

    /// Its person types the code into the device and approves.
    pub(crate) async fn approved_by(&self, device: &Device) -> Result<()> {
        let typed = json!({ "user_code": self.user_code, "via": "typed" });
        let scan = Scan::read(device.scan_via(&typed).await?)?;
        device.decide(&scan, "approve", None).await?.is(204).map(drop)
    }

    /// Asks for its tokens.
    pub(crate) async fn poll(&self, http: &Http) -> Result<Answer> {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = format!("client_id=backup&grant_type={grant}&device_code={}", self.device_code);
        post(http, "/oauth/token", &form).await
    }
}

/// Who it is signed in as.
pub(crate) async fn userinfo(http: &Http, tokens: &Value) -> Result<Answer> {
    let token = tokens["access_token"].as_str().context("no access token")?;
    http.call("GET", "/oauth/userinfo").header("authorization", format!("Bearer {token}")).send().await
}

/// A form without credentials but what is in it.
pub(crate) async fn post(http: &Http, path: &str, form: &str) -> Result<Answer> {
    http.call("POST", path).header("content-type", FORM).body(form).send().await
}
