//! How are very many durations kept in little memory? In a histogram with two significant digits.

use hdrhistogram::Histogram;

/// Significant digits that are kept: 1 % is less than any two runs differ by.
const DIGITS: u8 = 2;

/// Durations. Empty ones need no memory.
#[derive(Clone, Debug, Default)]
pub struct Times(Option<Box<Histogram<u32>>>);

impl Times {
    /// Adds a duration in microseconds.
    pub fn add(&mut self, micros: u64) {
        if self.0.is_none() {
            self.0 = Histogram::new(DIGITS).ok().map(Box::new);
        }
        if let Some(histogram) = &mut self.0 {
            // It resizes itself, so every value fits.
            let _ = histogram.record(micros);
        }
    }

    /// Adds all durations of another one.
    pub fn add_all(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Some(mine), Some(others)) => {
                // It resizes itself, so every value fits.
                let _ = mine.add(&**others);
            }
            (None, others) => self.0.clone_from(others),
            (Some(_), None) => {}
        }
    }

    /// Returns the number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// Returns the duration in milliseconds that this percentage does not exceed, or `None` if there are none.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> Option<f64> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(histogram.value_at_percentile(percent) as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn percentiles_are_right_to_two_digits() {
        let mut times = Times::default();
        assert_eq!((times.count(), times.percentile_ms(50.0)), (0, None));
        (1..=500).for_each(|n| times.add(n * 1_000));
        let mut more = Times::default();
        (501..=1_000).for_each(|n| more.add(n * 1_000));
        times.add_all(&more);
        times.add_all(&Times::default());
        assert_eq!(times.count(), 1_000);
        for (percent, expected) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1_000.0)] {
            let found = times.percentile_ms(percent).expect("some");
            assert!((found / expected - 1.0_f64).abs() < 0.01, "{percent}: {found}");
        }
    }
}
