//! Does an adapter keep the contract of [`Clock`]?

use std::pin::pin;
use std::time::Duration;

use super::begin;
use crate::ports::clock::Clock;

/// Moves the time.
pub trait ClockDriver: Send + Sync {
    /// Lets `duration` pass on a clock that only moves on demand. On a clock that runs there is nothing to do.
    fn let_pass(&self, duration: Duration);
}

/// A sleep that no test waits for.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Checks that `clock` fulfills its contract.
pub async fn clock(clock: &dyn Clock, driver: &dyn ClockDriver) {
    a_sleep_takes_its_time(clock, driver).await;
    sleepers_do_not_hold_up_one_another(clock, driver).await;
    a_sleep_may_be_given_up(clock, driver).await;
    unix_time_is_in_whole_seconds_and_advances(clock, driver).await;
}

async fn a_sleep_takes_its_time(clock: &dyn Clock, driver: &dyn ClockDriver) {
    // The longest: a busy machine adds less to a sleep that is too short.
    for duration in [0, 1, 1_500_000, 200_000_000].map(Duration::from_nanos) {
        let before = clock.monotonic();
        let mut sleep = pin!(clock.sleep(duration));
        let has_ended = begin(sleep.as_mut()).await.is_ready();
        driver.let_pass(duration);
        if !has_ended {
            sleep.await;
        }
        let after = clock.monotonic();
        assert!(after >= before + duration, "{duration:?}: from {before:?} to {after:?}");
    }
}

async fn sleepers_do_not_hold_up_one_another(clock: &dyn Clock, driver: &dyn ClockDriver) {
    let mut long = pin!(clock.sleep(HOUR));
    assert!(begin(long.as_mut()).await.is_pending());
    let mut short = pin!(clock.sleep(Duration::from_millis(2)));
    let has_ended = begin(short.as_mut()).await.is_ready();
    driver.let_pass(Duration::from_millis(2));
    if !has_ended {
        short.await;
    }
    assert!(begin(long.as_mut()).await.is_pending(), "its time has not come");
}

async fn a_sleep_may_be_given_up(clock: &dyn Clock, driver: &dyn ClockDriver) {
    {
        let mut given_up = pin!(clock.sleep(Duration::from_millis(1)));
        // It may already have ended.
        let _ = begin(given_up.as_mut()).await;
    }
    a_sleep_takes_its_time(clock, driver).await;
}

async fn unix_time_is_in_whole_seconds_and_advances(clock: &dyn Clock, driver: &dyn ClockDriver) {
    const YEAR_3000: u64 = 32_503_680_000;
    let before = clock.unix_seconds();
    driver.let_pass(Duration::from_secs(10));
    let after = clock.unix_seconds();
    assert!(before <= after && after < YEAR_3000, "from {before} to {after}");
}
