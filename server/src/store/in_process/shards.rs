use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Enough that two calls at once rarely want the same one.
const SHARDS: usize = 32;

/// A map in parts that are locked one by one.
#[derive(Debug)]
pub(super) struct Shards<K, V> {
    shards: Vec<Mutex<HashMap<K, V>>>,
    hasher: RandomState,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(), hasher: RandomState::new() }
    }
}

impl<K: Hash + Eq, V> Shards<K, V> {
    /// The part that holds this key. No code under a lock panics, so a poisoned one is good.
    pub(super) fn of<Q: Hash + ?Sized>(&self, key: &Q) -> MutexGuard<'_, HashMap<K, V>>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).expect("below 32");
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each part in turn.
    pub(super) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, HashMap<K, V>>> {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gives memory back once a map has emptied.
pub(super) fn shrink<K: Hash + Eq, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

/// How many a part may hold of `total`.
pub(super) const fn share(total: usize) -> usize {
    total.div_ceil(SHARDS)
}
