//! How do the listeners of this process receive the applause level? (spec: notify.md#applause-level)

use std::sync::Arc;
use std::time::Duration;

use super::hub::NotifyHub;
use domain::applause::{ApplauseCounter, Audience, KEPT_SECONDS};
use domain::ports::Unavailable;
use domain::ports::applause_store::ApplauseStore;
use domain::ports::clock::Clock;
use tracing::{info, warn};

/// The shortest interval between two counts, whatever is configured, so that the store is not queried without pause.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Counts the applause once every `interval` and sends the level to all listeners. Runs until it is dropped, which may
/// happen at any time.
///
/// `audience` describes the meeting at that moment; `None`: there is none yet, so nothing is counted. A failed count is
/// logged and ends nobody's connection; the next one follows after the interval.
pub async fn run_applause_loop(
    store: Arc<dyn ApplauseStore>,
    hub: Arc<NotifyHub>,
    clock: Arc<dyn Clock>,
    interval: Duration,
    audience: impl Fn() -> Option<Audience>,
) {
    let mut counting = Counting { store, hub, counter: ApplauseCounter::default() };
    let mut failures: u32 = 0;
    loop {
        clock.sleep(interval.max(INTERVAL_MIN)).await;
        let Some(audience) = audience() else { continue };
        match counting.count(audience).await {
            Ok(()) => {
                if failures > 0 {
                    info!(failures, "counting applause again");
                }
                failures = 0;
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                // The first failure in a row is logged, then the second, fourth, eighth, …, rather than one every
                // second.
                if failures.is_power_of_two() {
                    warn!(%error, failures, "cannot count applause; retrying");
                }
            }
        }
    }
}

struct Counting {
    store: Arc<dyn ApplauseStore>,
    hub: Arc<NotifyHub>,
    counter: ApplauseCounter,
}

impl Counting {
    async fn count(&mut self, audience: Audience) -> Result<(), Unavailable> {
        let level = self.store.count_within(audience.timeout_seconds).await?;
        if let Some(message) = self.counter.counted(level, audience.present_users) {
            self.hub.deliver(&message);
        }
        self.store.forget_older_than(KEPT_SECONDS).await
    }
}

#[cfg(test)]
#[path = "applause_tests.rs"]
mod tests;
