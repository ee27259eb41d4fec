//! Which versions of the meeting are kept, so that clients can be sent what changed since theirs?

use std::sync::Arc;
use std::time::Duration;

use imbl::Vector;

use super::{Meeting, Version};
use crate::ids::ChangeId;

/// How much of the past is kept. Older versions are forgotten: a client that needs one is served from the keys that
/// changed, or gets everything (spec: stream.md#history).
#[derive(Clone, Copy, Debug)]
pub struct HistoryLimits {
    /// How many versions besides the current one.
    pub versions_max: usize,
    /// For how long after another version replaced it.
    pub age_max: Duration,
    /// Approximate number of bytes that only past versions hold.
    pub bytes_max: usize,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { versions_max: 1_000, age_max: Duration::from_secs(10 * 60), bytes_max: 256 * 1024 * 1024 }
    }
}

/// The current version of the meeting and the recent ones. Cloning is cheap; a clone never changes.
#[derive(Clone, Debug)]
pub struct History {
    /// Oldest first, never empty, without gaps in the version numbers.
    kept: Vector<Kept>,
    bytes: usize,
    /// How many bytes were replaced since the service started.
    replaced_bytes: u64,
    limits: HistoryLimits,
    /// Ids up to this one may be ambiguous: the store lost changes, or started over, and gives their ids to other
    /// changes.
    ambiguous_up_to: Option<ChangeId>,
}

#[derive(Clone, Debug)]
struct Kept {
    meeting: Arc<Meeting>,
    since: Duration,
    written_at: Option<Duration>,
}

impl History {
    /// Creates the history that begins with `meeting`; `now` is a monotonic time.
    #[must_use]
    pub fn new(meeting: Meeting, limits: HistoryLimits, now: Duration) -> Self {
        let kept = Vector::unit(Kept { meeting: Arc::new(meeting), since: now, written_at: None });
        Self { kept, bytes: 0, replaced_bytes: 0, limits, ambiguous_up_to: None }
    }

    /// Returns the current version.
    #[must_use]
    pub fn current(&self) -> &Arc<Meeting> {
        &self.kept.last().expect("a history is never empty").meeting
    }

    /// Adds the version that follows the current one. A reset drops all earlier versions.
    pub fn push(&mut self, meeting: Meeting, now: Duration) {
        self.push_written(meeting, None, now);
    }

    /// Does the same as [`History::push`] for a change that was written to the store at `written_at`, a monotonic time;
    /// `None`: nobody knows.
    pub fn push_written(&mut self, meeting: Meeting, written_at: Option<Duration>, now: Duration) {
        let before = self.current();
        debug_assert_eq!(meeting.version().0, before.version().0 + 1);
        if meeting.step().is_reset {
            // Also if the lowest id is different: it may be lower than ids that were given before.
            let ambiguous = Some(before.change_id()).max(self.ambiguous_up_to);
            let replaced_bytes = self.replaced_bytes + before.text_bytes() as u64;
            *self = Self { replaced_bytes, ambiguous_up_to: ambiguous, ..Self::new(meeting, self.limits, now) };
            return;
        }
        self.bytes += meeting.step().replaced_bytes;
        self.replaced_bytes += meeting.step().replaced_bytes as u64;
        self.kept.push_back(Kept { meeting: Arc::new(meeting), since: now, written_at });
        self.forget(now);
    }

    /// Drops what is older than the limits allow at `now`. Returns whether there was anything.
    ///
    /// [`History::push`] does so too; this is for times when nothing changes.
    pub fn forget(&mut self, now: Duration) -> bool {
        let before = self.kept.len();
        while let Some(next) = self.kept.get(1) {
            // A version is past since its successor arrived.
            let too_old = now.saturating_sub(next.since) > self.limits.age_max;
            if !too_old && self.kept.len() - 1 <= self.limits.versions_max && self.bytes <= self.limits.bytes_max {
                break;
            }
            self.bytes -= next.meeting.step().replaced_bytes;
            self.kept.pop_front();
        }
        self.kept.len() < before
    }

    /// Returns the kept version with that number.
    #[must_use]
    pub fn at(&self, version: Version) -> Option<&Arc<Meeting>> {
        let index = version.0.checked_sub(self.oldest().version().0)?;
        self.kept.get(usize::try_from(index).ok()?).map(|kept| &kept.meeting)
    }

    /// Returns the newest kept version whose change id is not above `change_id`.
    #[must_use]
    pub fn newest_not_above(&self, change_id: ChangeId) -> Option<&Arc<Meeting>> {
        let mut low = 0;
        let mut high = self.kept.len();
        while low < high {
            let middle = low + (high - low) / 2;
            if self.kept[middle].meeting.change_id() <= change_id {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1).map(|index| &self.kept[index].meeting)
    }

    /// Returns whether a client's change id may mean another change than the one that has it now, because the ids went
    /// back.
    #[must_use]
    pub fn is_ambiguous(&self, change_id: ChangeId) -> bool {
        self.ambiguous_up_to.is_some_and(|limit| change_id <= limit)
    }

    /// Returns the version `from` and all after it, oldest first.
    pub fn since(&self, from: Version) -> impl Iterator<Item = &Arc<Meeting>> {
        let skip = from.0.saturating_sub(self.oldest().version().0);
        self.kept.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).map(|kept| &kept.meeting)
    }

