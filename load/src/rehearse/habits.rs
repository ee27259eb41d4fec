//! How does the web client behave when a stream ends? As docs/spec/http.md says under *Retries*.

use std::time::Duration;

/// The failure in a row after which the web client shows its user as offline.
pub(crate) const FAILURES_UNTIL_OFFLINE: u32 = 4;

/// The wait after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The wait after further failures is between these.
const LATER_PAUSE_MIN: Duration = Duration::from_secs(2);
const LATER_PAUSE_SPAN: Duration = Duration::from_secs(3);

/// Returns how long the web client waits after this failure in a row (the first is 1). `chance`, between 0 and 1,
/// decides where the choice is the client's.
///
/// After the last one the web client gives up. The rehearsal continues at the same pace, to see when users could come
/// back.
pub(super) fn pause(failure: u32, chance: f64) -> Duration {
    if failure <= 1 { FIRST_PAUSE } else { LATER_PAUSE_MIN + LATER_PAUSE_SPAN.mul_f64(chance.clamp(0.0, 1.0)) }
}

/// Returns a number between 0 and 1.
pub(super) fn chance() -> f64 {
    // Without randomness all clients wait equally long, which only makes it harder for the service.
    getrandom::u32().map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_are_those_of_the_web_client() {
        assert_eq!(pause(1, 1.0), Duration::from_millis(500));
        for failure in [2, 3, 4, 9] {
            assert_eq!((pause(failure, 0.0), pause(failure, 1.0)), (Duration::from_secs(2), Duration::from_secs(5)));
        }
        assert!((0.0..=1.0).contains(&chance()));
    }
}
