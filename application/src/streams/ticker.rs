//! What advances the time for streams?

use std::sync::Arc;
use std::time::Duration;

use domain::ports::clock::Clock;
use tracing::info;

use super::registry::{SlowClientLimits, StreamRegistry};
use crate::publishing::publisher::MeetingPublisher;

/// Advances the registry's time, for keep-alives and for clients that stop reading. Runs until it is dropped.
pub async fn tick(
    registry: Arc<StreamRegistry>,
    publisher: Arc<MeetingPublisher>,
    slow_client_limits: SlowClientLimits,
    clock: Arc<dyn Clock>,
) {
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        registry.tick();
        let replaced_bytes = publisher.published().map_or(0, |published| published.history().replaced_bytes());
        let streams = registry.end_slow_streams(slow_client_limits, replaced_bytes);
        if streams > 0 {
            info!(streams, "ended streams whose clients read too slowly; they reconnect and continue");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use domain::ids::{ChangeId, UserId};
    use domain::meeting::history::HistoryLimits;
    use domain::meeting::{Change, Meeting};
    use domain::ports::authenticator::Session;
    use domain::ports::element_store::{Bounds, RawElement, Snapshot};
    use domain::restriction::viewer::Viewer;
    use domain::testing::ManualClock;

    use super::*;
    use crate::autoupdate::start::start_with_everything;
    use crate::publishing::publisher::RenderCacheLimit;
    use crate::streams::registry::{KeepAliveSettings, StreamSubscription};
    use crate::testing::loops::JumpingClock;

    const BOUNDS: Bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };

    /// How many bytes may be replaced in this test while a line is being sent.
    const REPLACED_BYTES_MAX: u64 = 10_000;

    fn element(bytes: usize) -> Vec<RawElement> {
        let json = format!(r#"{{"id":5,"about_me":"{}"}}"#, "x".repeat(bytes));
        vec![RawElement { key: "users/user:5".into(), json: Some(json.into()) }]
    }

    /// A line of a version is being sent in which an element has this many bytes. Then the element is written again, or
    /// the meeting reloaded: is the stream ended?
    async fn check_held(bytes: usize, is_reload: bool, expected: bool) {
        let publisher = Arc::new(MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic));
        let meeting = Meeting::load(Snapshot { bounds: BOUNDS, elements: element(bytes) }, None).meeting;
        publisher.publish([meeting], Duration::ZERO);
        let published = publisher.published().expect("a meeting");
        let viewer = Viewer::resolve(published.current(), Some(UserId(5)));
        let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
        let registry = StreamRegistry::new(
            KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
            Arc::new(ManualClock::new(0)),
        );
        let stream = registry
            .enter(&Session::anonymous(), StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version())));
        let next = if is_reload {
            let snapshot = Snapshot { bounds: BOUNDS, elements: element(1) };
            Meeting::load(snapshot, Some(published.current())).meeting
        } else {
            published.current().apply(Change { change_id: ChangeId(2), elements: element(1) }).meeting
        };
        publisher.publish([next], Duration::ZERO);
        let clock = JumpingClock::new(1);
        let slow_client_limits = SlowClientLimits { line_seconds: 60, replaced_bytes_max: REPLACED_BYTES_MAX };
        let task = tokio::spawn(tick(registry, publisher, slow_client_limits, Arc::clone(&clock) as Arc<dyn Clock>));
        clock.exhausted().await;
        task.abort();
        let is_ended = stream.progress().poll_given_up(&Context::from_waker(Waker::noop())).is_ready();
        assert_eq!(is_ended, expected, "{bytes} bytes, reload: {is_reload}");
    }

    #[tokio::test]
    async fn a_line_of_a_version_that_much_of_was_replaced_is_given_up() {
        check_held(100, false, false).await;
        check_held(20_000, false, true).await;
        check_held(100, true, false).await;
        check_held(20_000, true, true).await;
    }
}
