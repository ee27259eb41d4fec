//! How is equal work done once when many connections ask for it at the same moment?

use std::convert::Infallible;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, UnitWeighter};

/// Has fixed keys: what is hashed does not come from outside.
pub(crate) type Hasher = BuildHasherDefault<DefaultHasher>;

/// Values by the keys they are made from. The first caller makes a value; concurrent callers wait for it.
///
/// At most [`ENTRIES_MAX`] values are kept; beyond that the least used one is dropped, and made again on demand.
#[derive(Debug)]
pub(crate) struct Once<K, V>(Cache<K, V, UnitWeighter, Hasher>);

/// How many values are kept. If there are more kinds of viewers than this, they share too little to be worth the
/// memory.
const ENTRIES_MAX: usize = 1024;

impl<K: Clone + Eq + Hash, V: Clone> Once<K, V> {
    pub(crate) fn get_or_make(&self, key: &K, make: impl FnOnce() -> V) -> V {
        let Ok(value) = self.0.get_or_insert_with(key, || Ok::<_, Infallible>(make()));
        value
    }

    /// Returns the values that are kept.
    pub(crate) fn values(&self) -> impl Iterator<Item = V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Default for Once<K, V> {
    fn default() -> Self {
        // One shard: a new table is created for each version, and most stay small.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(ENTRIES_MAX)
            .weight_capacity(ENTRIES_MAX as u64)
            .build()
            .expect("all that must be given is given");
        Self(Cache::with_options(options, UnitWeighter, Hasher::default(), DefaultLifecycle::default()))
    }
}
