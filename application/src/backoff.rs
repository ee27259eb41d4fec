//! How long does a loop wait before it retries?

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait: a recovery is noticed within this time.
const LONGEST: Duration = Duration::from_secs(3);

/// Waits that double with every failure, up to a maximum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// Returns how many waits there have been.
    #[must_use]
    pub const fn attempts(self) -> u32 {
        self.0
    }

    /// Returns how long to wait after this failure.
    pub fn wait(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.0.min(16)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3000, 3000, 3000]);
        assert_eq!(backoff.attempts(), 8);
    }
}
