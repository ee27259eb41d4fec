//! What time is it?

use std::time::Duration;

use async_trait::async_trait;

/// The time, so that tests and simulations can set it.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// Seconds since 1970, for the times that the demo writes. What is shared between instances is not timed by it: their
    /// clocks differ.
    fn unix_seconds(&self) -> u64;

    /// Time since some fixed moment of this process. MUST never go back.
    fn monotonic(&self) -> Duration;

    /// Returns when `duration` has passed by [`Clock::monotonic`], not before.
    async fn sleep(&self, duration: Duration);
}
