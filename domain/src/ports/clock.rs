//! What time is it?

use std::time::Duration;

use async_trait::async_trait;

/// The time, as a port so that tests and simulations can set it.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the time since 1970, for the times that the demo writes and for measuring. Nothing that is shared between
    /// instances depends on it, because their clocks differ. It may go back.
    fn unix_time(&self) -> Duration;

    /// Returns the full seconds of [`Clock::unix_time`].
    fn unix_seconds(&self) -> u64 {
        self.unix_time().as_secs()
    }

    /// Returns the time since some fixed moment of this process. MUST never go back.
    fn monotonic(&self) -> Duration;

    /// Returns once `duration` has passed by [`Clock::monotonic`], not before.
    async fn sleep(&self, duration: Duration);
}
