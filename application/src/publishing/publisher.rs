//! Which version of the meeting is current? It is shared by all connections and replaced atomically.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::changed_keys::ChangedKeys;
use super::comparisons::StoreComparisons;
use super::version_diff::{Kept, SharedVersionDiff};
use crate::delivery::meters::DeliveryMeters;
use crate::delivery::render_cache::RenderCache;
use domain::meeting::history::{History, HistoryLimits};
use domain::meeting::{Meeting, Version};
use domain::ports::clock::Clock;

/// How much rendered text is kept for sharing. Beyond that, the least used is rendered again on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenderCacheLimit {
    /// As much as the meeting needs: [`RENDER_CACHE_PER_MEETING_MAX`] times its text, and at least
    /// [`RENDER_CACHE_BYTES_MIN`].
    #[default]
    Automatic,
    /// This many bytes.
    Bytes(u64),
}

/// The smallest limit that [`RenderCacheLimit::Automatic`] sets, in bytes.
pub const RENDER_CACHE_BYTES_MIN: u64 = 96 * 1024 * 1024;

/// How many times the size of the meeting's text [`RenderCacheLimit::Automatic`] allows. Eight groups with very
/// different rights need four times, compressed forms included; the rest is for more groups.
pub const RENDER_CACHE_PER_MEETING_MAX: u64 = 6;

/// The automatic limit grows in steps of this size, so that it does not change with every publication.
const RENDER_CACHE_BYTES_STEP: u64 = 32 * 1024 * 1024;

impl RenderCacheLimit {
    /// Returns the limit in bytes for a meeting with this much text.
    fn bytes_max(self, text_bytes: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Automatic => {
                let wanted = text_bytes.saturating_mul(RENDER_CACHE_PER_MEETING_MAX).max(RENDER_CACHE_BYTES_MIN);
                wanted.div_ceil(RENDER_CACHE_BYTES_STEP).saturating_mul(RENDER_CACHE_BYTES_STEP)
            }
        }
    }
}

/// Holds the current version of the meeting and hands it to every stream.
#[derive(Debug)]
pub struct MeetingPublisher {
    published: RwLock<Option<Arc<Published>>>,
    /// Notified when a meeting is published. Waiters are woken in order, so that a simulation can be repeated.
    replaced: Notify,
    render_cache: RenderCache,
    render_cache_limit: RenderCacheLimit,
    /// The limit in bytes for the current meeting.
    render_cache_bytes_max: AtomicU64,
    limits: HistoryLimits,
    comparisons: Arc<StoreComparisons>,
    meters: Arc<DeliveryMeters>,
}

/// One state of the service: the current version, and what differs from recent ones.
#[derive(Debug)]
pub struct Published {
    history: History,
    /// Created when the first connection asks; most connections come from the previous version.
    version_diffs: Mutex<BTreeMap<Version, Option<Arc<SharedVersionDiff>>>>,
    /// For clients that return with a version that is no longer kept.
    changed_keys: ChangedKeys,
    comparisons: Arc<StoreComparisons>,
    meters: Arc<DeliveryMeters>,
}

impl MeetingPublisher {
    /// Creates a publisher that has no meeting yet.
    #[must_use]
    pub fn new(limits: HistoryLimits, render_cache_limit: RenderCacheLimit) -> Self {
        let render_cache_bytes_max = render_cache_limit.bytes_max(0);
        let meters = Arc::<DeliveryMeters>::default();
        Self {
            published: RwLock::default(),
            replaced: Notify::new(),
            render_cache: RenderCache::new(render_cache_bytes_max, Arc::clone(&meters)),
            render_cache_limit,
            render_cache_bytes_max: AtomicU64::new(render_cache_bytes_max),
            limits,
            comparisons: Arc::default(),
            meters,
        }
    }

    /// Also measures how long rendering takes.
    #[must_use]
    pub fn timed_by(self, clock: Arc<dyn Clock>) -> Self {
        let meters = Arc::new(DeliveryMeters::timed_by(clock));
        let bytes_max = self.render_cache_bytes_max.load(Ordering::Relaxed);
        Self { render_cache: RenderCache::new(bytes_max, Arc::clone(&meters)), meters, ..self }
    }

