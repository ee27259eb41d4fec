//! How long does a benchmark measure?

use std::time::Duration;

use criterion::Criterion;

/// Short enough that all benches together take minutes: they show how cost grows, not the last percent.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}
