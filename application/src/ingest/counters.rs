//! How has the meeting in memory followed the one in the store?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of the loop that follows the store.
#[derive(Debug, Default)]
pub struct IngestCounters {
    changes: AtomicU64,
    catch_ups: [AtomicU64; CatchUpCause::ALL.len()],
    loads: AtomicU64,
    /// When the meeting was last known to be that of the store, in microseconds of the monotonic time.
    confirmed_at: AtomicU64,
}

/// Why missed changes were read from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUpCause {
    /// The stream of changes had a gap, or a change in it could not be read.
    Gap,
    /// The regular comparison found changes that the stream did not announce.
    Comparison,
    /// A client asked for what is newer than this instance, or for projectors.
    Client,
}

impl CatchUpCause {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::Gap, Self::Comparison, Self::Client];
}

impl IngestCounters {
    /// Records that changes were applied as the stream delivered them.
    pub fn applied(&self, changes: usize) {
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
    }

    /// Records that missed changes were read from the store.
    pub fn caught_up(&self, cause: CatchUpCause) {
        self.catch_ups[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the whole meeting was read from the store.
    pub fn loaded(&self) {
        self.loads.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the meeting is that of the store at this monotonic time.
    pub fn confirmed(&self, now: Duration) {
        self.confirmed_at.store(u64::try_from(now.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns how many changes were applied as the stream delivered them.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Returns how often missed changes were read from the store for this cause.
    #[must_use]
    pub fn catch_ups(&self, cause: CatchUpCause) -> u64 {
        self.catch_ups[cause as usize].load(Ordering::Relaxed)
    }

    /// Returns how often the whole meeting was read from the store, not counting the first time.
    #[must_use]
    pub fn reloads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Returns for how long, at this monotonic time, nobody has known whether the meeting still is that of the store.
    /// Zero before there is a meeting.
    #[must_use]
    pub fn unconfirmed_for(&self, now: Duration) -> Duration {
        if self.loads.load(Ordering::Relaxed) == 0 {
            return Duration::ZERO;
        }
        now.saturating_sub(Duration::from_micros(self.confirmed_at.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_the_last_confirmation_counts_once_there_is_a_meeting() {
        let counters = IngestCounters::default();
        let at = Duration::from_secs;
        assert_eq!(counters.unconfirmed_for(at(100)), Duration::ZERO);
        counters.loaded();
        counters.confirmed(at(100));
        assert_eq!(counters.unconfirmed_for(at(107)), at(7));
        counters.confirmed(at(107));
        assert_eq!(counters.unconfirmed_for(at(107)), Duration::ZERO);
    }

    #[test]
    fn every_cause_has_its_own_counter() {
        assert!(CatchUpCause::ALL.iter().enumerate().all(|(index, cause)| *cause as usize == index));
    }
}