    /// Returns what is served now; `None` until the first meeting is loaded.
    #[must_use]
    pub fn published(&self) -> Option<Arc<Published>> {
        // Held for one clone only, by readers and writers.
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns what is served, once a meeting is loaded: at once if there is one.
    pub async fn loaded(&self) -> Option<Arc<Published>> {
        let mut replaced = pin!(self.replaced.notified());
        // Before looking, so that nothing is missed in between.
        replaced.as_mut().enable();
        if self.published().is_none() {
            replaced.await;
        }
        self.published()
    }

    /// Publishes the versions that follow the current one, in order, as one step for every observer; `now` is a
    /// monotonic time. Only one caller at a time may create new versions: each must follow the previous one.
    pub fn publish(&self, meetings: impl IntoIterator<Item = Meeting>, now: Duration) {
        self.publish_written(meetings.into_iter().map(|meeting| (meeting, None)), now);
    }

    /// Does the same as [`MeetingPublisher::publish`] for versions of which it is known when their changes were written
    /// to the store: a monotonic time each.
    pub fn publish_written(&self, meetings: impl IntoIterator<Item = (Meeting, Option<Duration>)>, now: Duration) {
        let mut history = self.published().map(|published| published.history.clone());
        let mut is_reset = false;
        let mut touched = Vec::new();
        for (meeting, written_at) in meetings {
            is_reset |= meeting.step().is_reset;
            touched.extend_from_slice(&meeting.step().touched);
            match &mut history {
                Some(history) => history.push_written(meeting, written_at, now),
                None => history = Some(History::new(meeting, self.limits, now)),
            }
        }
        if let Some(history) = history {
            let current = history.current();
            // Before anybody can ask for it.
            if is_reset {
                self.render_cache.begin(current);
            } else {
                self.render_cache.follow(current, touched);
            }
            self.bound_render_cache(current.text_bytes() as u64, is_reset);
            self.replace(history);
            self.replaced.notify_waiters();
        }
    }

    /// Drops past versions that are too old at `now`, a monotonic time. The publishing loop calls this from time to
    /// time, because nothing else does when nothing changes.
    pub fn forget(&self, now: Duration) {
        if let Some(published) = self.published() {
            let mut history = published.history.clone();
            if history.forget(now) {
                self.replace(history);
            }
        }
    }

    fn replace(&self, history: History) {
        let published = Published {
            history,
            version_diffs: Mutex::default(),
            changed_keys: ChangedKeys::default(),
            comparisons: Arc::clone(&self.comparisons),
            meters: Arc::clone(&self.meters),
        };
        let before = self.published.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(published));
        // Freed outside of the lock.
        drop(before);
    }

    /// Lets the limit of the render cache grow with the meeting.
    fn bound_render_cache(&self, text_bytes: u64, is_reset: bool) {
        let now = self.render_cache_bytes_max.load(Ordering::Relaxed);
        let wanted = self.render_cache_limit.bytes_max(text_bytes);
        if wanted > now || is_reset && wanted != now {
            self.render_cache.set_bytes_max(wanted);
            self.render_cache_bytes_max.store(wanted, Ordering::Relaxed);
        }
    }

    /// Returns the rendered text that all connections share.
    #[must_use]
    pub fn render_cache(&self) -> &RenderCache {
        &self.render_cache
    }

    /// Returns how many bytes of rendered text are kept at most.
    #[must_use]
    pub fn render_cache_bytes_max(&self) -> u64 {
        self.render_cache_bytes_max.load(Ordering::Relaxed)
    }

    /// Returns how much of the past is kept at most.
    #[must_use]
    pub fn history_limits(&self) -> HistoryLimits {
        self.limits
    }

    /// Returns the comparisons of the meeting with the store.
    #[must_use]
    pub fn comparisons(&self) -> &StoreComparisons {
        &self.comparisons
    }

    /// Returns what was measured of rendering and of differences.
    #[must_use]
    pub fn meters(&self) -> &DeliveryMeters {
        &self.meters
    }
}

impl Published {
    /// Returns the current version.
    #[must_use]
    pub fn current(&self) -> &Arc<Meeting> {
        self.history.current()
    }

    /// Returns the current version and the recent ones.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns what the store said about changed keys, at least up to the current version.
    #[must_use]
    pub(crate) fn changed_keys(&self) -> &ChangedKeys {
        &self.changed_keys
    }

