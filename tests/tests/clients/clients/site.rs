//! A server, the device of its only account, and clients.

use anyhow::{Context, Result};
use e2e::server::Server;
use e2e::stage::Stage;
use serde_json::{Value, json};

use crate::client::{Device, Http, Scan};

/// Where clients sign people in.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) http: Http,
    device: Device,
}

/// A client as its owner has it.
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

impl Site {
    /// One with Ada's account.
    pub(crate) async fn start(stage: &Stage) -> Result<Self> {
        let server = Server::start(stage, "server").await?;
        let link = server.add_account("ada")?;
        let http = Http::new(server.origin(), server.origin(), None)?;
        let device = Device::enrol(&http, &link).await?;
        Ok(Self { server, http, device })
    }

    /// Adds a client, as the operator does: `clients add NAME ARGS`.
    pub(crate) fn client(&self, arguments: &[&str]) -> Result<Registered> {
        let said = self.server.operate(&[&["clients", "add", "A client"], arguments].concat())?;
        let said: Value = serde_json::from_str(&said).with_context(|| format!("not JSON: {said}"))?;
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        Ok(Registered { id: text("client_id").context("no client_id")?, secret: text("client_secret") })
    }

    /// The person types a code into the authenticator and decides.
    pub(crate) async fn type_and_decide(&self, user_code: &str, decision: &str) -> Result<()> {
        let scan = Scan::read(self.device.scan_via(&json!({"user_code": user_code, "via": "typed"})).await?)?;
        self.device.decide(&scan, decision, None).await?.is(204)?;
        Ok(())
    }

    /// The person's authenticator.
    pub(crate) const fn device(&self) -> &Device {
        &self.device
    }

    /// What the account's sessions are called in the app.
    pub(crate) async fn sessions(&self) -> Result<Vec<String>> {
        let body = self.device.get("/api/sessions").await?.is(200)?.json()?;
        let sessions = body["sessions"].as_array().context("no sessions")?;
        Ok(sessions.iter().filter_map(|session| session["browser"].as_str().map(str::to_owned)).collect())
    }
}
