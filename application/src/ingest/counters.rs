//! How has the meeting in memory followed the one in the store?

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the loop that follows the store.
#[derive(Debug, Default)]
pub struct IngestCounters {
    changes: AtomicU64,
    catch_ups: AtomicU64,
    loads: AtomicU64,
}

impl IngestCounters {
    /// Records that changes were applied as the stream delivered them.
    pub fn applied(&self, changes: usize) {
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
    }

    /// Records that missed changes were read from the store.
    pub fn caught_up(&self) {
        self.catch_ups.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the whole meeting was read from the store.
    pub fn loaded(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many changes were applied as the stream delivered them.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Returns how often missed changes were read from the store.
    #[must_use]
    pub fn catch_ups(&self) -> u64 {
        self.catch_ups.load(Ordering::Relaxed)
    }

    /// Returns how often the whole meeting was read from the store, not counting the first time.
    #[must_use]
    pub fn reloads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed).saturating_sub(1)
    }
}
