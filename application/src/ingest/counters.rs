//! How did the meeting in memory follow the one in the store?

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted by the loop that follows the store.
#[derive(Debug, Default)]
pub struct IngestCounters {
    changes: AtomicU64,
    catch_ups: AtomicU64,
    loads: AtomicU64,
}

impl IngestCounters {
    /// Changes were applied as the stream told them.
    pub fn applied(&self, changes: usize) {
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
    }

    /// What was missed was read from the store.
    pub fn caught_up(&self) {
        self.catch_ups.fetch_add(1, Ordering::Relaxed);
    }

    /// The whole meeting was read from the store.
    pub fn loaded(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    /// How many changes were applied as the stream told them.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// How often what was missed was read from the store.
    #[must_use]
    pub fn catch_ups(&self) -> u64 {
        self.catch_ups.load(Ordering::Relaxed)
    }

    /// How often the whole meeting was read from the store, without the first time.
    #[must_use]
    pub fn reloads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed).saturating_sub(1)
    }
}
