//! How is an event that may be frequent logged at most once a minute?

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::clock::Clock;

/// The minimum time between two log lines of a kind.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// Counts how often an event happens, and says when to log it: the first time immediately, and from then on at most
/// once a minute. Use one for each kind of event.
///
/// It has no task: what happened after a log line is reported with the first event that comes a minute or more after
/// that line. If none comes it is not reported, but the line before said the same kind of thing.
pub struct OnceAMinute {
    clock: Arc<dyn Clock>,
    state: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    /// When it was last logged.
    logged: Option<Duration>,
    /// How often it has happened since then.
    count: u64,
}

impl OnceAMinute {
    /// Creates a counter of an event that has not happened yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Counts one event. Returns how many have happened since the last log line, this one included, if it is to be
    /// logged now; otherwise `None`.
    #[must_use]
    pub fn happened(&self) -> Option<u64> {
        // A panic leaves nothing half done.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the times of two threads are in order.
        let now = self.clock.monotonic();
        state.count = state.count.saturating_add(1);
        if state.logged.is_some_and(|logged| now.saturating_sub(logged) < INTERVAL) {
            return None;
        }
        state.logged = Some(now);
        Some(std::mem::take(&mut state.count))
    }
}

impl fmt::Debug for OnceAMinute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnceAMinute")
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::ManualClock;

    use super::*;

    /// Checks what is logged if the event happens at each of these seconds.
    #[track_caller]
    fn check(times: &[(u64, Option<u64>)]) {
        let clock = ManualClock::new(0);
        let events = OnceAMinute::new(Arc::new(clock.clone()));
        let mut before = 0;
        for (seconds, expected) in times {
            clock.advance(Duration::from_secs(seconds - before));
            before = *seconds;
            assert_eq!(events.happened(), *expected, "at {seconds} s of {times:?}");
        }
    }

    #[test]
    fn the_first_time_is_logged_at_once_and_then_one_a_minute() {
        check(&[(0, Some(1))]);
        check(&[(500, Some(1)), (500, None), (559, None), (560, Some(3))]);
        check(&[(0, Some(1)), (60, Some(1)), (119, None), (120, Some(2))]);
    }

    #[test]
    fn the_minute_begins_with_the_line_and_not_with_what_was_kept_back() {
        check(&[(0, Some(1)), (59, None), (61, Some(2)), (119, None), (121, Some(2))]);
    }

    #[test]
    fn what_was_kept_back_is_not_forgotten() {
        check(&[(0, Some(1)), (1, None), (2, None), (7_200, Some(3)), (7_201, None)]);
    }
}
