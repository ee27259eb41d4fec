//! How is equal work done once, when many connections ask for it at the same moment?

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Values by what they are made from. The first who asks makes the value; whoever asks meanwhile waits for it.
///
/// At most [`ENTRIES_MAX`] values are kept: what is asked for beyond that is made for the one who asks.
#[derive(Debug)]
pub(crate) struct OnceMap<K, V>(Mutex<BTreeMap<K, Arc<OnceLock<V>>>>);

/// How many values a map keeps: more kinds of viewers than this share too little to be worth the memory.
const ENTRIES_MAX: usize = 1024;

impl<K: Ord, V: Clone> OnceMap<K, V> {
    pub(crate) fn get_or_make(&self, key: K, make: impl FnOnce() -> V) -> V {
        let cell = {
            let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match map.get(&key) {
                Some(cell) => Arc::clone(cell),
                None => {
                    let cell = Arc::default();
                    if map.len() < ENTRIES_MAX {
                        map.insert(key, Arc::clone(&cell));
                    }
                    cell
                }
            }
        };
        cell.get_or_init(make).clone()
    }
}

impl<K, V> Default for OnceMap<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