    /// Returns when the first change after the version `from` was written to the store, of those for which that is known.
    #[must_use]
    pub fn written_after(&self, from: Version) -> Option<Duration> {
        let skip = (from.0 + 1).saturating_sub(self.oldest().version().0);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        (skip..self.kept.len()).find_map(|index| self.kept[index].written_at)
    }

    /// Returns how many versions are kept, and approximately how many bytes only past ones hold.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.kept.len(), self.bytes)
    }

    /// Returns approximately how many bytes were replaced since startup. Anything that still holds a version keeps at
    /// most the difference since then alive.
    #[must_use]
    pub fn replaced_bytes(&self) -> u64 {
        self.replaced_bytes
    }

    fn oldest(&self) -> &Arc<Meeting> {
        &self.kept.front().expect("a history is never empty").meeting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::Change;
    use crate::ports::element_store::{Bounds, RawElement, Snapshot};

    const TITLE_BYTES: usize = 50_000;

    /// A tag whose text is about as long as [`TITLE_BYTES`], other ones in each version.
    fn tag(number: u64) -> Vec<RawElement> {
        let json = format!("{{\"id\":1,\"name\":\"{number:0width$}\"}}", width = TITLE_BYTES);
        vec![RawElement { key: b"core/tag:1".to_vec(), json: Some(json.into_bytes()) }]
    }

    /// Of ten versions that come a second apart, `expected` are kept besides the current one.
    #[track_caller]
    fn check(limits: HistoryLimits, expected: usize) {
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(10) };
        let first = Meeting::load(Snapshot { bounds, elements: tag(0) }, None).meeting;
        let mut history = History::new(first, limits, Duration::ZERO);
        for number in 1..10 {
            let next = Change { change_id: history.current().change_id().next(), elements: tag(number) };
            let next = history.current().apply(next).meeting;
            history.push(next, Duration::from_secs(number));
        }
        assert_eq!(history.size().0, expected + 1, "{limits:?}");
        let oldest = ChangeId(19 - expected as u64);
        let found = history.newest_not_above(oldest).map(|meeting| meeting.change_id());
        assert_eq!(found, Some(oldest), "{limits:?}");
        let before = history.newest_not_above(ChangeId(oldest.0 - 1));
        assert!(before.is_none(), "{limits:?}: what is older is forgotten");
    }

    /// (spec: stream.md#history)
    #[test]
    fn versions_are_kept_up_to_their_number_age_and_bytes() {
        let limits = HistoryLimits::default();
        check(limits, 9);
        check(HistoryLimits { versions_max: 4, ..limits }, 4);
        check(HistoryLimits { versions_max: 0, ..limits }, 0);
        // A version is past since its successor arrived.
        check(HistoryLimits { age_max: Duration::from_secs(3), ..limits }, 4);
        check(HistoryLimits { bytes_max: 5 * TITLE_BYTES + TITLE_BYTES / 2, ..limits }, 5);
    }

    #[test]
    fn the_oldest_change_that_a_client_lacks_is_the_one_that_counts() {
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(10) };
        let first = Meeting::load(Snapshot { bounds, elements: tag(0) }, None).meeting;
        let from = first.version();
        let mut history = History::new(first, HistoryLimits::default(), Duration::ZERO);
        for (number, written_at) in [(1, None), (2, Some(20)), (3, Some(30)), (4, None)] {
            let next = Change { change_id: history.current().change_id().next(), elements: tag(number) };
            let next = history.current().apply(next).meeting;
            history.push_written(next, written_at.map(Duration::from_secs), Duration::from_secs(40));
        }
        let after = |versions| history.written_after(Version(from.0 + versions)).map(|time| time.as_secs());
        let expected = [Some(20), Some(20), Some(30), None, None, None];
        assert_eq!([0, 1, 2, 3, 4, 5].map(after), expected);
    }

    /// (spec: stream.md#history)
    #[test]
    fn what_is_too_old_is_forgotten_though_nothing_changes() {
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(10) };
        let first = Meeting::load(Snapshot { bounds, elements: tag(0) }, None).meeting;
        let mut history = History::new(first, HistoryLimits::default(), Duration::ZERO);
        let next = Change { change_id: ChangeId(11), elements: tag(1) };
        history.push(history.current().apply(next).meeting, Duration::from_secs(1));
        let age_max = HistoryLimits::default().age_max;
        assert!(!history.forget(age_max + Duration::from_secs(1)));
        assert!(history.forget(age_max + Duration::from_secs(2)));
        assert_eq!((history.size(), history.current().change_id()), ((1, 0), ChangeId(11)));
        assert!(!history.forget(age_max * 2), "the current version stays");
    }
}
