//! The browser of a person: it follows what the server says and runs the login page's calls.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use url::Url;

use super::site::Site;
use crate::client::{Answer, Jar, Key, Page};

/// More steps than any way through the server has.
const STEPS_MAX: usize = 10;

/// A browser profile.
pub(crate) struct Browser<'a> {
    site: &'a Site,
    key: Key,
    jar: Jar,
}

impl<'a> Browser<'a> {
    /// One that has never been here.
    pub(crate) fn new(site: &'a Site) -> Self {
        Self { site, key: Key::fresh(), jar: Jar::default() }
    }

    /// Opens an address of the server and goes on, through a login where there is one, until it is sent elsewhere: that
    /// address.
    pub(crate) async fn go(&mut self, address: &str) -> Result<Url> {
        let origin = self.site.server.origin();
        let mut here = Url::parse(origin)?.join(address)?;
        for _ in 0..STEPS_MAX {
            if here.origin().ascii_serialization() != origin {
                return Ok(here);
            }
            let path = &here[url::Position::BeforePath..];
            here = if here.path() == "/login" {
                self.sign_in(&here).await?
            } else {
                let answer = self.get(path).await?;
                let to = answer.header("location");
                ensure!(!to.is_empty(), "{path} leads nowhere: {answer}: {}", answer.text());
                here.join(to)?
            };
        }
        anyhow::bail!("the server sends the browser around in circles")
    }

    /// Opens the address where it was sent to, at whoever listens there.
    pub(crate) async fn come_to(&self, address: &Url) -> Result<()> {
        let browser = reqwest::Client::builder().no_proxy().build()?;
        browser.get(address.clone()).send().await?.error_for_status()?;
        Ok(())
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        let call = self.site.http.call("GET", path);
        let cookies = self.jar.header();
        let call = if cookies.is_empty() { call } else { call.header("cookie", cookies) };
        let answer = call.send().await?;
        self.jar.absorb(&answer);
        Ok(answer)
    }

    /// What the login page does, and the person at the authenticator.
    async fn sign_in(&mut self, login: &Url) -> Result<Url> {
        let transaction = login.query_pairs().find(|(name, _)| name == "transaction");
        let (_, transaction) = transaction.with_context(|| format!("no transaction in {login}"))?;
        let body = json!({"transaction": transaction});
        let mut page = Page::start_with(&self.site.http, &self.key, &self.jar, &body, &[]).await?;
        self.site.device().approve(&page).await?;
        let signed_in = page.sign_in().await?.json()?;
        self.jar = page.jar;
        Ok(login.join(signed_in["return_to"].as_str().context("no return_to")?)?)
    }
}
