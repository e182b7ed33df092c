//! A site with two nodes, its stores and a person's device.

use anyhow::{Context, Result};
use serde_json::Value;
use services::postgres::{Cluster, Database};
use services::redis::Redis;

use super::node::Node;
use crate::client::{Device, Page};

/// Not an address that any node listens at: something stands in front of them.
const ORIGIN: &str = "https://login.example.com";
/// The server key that a site begins with.
pub(crate) const KEY: &str = "5f0cf8b5a4f0d5ff3c0b1ecb0a1f5d7e6b1d2c3a4958677685948372615049af";

/// Two nodes that share everything but their folders.
pub(crate) struct Site {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) redis: Redis,
    /// Of the only account; calls a.
    pub(crate) device: Device,
    variables: Vec<(String, String)>,
    _database: Database<'static>,
}

impl Site {
    /// One with default settings.
    pub(crate) async fn new() -> Result<Self> {
        Self::with(&[]).await
    }

    /// One with these settings, by their environment variables.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Result<Self> {
        let redis = Redis::start()?;
        let url = redis.url();
        Self::on(redis, &url, settings).await
    }

    /// One that reaches this Redis at `redis_url`.
    pub(crate) async fn on(redis: Redis, redis_url: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let database = Cluster::shared().database()?;
        let database_url = database.url();
        let shared = [
            ("COUNTERSIGN_REDIS", redis_url),
            ("COUNTERSIGN_DATABASE", &database_url),
            ("COUNTERSIGN_SERVER_KEY", KEY),
        ];
        let variables: Vec<_> = shared
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let a = Node::start(ORIGIN, variables.clone()).await?;
        let b = Node::start(ORIGIN, variables.clone()).await?;
        let said: Value = serde_json::from_str(&a.operate(&["users", "add", "ada"]).await?)?;
        let link = said["link"].as_str().with_context(|| format!("no link in {said}"))?;
        let device = Device::enrol(&a.http()?, link).await?;
        Ok(Self { a, b, redis, device, variables, _database: database })
    }

    /// The device, calling b.
    pub(crate) fn device_at_b(&self) -> Result<Device> {
        Ok(Device { http: self.b.http()?, ..self.device.clone() })
    }

    /// One more node that differs by these settings; it does not run yet.
    pub(crate) fn another(&self, settings: &[(&str, &str)]) -> Result<Node> {
        let mut variables = self.variables.clone();
        variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Node::new(ORIGIN, variables)
    }

    /// A login that begins at a and is approved at b.
    pub(crate) async fn signed_in(&self) -> Result<Page> {
        let mut page = Page::start(&self.a.http()?).await?;
        self.device_at_b()?.approve(&page).await?;
        page.sign_in().await?;
        Ok(page)
    }

    /// How many sessions the account has, by b.
    pub(crate) async fn sessions(&self) -> Result<usize> {
        let body = self.device_at_b()?.get("/api/sessions").await?.is(200)?.json()?;
        Ok(body["sessions"].as_array().context("no sessions")?.len())
    }
}

/// The same page, calling another node from here on.
pub(crate) fn moved(page: &Page, node: &Node) -> Result<Page> {
    Ok(Page { http: node.http()?, ..page.clone() })
}
