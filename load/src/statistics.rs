//! How are many latencies summarized in a few numbers?

use serde::Serialize;

/// Percentiles of many durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The maximum.
    pub max_ms: f64,
}

impl Percentiles {
    /// Returns the percentiles of durations in microseconds, or `None` if there are none.
    #[must_use]
    pub fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let last = micros.len().checked_sub(1)?;
        // The nearest rank: the smallest value that this percentage of the durations does not exceed.
        let at = |percent: usize| micros[((last + 1) * percent).div_ceil(100).saturating_sub(1)] as f64 / 1_000.0;
        Some(Self { p50_ms: at(50), p90_ms: at(90), p99_ms: at(99), max_ms: at(100) })
    }
}

#[cfg(test)]
mod tests {
    use super::Percentiles;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let of = |micros: Vec<u64>| Percentiles::of(micros).map(|p| (p.p50_ms, p.p90_ms, p.p99_ms, p.max_ms));
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![7_000]), Some((7.0, 7.0, 7.0, 7.0)));
        assert_eq!(of((1..=100).rev().map(|n| n * 1_000).collect()), Some((50.0, 90.0, 99.0, 100.0)));
        assert_eq!(of((1..=1_000).map(|n| n * 1_000).collect()), Some((500.0, 900.0, 990.0, 1_000.0)));
    }
}
