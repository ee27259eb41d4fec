//! What is measured where text is made?

use std::fmt;
use std::sync::Arc;

use domain::ports::clock::Clock;

use crate::histogram::{COMPUTATION_MICROSECONDS, Histogram, HistogramCounts, SIZE_BYTES};

/// Measures how long rendering takes, and how large differences are.
pub struct DeliveryMeters {
    /// `None`: durations are not measured.
    clock: Option<Arc<dyn Clock>>,
    rendering: Histogram,
    differences: Histogram,
}

impl DeliveryMeters {
    /// Measures durations with this clock.
    pub(crate) fn timed_by(clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    /// Measures how long it takes to make something.
    pub(crate) fn rendering<T>(&self, render: impl FnOnce() -> T) -> T {
        let Some(clock) = &self.clock else { return render() };
        let begin = clock.monotonic();
        let rendered = render();
        self.rendering.count_time(clock.monotonic().saturating_sub(begin));
        rendered
    }

    /// Counts a difference that was made, once for all who get it.
    pub(crate) fn made_difference(&self, bytes: usize) {
        self.differences.count(bytes as u64);
    }

    /// Returns how long blocks and lines took to render, in microseconds.
    #[must_use]
    pub fn rendering_microseconds(&self) -> HistogramCounts {
        self.rendering.counts()
    }

    /// Returns how large the differences were, approximately, in bytes of text.
    #[must_use]
    pub fn difference_bytes(&self) -> HistogramCounts {
        self.differences.counts()
    }
}

impl Default for DeliveryMeters {
    fn default() -> Self {
        let (rendering, differences) = (Histogram::new(COMPUTATION_MICROSECONDS), Histogram::new(SIZE_BYTES));
        Self { clock: None, rendering, differences }
    }
}

impl fmt::Debug for DeliveryMeters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeliveryMeters")
    }
}
