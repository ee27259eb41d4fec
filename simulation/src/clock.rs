//! What time is it in a world? The time of its runtime, which is paused while any task is busy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::clock::Clock;
use tokio::time::{Instant, sleep};

/// Where the wall clock starts, in Unix seconds.
const UNIX_SECONDS: u64 = 1_700_000_000;

/// The clock of a world.
#[derive(Debug)]
pub(crate) struct WorldClock {
    start: Instant,
    /// How far the wall clock was advanced, beyond the time that passed.
    jumped_seconds: AtomicU64,
}

impl WorldClock {
    /// Creates a clock that starts now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), jumped_seconds: AtomicU64::new(0) }
    }

    /// Advances the wall clock.
    pub(crate) fn jump(&self, seconds: u64) {
        self.jumped_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for WorldClock {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(UNIX_SECONDS + self.jumped_seconds.load(Ordering::Relaxed)) + self.start.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}
