//! Which versions do the messages of the stream make of a meeting? (spec: redis.md#follow)

use std::time::Duration;

use domain::meeting::{Built, Change, Meeting, Problem};
use domain::ports::message_bus::BusMessage;
use tracing::warn;

/// A version, and when its change was written to the store: a monotonic time, if that is known.
pub(super) type Written = (Meeting, Option<Duration>);

/// When messages arrived, by both clocks of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) unix_time: Duration,
    pub(super) monotonic: Duration,
}

impl Arrived {
    /// Returns the monotonic time at which a message was written that says `appended_at` by the clock of the bus. One
    /// that comes from the future, because that clock is ahead, was written when it arrived.
    fn written_at(self, appended_at: Option<Duration>) -> Option<Duration> {
        let age = self.unix_time.saturating_sub(appended_at?);
        Some(self.monotonic.saturating_sub(age))
    }
}

/// Returns the versions that the messages make of `current`, and whether nothing was missed. `store` is the name of what
/// is asked then.
pub(super) fn versions_after(
    current: &Meeting,
    messages: &[BusMessage],
    arrived: Arrived,
    store: &str,
) -> (Vec<Written>, bool) {
    let mut versions: Vec<Written> = Vec::new();
    let mut is_complete = true;
    for message in messages {
        let newest = versions.last().map_or(current, |(newest, _)| newest);
        match Change::parse(&message.content) {
            Ok(change) if change.change_id <= newest.change_id() => {}
            Ok(change) if change.change_id == newest.change_id().next() => {
                versions.push((logged(newest.apply(change)), arrived.written_at(message.appended_at)));
            }
            Ok(_) => is_complete = false,
            Err(error) => {
                warn!(
                    position = %message.position, %error,
                    "a change in the stream cannot be read; reading the elements from {store} instead"
                );
                is_complete = false;
            }
        }
    }
    (versions, is_complete)
}

/// How many problems of one step are logged individually; beyond that, only their number is.
const PROBLEMS_LOGGED_MAX: usize = 20;

/// Returns the meeting, and logs what could not be read of it.
pub(super) fn logged(built: Built) -> Meeting {
    for Problem { key, text } in built.problems.iter().take(PROBLEMS_LOGGED_MAX) {
        warn!(?key, problem = %text, "an element cannot be read and is hidden from everybody");
    }
    if built.problems.len() > PROBLEMS_LOGGED_MAX {
        warn!(elements = built.problems.len(), "many elements cannot be read and are hidden from everybody");
    }
    built.meeting
}
