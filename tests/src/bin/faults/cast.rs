//! Who plays: nodes, their stores, and the lines between them.

use anyhow::{Context, Result};
use services::postgres::{Cluster, Options};
use services::redis::Redis;

use crate::fault::Stores;
use crate::line::{Line, State};
use crate::node::Node;

/// Shared by the nodes, so that any of them takes any call.
const KEY: &str = "5f0cf8b5a4f0d5ff3c0b1ecb0a1f5d7e6b1d2c3a4958677685948372615049af";
/// The database that every PostgreSQL has.
const DATABASE: &str = "postgres";

/// All parts of one site.
pub(crate) struct Cast {
    /// Ended before what they lean on.
    pub(crate) nodes: Vec<Node>,
    shared: Option<Shared>,
}

/// What several nodes share.
pub(crate) struct Shared {
    /// As in production: what is committed is on the disk.
    pub(crate) postgres: Cluster,
    /// Forgets everything when it ends.
    pub(crate) redis: Redis,
}

impl Cast {
    /// Two nodes on PostgreSQL and Redis, or one on its file.
    pub(crate) async fn start(stores: Stores) -> Result<Self> {
        if stores == Stores::File {
            return Ok(Self { nodes: vec![Node::start(Vec::new(), Vec::new()).await?], shared: None });
        }
        let postgres = Cluster::start(Options { fsync: true, tcp: true })?;
        let shared = Shared { postgres, redis: Redis::start()? };
        let mut nodes = Vec::new();
        for _ in 0..2 {
            nodes.push(shared.node().await?);
        }
        Ok(Self { nodes, shared: Some(shared) })
    }

    /// The stores of several nodes.
    pub(crate) fn shared(&mut self) -> Result<&mut Shared> {
        self.shared.as_mut().context("one node on a file shares nothing")
    }

    /// The node whose turn it is.
    pub(crate) fn node(&mut self, turn: usize) -> &mut Node {
        let count = self.nodes.len();
        &mut self.nodes[turn % count]
    }

    /// Waits until every node says that it can take calls.
    pub(crate) async fn is_ready(&self) -> Result<()> {
        for node in &self.nodes {
            node.is_ready().await?;
        }
        Ok(())
    }
}

impl Shared {
    async fn node(&self) -> Result<Node> {
        let own = self.postgres.tcp_url(DATABASE);
        let port = own.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next());
        let port = port.and_then(|port| port.parse().ok()).with_context(|| format!("no port in {own}"))?;
        let (database, redis) = (Line::to(port).await?, Line::to(self.redis.port()).await?);
        let database_url = own.replacen(&format!(":{port}/"), &format!(":{}/", database.address().port()), 1);
        let variables = [
            ("COUNTERSIGN_DATABASE", database_url),
            ("COUNTERSIGN_REDIS", format!("redis://{}", redis.address())),
            ("COUNTERSIGN_SERVER_KEY", KEY.to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Node::start(variables, vec![database, redis]).await
    }
}

/// All of these lines are so from now on.
pub(crate) fn set<'a>(lines: impl IntoIterator<Item = &'a Line>, state: State) {
    for line in lines {
        line.set(state);
    }
}
