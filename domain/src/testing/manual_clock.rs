//! How does a test set the time?

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::contract::ClockDriver;
use crate::ports::clock::Clock;

/// A clock that only moves when advanced. Clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start_unix_seconds: u64,
    elapsed: watch::Sender<Duration>,
    sleepers: watch::Sender<usize>,
}

impl ManualClock {
    /// Creates a clock that shows `start_unix_seconds`.
    #[must_use]
    pub fn new(start_unix_seconds: u64) -> Self {
        Self { start_unix_seconds, elapsed: watch::Sender::new(Duration::ZERO), sleepers: watch::Sender::new(0) }
    }

    /// Advances the time, and wakes all sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed += duration);
    }

    /// Returns once at least `count` tasks sleep, so that advancing the time has an effect on them.
    pub async fn until_asleep(&self, count: usize) {
        let mut sleepers = self.sleepers.subscribe();
        // The clock holds the sender, so waiting cannot fail.
        let _ = sleepers.wait_for(|sleeping| *sleeping >= count).await;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(self.start_unix_seconds) + *self.elapsed.borrow()
    }

    fn monotonic(&self) -> Duration {
        *self.elapsed.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut elapsed = self.elapsed.subscribe();
        let end = self.monotonic() + duration;
        let _asleep = Asleep::new(&self.sleepers);
        let _ = elapsed.wait_for(|elapsed| *elapsed >= end).await;
    }
}

impl ClockDriver for ManualClock {
    fn let_pass(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// Counts a sleeper until its future is dropped, whether it finished or not.
struct Asleep<'a>(&'a watch::Sender<usize>);

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|count| *count += 1);
        Self(sleepers)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_sleep_ends_on_time_and_not_before() {
        let clock = ManualClock::new(1_000);
        let mut context = Context::from_waker(Waker::noop());
        let mut sleep = pin!(clock.sleep(Duration::from_secs(5)));
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_millis(4_999));
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(sleep.as_mut().poll(&mut context).is_ready());
        assert_eq!((clock.unix_seconds(), clock.monotonic()), (1_005, Duration::from_secs(5)));
    }

    #[test]
    fn sleepers_are_counted_until_the_sleep_ends_or_is_dropped() {
        let clock = ManualClock::new(0);
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut sleep = pin!(clock.sleep(Duration::from_secs(5)));
            assert!(pin!(clock.until_asleep(1)).poll(&mut context).is_pending());
            assert!(sleep.as_mut().poll(&mut context).is_pending());
            assert!(pin!(clock.until_asleep(1)).poll(&mut context).is_ready());
        }
        assert!(pin!(clock.until_asleep(1)).poll(&mut context).is_pending());
    }
}
