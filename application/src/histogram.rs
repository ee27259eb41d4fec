//! How are durations and sizes distributed? Counted where they occur, read when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The bounds for durations from the request or the change to the client, in microseconds.
pub const DELIVERY_MICROSECONDS: &[u64] = &[
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];

/// The bounds for durations of computations, in microseconds.
pub const COMPUTATION_MICROSECONDS: &[u64] =
    &[10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000];

/// The bounds for sizes, in bytes.
pub const SIZE_BYTES: &[u64] = &[256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/// Counts values by size. Neither counting nor reading ever waits.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than bounds: the last one counts what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramCounts {
    /// The upper bounds, and how many values lie above the bound before and not above this one.
    pub by_bound: Vec<(u64, u64)>,
    /// How many values lie above all bounds.
    pub above: u64,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// Creates a histogram with these upper bounds, which must ascend.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn count(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a duration, in microseconds.
    pub fn count_time(&self, duration: Duration) {
        self.count(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns what was counted so far.
    #[must_use]
    pub fn counts(&self) -> HistogramCounts {
        let mut counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let by_bound = self.bounds.iter().copied().zip(counts.by_ref()).collect();
        HistogramCounts { by_bound, above: counts.next().unwrap_or_default(), sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[10, 100]);
        for value in [0, 10, 11, 100, 101, 1_000] {
            histogram.count(value);
        }
        let expected = HistogramCounts { by_bound: vec![(10, 2), (100, 2)], above: 2, sum: 1_222 };
        assert_eq!(histogram.counts(), expected);
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [DELIVERY_MICROSECONDS, COMPUTATION_MICROSECONDS, SIZE_BYTES] {
            assert!(bounds.is_sorted_by(|one, next| one < next), "{bounds:?}");
        }
    }
}
