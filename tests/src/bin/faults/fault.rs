//! The faults by name.

use std::time::Duration;

use anyhow::Result;
use e2e::process::signal;

use crate::cast::{Cast, set};
use crate::line::State;
use crate::run::Progress;

/// Which stores a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    /// Two nodes on PostgreSQL and Redis.
    Shared,
    /// One node on its file.
    File,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Kind {
    NodeKilled,
    NodesReplaced,
    NodeFrozen,
    NodeCutFromStores,
    NodeCutFromPages,
    RedisKilled,
    RedisFlushed,
    RedisFrozen,
    PostgresKilled,
    PostgresStopped,
    PostgresFrozen,
    DiskFull,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// For people and reports.
    pub(crate) name: &'static str,
    pub(crate) stores: Stores,
    kind: Kind,
}

const fn shared(name: &'static str, kind: Kind) -> Fault {
    Fault { name, stores: Stores::Shared, kind }
}

const fn file(name: &'static str, kind: Kind) -> Fault {
    Fault { name, stores: Stores::File, kind }
}

/// All of them.
pub(crate) const FAULTS: &[Fault] = &[
    shared("node-killed", Kind::NodeKilled),
    shared("nodes-replaced", Kind::NodesReplaced),
    shared("node-frozen", Kind::NodeFrozen),
    shared("node-cut-from-stores", Kind::NodeCutFromStores),
    shared("node-cut-from-pages", Kind::NodeCutFromPages),
    shared("redis-killed", Kind::RedisKilled),
    shared("redis-flushed", Kind::RedisFlushed),
    shared("redis-frozen", Kind::RedisFrozen),
    shared("postgres-killed", Kind::PostgresKilled),
    shared("postgres-stopped", Kind::PostgresStopped),
    shared("postgres-frozen", Kind::PostgresFrozen),
    file("sqlite-node-killed", Kind::NodeKilled),
    file("sqlite-node-replaced", Kind::NodesReplaced),
    file("sqlite-node-frozen", Kind::NodeFrozen),
    file("sqlite-disk-full", Kind::DiskFull),
];

/// How long something hangs or is out of reach: longer than a moment, shorter than anybody's patience.
const STALL: Duration = Duration::from_secs(2);
/// No file may grow beyond the first page: nothing can be written any more.
const NO_ROOM_BYTES: u64 = 4_096;

impl Fault {
    /// Lets it happen once, takes it away again and waits until every node is ready. Whether it was felt; a step that
    /// did not happen is an error.
    pub(crate) async fn happen(&self, cast: &mut Cast, turn: usize, progress: &Progress) -> Result<bool> {
        let mut felt = true;
        match self.kind {
            Kind::NodeKilled => {
                let node = cast.node(turn);
                node.kill().await?;
                node.start_again().await?;
            }
            Kind::NodesReplaced => {
                for number in 0..cast.nodes.len() {
                    let node = cast.node(number);
                    node.stop().await?;
                    node.start_again().await?;
                    node.is_ready().await?;
                }
            }
            Kind::NodeFrozen => {
                let id = cast.node(turn).id()?;
                signal("STOP", &id);
                tokio::time::sleep(STALL).await;
                signal("CONT", &id);
            }
            Kind::NodeCutFromStores => {
                let node = cast.node(turn);
                set(&node.behind, cut(turn));
                tokio::time::sleep(STALL).await;
                set(&node.behind, State::Whole);
            }
            Kind::NodeCutFromPages => {
                let front = &cast.node(turn).front;
                front.set(cut(turn));
                tokio::time::sleep(STALL).await;
                front.set(State::Whole);
            }
            Kind::RedisKilled => {
                let redis = &mut cast.shared()?.redis;
                tokio::task::block_in_place(|| {
                    redis.kill();
                    redis.start_again()
                })?;
            }
            Kind::RedisFlushed => {
                let redis = &cast.shared()?.redis;
                tokio::task::block_in_place(|| redis.flush())?;
            }
            Kind::RedisFrozen => {
                let redis = &cast.shared()?.redis;
                redis.freeze()?;
                tokio::time::sleep(STALL).await;
                redis.thaw()?;
            }
            Kind::PostgresKilled => {
                let postgres = &cast.shared()?.postgres;
                tokio::task::block_in_place(|| postgres.kill().and_then(|()| postgres.resume()))?;
            }
            Kind::PostgresStopped => {
                let postgres = &cast.shared()?.postgres;
                tokio::task::block_in_place(|| postgres.stop().and_then(|()| postgres.resume()))?;
            }
            Kind::PostgresFrozen => {
                let postgres = &cast.shared()?.postgres;
                tokio::task::block_in_place(|| postgres.freeze())?;
                tokio::time::sleep(STALL).await;
                tokio::task::block_in_place(|| postgres.thaw())?;
            }
            Kind::DiskFull => {
                let node = cast.node(turn);
                let before = progress.now().repeated;
                node.leave_room(Some(NO_ROOM_BYTES)).await?;
                // Until somebody was refused for want of room.
                felt = progress.until(|now| now.repeated > before).await;
                node.leave_room(None).await?;
            }
        }
        cast.is_ready().await?;
        Ok(felt)
    }
}

/// Two nodes in turn are cut in both ways, each.
const fn cut(turn: usize) -> State {
    if (turn + turn / 2).is_multiple_of(2) { State::Silent } else { State::Cut }
}
