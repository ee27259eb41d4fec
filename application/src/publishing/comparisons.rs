//! Since when does this instance have whatever another one may have shown? (spec: stream.md#wider)

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::meeting::Version;

/// The comparisons of the meeting with the store, one at a time.
///
/// Other instances read from the same store. Whoever comes from one of them has been shown nothing that this instance
/// does not have once a comparison is over that began after they came.
#[derive(Debug, Default)]
pub struct StoreComparisons(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// The number of the last one that is over, and the version that has all that it found.
    over: Option<(u64, Version)>,
}

/// A comparison that has begun.
#[derive(Clone, Copy, Debug)]
pub struct BegunComparison(u64);

/// The first comparison that begins later than something else, such as the coming of a client.
#[derive(Clone, Debug)]
pub struct LaterComparison {
    number: u64,
    comparisons: Arc<StoreComparisons>,
}

impl StoreComparisons {
    /// Records that a comparison begins. It counts only if it [ends](Self::end).
    pub fn begin(&self) -> BegunComparison {
        let mut state = self.lock();
        state.begun += 1;
        BegunComparison(state.begun)
    }

    /// Records that a comparison is over, and that `version`, the current one, has everything that the store had when
    /// it began.
    pub fn end(&self, comparison: BegunComparison, version: Version) {
        self.lock().over = Some((comparison.0, version));
    }

    /// Returns the first comparison that begins after this call.
    #[must_use]
    pub fn later(self: &Arc<Self>) -> LaterComparison {
        LaterComparison { number: self.lock().begun + 1, comparisons: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaterComparison {
    /// Returns whether it, or one after it, is over, and `version` has everything that was found then.
    #[must_use]
    pub fn is_covered_by(&self, version: Version) -> bool {
        self.comparisons.lock().over.is_some_and(|(over, found)| over >= self.number && version >= found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_comparison_that_began_later_tells_and_only_of_what_it_found() {
        let comparisons = Arc::<StoreComparisons>::default();
        let running = comparisons.begin();
        let later = comparisons.later();
        let is_covered = |version| later.is_covered_by(Version(version));
        assert!(!is_covered(5), "none is over");
        comparisons.end(running, Version(5));
        assert!(!is_covered(5), "it began before");
        let _failed = comparisons.begin();
        let comparison = comparisons.begin();
        assert!(!is_covered(6), "it is not over");
        comparisons.end(comparison, Version(6));
        assert!(!is_covered(5), "it found more");
        assert!(is_covered(6) && is_covered(7));
    }
}
