//! PostgreSQL and Redis: whoever runs at a URL, or one that the bench starts for itself.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use services::postgres::{Cluster, Options};
use services::redis::Redis;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::machine;
use crate::statistics::Times;

/// Instead of a URL: start one.
const START: &str = "start";

/// Where nodes keep what they share.
pub(crate) struct Stores {
    /// URL of PostgreSQL.
    pub(crate) database: String,
    /// URL of Redis.
    pub(crate) redis: Option<String>,
    postgres_process: Option<u32>,
    redis_process: Option<u32>,
    /// Held until the end.
    _cluster: Option<Cluster>,
    _redis: Option<Redis>,
}

/// CPU seconds so far, of those that the bench has started itself.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) postgres_s: Option<f64>,
    pub(crate) redis_s: Option<f64>,
}

impl Spent {
    pub(crate) fn since(self, before: Self) -> Self {
        let since = |now: Option<f64>, before: Option<f64>| Some(now? - before?);
        Self {
            postgres_s: since(self.postgres_s, before.postgres_s),
            redis_s: since(self.redis_s, before.redis_s),
        }
    }
}

impl Stores {
    /// `None` without a database.
    pub(crate) fn open(database: Option<&str>, redis: Option<&str>) -> Result<Option<Self>> {
        let Some(database) = database else {
            if redis.is_some() {
                bail!("Redis holds what is short-lived; give --database as well, for what lasts");
            }
            return Ok(None);
        };
        // As in production: what is committed is on the disk.
        let cluster =
            if database == START { Some(Cluster::start(Options { fsync: true, tcp: true })?) } else { None };
        let (mut url, mut postgres_process) = (database.to_owned(), None);
        if let Some(cluster) = &cluster {
            url = cluster.tcp_url("postgres");
            let folder = url_folder(&cluster.url("")).context("no folder in its URL")?;
            postgres_process = Some(machine::process_with(&["bin/postgres\0-D", &folder])?);
        }
        let started = if redis == Some(START) { Some(Redis::start()?) } else { None };
        let redis = match &started {
            Some(started) => Some(format!("redis://127.0.0.1:{}", started.port())),
            None => redis.map(str::to_owned),
        };
        let redis_process = started.as_ref().and_then(Redis::id);
        Ok(Some(Self {
            database: url,
            redis,
            postgres_process,
            redis_process,
            _cluster: cluster,
            _redis: started,
        }))
    }

    pub(crate) fn spent(&self) -> Result<Spent> {
        let postgres_s = self.postgres_process.map(machine::family_cpu_s).transpose()?;
        Ok(Spent { postgres_s, redis_s: self.redis_process.map(machine::cpu_s).transpose()? })
    }

    /// Resident memory of the Redis that the bench has started, in MB.
    pub(crate) fn redis_mb(&self) -> Result<Option<f64>> {
        self.redis_process.map(machine::rss_mb).transpose()
    }

    /// From a word to Redis until whoever waits for it has it: the least that a second node costs. `None` without one
    /// that speaks in the clear and asks for no password.
    pub(crate) async fn publish(&self, count: u32) -> Result<Option<Times>> {
        let Some(address) = self.redis.as_deref().and_then(plain_address) else { return Ok(None) };
        let mut listener = connect(address).await?;
        listener.write_all(b"SUBSCRIBE bench\r\n").await?;
        let mut input = [0; 512];
        let _ = listener.read(&mut input).await?;
        let mut speaker = connect(address).await?;
        let mut times_ms = Vec::new();
        for _ in 0..count {
            #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
            let clock = Instant::now();
            speaker.write_all(b"PUBLISH bench changed\r\n").await?;
            let _ = listener.read(&mut input).await?;
            times_ms.push(clock.elapsed().as_secs_f64() * 1_000.0);
            let _ = speaker.read(&mut input).await?;
        }
        Ok(Some(Times::of(times_ms)))
    }
}

/// The folder of a Unix socket that a URL names instead of a host.
fn url_folder(url: &str) -> Option<String> {
    let (_, rest) = url.rsplit_once('@')?;
    Some(rest.split(':').next()?.replace("%2F", "/"))
}

fn plain_address(url: &str) -> Option<SocketAddr> {
    let rest = url.strip_prefix("redis://")?.split('/').next()?;
    if rest.contains('@') {
        return None;
    }
    let rest = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:6379") };
    rest.to_socket_addrs().ok()?.next()
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_socket_is_found_in_its_url() {
        let url = "postgres://countersign@%2Ftmp%2Fcountersign-pg-a:5432/";
        assert_eq!(url_folder(url).unwrap(), "/tmp/countersign-pg-a");
    }

    #[test]
    fn only_an_open_redis_is_spoken_to_directly() {
        assert_eq!(plain_address("redis://127.0.0.1:7000/1").unwrap().port(), 7_000);
        assert_eq!(plain_address("redis://127.0.0.1").unwrap().port(), 6_379);
        for url in ["rediss://127.0.0.1", "redis://user:word@127.0.0.1", "unix:/run/redis.sock"] {
            assert!(plain_address(url).is_none(), "{url}");
        }
    }
}