    /// Returns what is kept for sharing of the differences between earlier versions and this one.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let version_diffs = self.version_diffs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        version_diffs.values().flatten().map(|version_diff| version_diff.kept()).sum()
    }

    /// Returns approximately how many bytes the store's answers about changed keys take.
    #[must_use]
    pub fn changed_keys_bytes(&self) -> u64 {
        self.changed_keys.bytes()
    }

    /// Returns the comparisons of the meeting with the store, those of later states as well.
    pub(crate) fn comparisons(&self) -> &Arc<StoreComparisons> {
        &self.comparisons
    }

    pub(crate) fn meters(&self) -> &Arc<DeliveryMeters> {
        &self.meters
    }

    /// Returns what differs between an earlier version and the current one; `None` if that version is no longer kept.
    #[must_use]
    pub fn version_diff(&self, from: Version) -> Option<Arc<SharedVersionDiff>> {
        let mut version_diffs = self.version_diffs.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || SharedVersionDiff::new(&self.history, from, Arc::clone(&self.meters)).map(Arc::new);
        version_diffs.entry(from).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::line::{Encoder, Line};
    use domain::collection::Collection;
    use domain::ids::{ChangeId, UserId};
    use domain::meeting::Change;
    use domain::ports::element_store::RawElement;
    use domain::restriction::viewer::Viewer;
    use domain::testing::generator::{Generated, Plan};

    #[track_caller]
    fn check(limit: RenderCacheLimit, text_megabytes: u64, expected_megabytes: u64) {
        const MEGABYTE: u64 = 1024 * 1024;
        assert_eq!(limit.bytes_max(text_megabytes * MEGABYTE), expected_megabytes * MEGABYTE);
    }

    #[test]
    fn the_limit_follows_the_meeting_unless_it_is_given() {
        for text in [0, 11, 16] {
            check(RenderCacheLimit::Automatic, text, 96);
        }
        check(RenderCacheLimit::Automatic, 17, 128);
        check(RenderCacheLimit::Automatic, 75, 480);
        for text in [0, 75] {
            check(RenderCacheLimit::Bytes(10 * 1024 * 1024), text, 10);
        }
    }

    #[test]
    fn the_limit_grows_with_the_meeting_and_shrinks_after_a_reset() {
        let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
        for (text_bytes, is_reset, grown) in
            [(0, true, false), (75_000_000, false, true), (0, false, true), (0, true, false)]
        {
            publisher.bound_render_cache(text_bytes, is_reset);
            let now = publisher.render_cache_bytes_max.load(Ordering::Relaxed);
            assert_eq!(now > RENDER_CACHE_BYTES_MIN, grown, "{now} for {text_bytes} bytes");
        }
    }

    /// A meeting of few elements, not yet served to anybody.
    fn served() -> (MeetingPublisher, Generated) {
        let made = Generated::new(Plan { seed: 1, elements: 300, users: 20 });
        let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
        publisher.publish([Meeting::load(made.snapshot(ChangeId(1)), None).meeting], Duration::ZERO);
        (publisher, made)
    }

    fn current(publisher: &MeetingPublisher) -> Arc<Meeting> {
        Arc::clone(publisher.published().expect("a meeting").current())
    }

    /// Sends everything of this version to one member of each group.
    fn tell_all(publisher: &MeetingPublisher, meeting: &Arc<Meeting>) {
        for user in 1..=20 {
            let viewer = Viewer::resolve(meeting, Some(UserId(user)));
            let mut line = Line::all(meeting, &viewer, ChangeId(0));
            while line.next_part(publisher.render_cache(), &mut Encoder::plain()).is_some() {}
        }
    }

    /// Returns the version after `meeting` in which these elements have one more field.
    fn next(made: &Generated, meeting: &Meeting, collection: Collection) -> Meeting {
        let change_id = ChangeId(meeting.change_id().0 + 1);
        let of_collection = made.elements().iter().filter(|(key, _)| key.collection == collection);
        let elements = of_collection.map(|(key, json)| RawElement {
            key: key.to_string().into_bytes(),
            json: Some(json.replacen('{', &format!("{{\"changed\":{change_id},"), 1).into_bytes()),
        });
        let built = meeting.apply(Change { change_id, elements: elements.collect() });
        assert!(built.problems.is_empty(), "{:?}", built.problems);
        built.meeting
    }

    #[test]
    fn what_was_rendered_before_a_reset_is_forgotten() {
        let (publisher, made) = served();
        let meeting = current(&publisher);
        tell_all(&publisher, &meeting);
        assert!(publisher.render_cache().usage().bytes > 0);
        publisher.publish([Meeting::load(made.snapshot(ChangeId(2)), Some(&meeting)).meeting], Duration::ZERO);
        assert_eq!(publisher.render_cache().usage().bytes, 0);
        tell_all(&publisher, &meeting);
        assert_eq!(publisher.render_cache().usage().bytes, 0, "a line that was begun before");
    }

    #[test]
    fn of_blocks_that_were_replaced_nothing_is_kept() {
        let (publisher, made) = served();
        tell_all(&publisher, &current(&publisher));
        let kept = publisher.render_cache().usage().bytes;
        for _ in 0..20 {
            let old = current(&publisher);
            let one = next(&made, &old, Collection::MotionPoll);
            // Two at once: nobody sees the version in between.
            let other = next(&made, &one, Collection::Motion);
            publisher.publish([one, other], Duration::ZERO);
            let left = publisher.render_cache().usage().bytes;
            assert!(left < kept * 9 / 10, "{left} of {kept}");
            tell_all(&publisher, &old);
            assert_eq!(publisher.render_cache().usage().bytes, left, "a line that was begun before");
            tell_all(&publisher, &current(&publisher));
            let now = publisher.render_cache().usage().bytes;
            assert!(now.abs_diff(kept) < kept / 50, "{now}, and {kept} at first");
        }
    }

    #[test]
    fn what_did_not_change_is_still_found() {
        let (publisher, made) = served();
        tell_all(&publisher, &current(&publisher));
        tell_all(&publisher, &current(&publisher));
        let before = publisher.render_cache().usage().misses;
        tell_all(&publisher, &current(&publisher));
        let own = publisher.render_cache().usage().misses - before;
        publisher.publish([next(&made, &current(&publisher), Collection::MotionPoll)], Duration::ZERO);
        let before = publisher.render_cache().usage().misses;
        tell_all(&publisher, &current(&publisher));
        let polls = current(&publisher).elements(Collection::MotionPoll).count() as u64;
        assert!(publisher.render_cache().usage().misses - before <= own + polls * 20, "no more than the polls");
    }
}
