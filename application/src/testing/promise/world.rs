//! What do clients see of the service, and what should they see?

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use crate::autoupdate::start::{Start, start, start_from_keys, start_with_everything};
use crate::delivery::line;
use crate::publishing::comparisons::BegunComparison;
use crate::publishing::cursor::{Cursor, NextLine};
use crate::publishing::publisher::{MeetingPublisher, Published, RenderCacheLimit};
use domain::access::{Access, access};
use domain::ids::{ChangeId, ElementKey, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting, Version};
use domain::ports::authenticator::Session;
use domain::ports::element_store::{Bounds, Snapshot};
use domain::restriction::viewer::Viewer;
use domain::testing::client::{Line, difference};
use domain::testing::oracle::{self, Elements, Oracle};
use domain::testing::strategies::{History, LOWEST, Write, snapshot};

/// A service whose meeting goes through a history.
pub(super) struct World {
    publisher: MeetingPublisher,
    changes: Vec<Vec<Write>>,
    versions_max: usize,
    state: RefCell<WorldState>,
}

struct WorldState {
    /// The meeting at each change id, including ids that the service missed.
    meetings: BTreeMap<u64, Elements>,
    views: BTreeMap<(u64, u64), Rc<Elements>>,
    /// The change ids of the versions that the service published.
    published: Vec<u64>,
    now: u64,
}

/// A stream, and the change id of the version it last saw.
pub(super) struct ClientStream {
    pub(super) cursor: Cursor,
    pub(super) seen: u64,
    /// The client may hold back lines of another instance that the stream does not know of.
    pub(super) may_have_more: bool,
    /// The change id at which the meeting was compared with the store last since the client came.
    pub(super) compared: Option<u64>,
}

impl ClientStream {
    /// Takes into account that the client has seen what was found when the meeting was compared.
    pub(super) fn settle(&mut self) {
        self.may_have_more &= self.compared.is_none_or(|compared| self.seen < compared);
    }
}

impl World {
    pub(super) fn new(history: &History, versions_max: usize) -> Self {
        let limits = HistoryLimits { versions_max, age_max: Duration::MAX, bytes_max: usize::MAX };
        let publisher = MeetingPublisher::new(limits, RenderCacheLimit::Bytes(100_000));
        publisher.publish([Meeting::load(history.snapshot(), None).meeting], Duration::ZERO);
        let state = WorldState {
            meetings: (LOWEST.0..).zip(history.versions()).collect(),
            views: BTreeMap::new(),
            published: vec![LOWEST.0],
            now: LOWEST.0,
        };
        Self { publisher, changes: history.changes.clone(), versions_max, state: RefCell::new(state) }
    }

    pub(super) fn now(&self) -> u64 {
        self.state.borrow().now
    }

    pub(super) fn version(&self) -> Version {
        self.published().current().version()
    }

    /// Announces the change from version `before` to a stream, which skips it if it is not affected.
    pub(super) fn announce(&self, before: Version, connection: &mut ClientStream) {
        connection.settle();
        if let Some(version_diff) = self.published().version_diff(before)
            && connection.cursor.seen_version().advance_if_unaffected(&version_diff)
        {
            connection.seen = self.now();
        }
    }

    /// Begins to compare the meeting with the store.
    pub(super) fn begin_comparison(&self) -> BegunComparison {
        self.publisher.comparisons().begin()
    }

    /// The comparison is over, and found nothing that the service does not have by now.
    pub(super) fn end_comparison(&self, comparison: BegunComparison) {
        self.publisher.comparisons().end(comparison, self.version());
    }

    /// Publishes the next changes at once, each as a version.
    pub(super) fn make_changes(&self, count: usize) {
        let mut current = Meeting::clone(self.published().current());
        let mut meetings = Vec::new();
        for _ in 0..count.min(self.left()) {
            let id = self.now() + 1;
            let elements = self.writes(id).iter().map(Write::raw).collect();
            current = current.apply(Change { change_id: ChangeId(id), elements }).meeting;
            meetings.push(current.clone());
            self.went_to(id);
        }
        self.publisher.publish(meetings, Duration::ZERO);
    }

    /// Misses the next changes, then catches up with them in one step.
    pub(super) fn miss_changes(&self, count: usize) {
        let count = count.min(self.left());
        if count == 0 {
            return;
        }
        let (before, now) = (self.now(), self.now() + count as u64);
        let elements = self.values_now(&self.written(before, now), now);
        let current = self.published().current().apply(Change { change_id: ChangeId(now), elements }).meeting;
        self.publisher.publish([current], Duration::ZERO);
        self.went_to(now);
    }

    /// Replaces the meeting in the store by another one.
    pub(super) fn reset(&self, elements: &Elements, lowest: ChangeId, highest: ChangeId) {
        let snapshot = Snapshot { bounds: Bounds { lowest, highest }, ..snapshot(elements, highest) };
        let meeting = Meeting::load(snapshot, Some(self.published().current())).meeting;
        self.publisher.publish([meeting], Duration::ZERO);
        let meetings = BTreeMap::from([(highest.0, elements.clone())]);
        *self.state.borrow_mut() =
            WorldState { meetings, views: BTreeMap::new(), published: vec![highest.0], now: highest.0 };
    }

    /// Returns the user that a session of `user` is served as; `None` if it is refused.
    pub(super) fn access(&self, user: u64) -> Option<u64> {
        match access(self.published().current(), &session(user)) {
            Access::Granted(user) => Some(user.map_or(0, |user| user.0)),
            Access::Refused(_) => None,
        }
    }

    /// Opens a connection of a user who is served.
    pub(super) fn connect(&self, user: u64, change_id: u64) -> (ClientStream, Option<Line>) {
        let published = self.published();
        let viewer = match access(published.current(), &session(user)) {
            Access::Granted(user) => Viewer::resolve(published.current(), user),
            Access::Refused(refusal) => panic!("{user}: {refusal}"),
        };
        let change_id = ChangeId(change_id);
        let started = match start(&published, session(user), viewer.clone(), change_id) {
            Start::Ready(started) => *started,
            Start::NeedsKeys => {
                let keys = self.written(change_id.0, self.now());
                let keys: Vec<_> = keys.iter().filter_map(|key| key.parse().ok()).collect();
                start_from_keys(&published, session(user), viewer, change_id, &keys)
            }
            // No other instance is ahead of the store.
            Start::IsAhead => start_with_everything(&published, session(user), viewer, change_id),
        };
        let line = started.first_line.map(|line| self.read(line));
        let may_have_more = line.as_ref().is_none_or(|line| !line.all_data);
        (ClientStream { cursor: started.cursor, seen: self.now(), may_have_more, compared: None }, line)
    }

    /// Returns the next line, if there is one; an outer `None` means that the stream ends.
    pub(super) fn next(&self, connection: &mut ClientStream) -> Option<Option<Line>> {
        connection.seen = self.now();
        match connection.cursor.next(&self.published()) {
            NextLine::Nothing => Some(None),
            NextLine::Line(line) => Some(Some(self.read(line))),
            NextLine::End => None,
        }
    }

    pub(super) fn quiet_line(&self, connection: &mut ClientStream) -> Option<Line> {
        let line = self.read(connection.cursor.quiet_line(&self.published())?);
        assert!(line.changed.is_empty() && line.deleted.is_empty() && !line.all_data);
        Some(line)
    }

    /// Returns what the user sees at that change id.
    pub(super) fn view(&self, user: u64, change_id: u64) -> Rc<Elements> {
        let mut state = self.state.borrow_mut();
        let WorldState { meetings, views, .. } = &mut *state;
        let view = views.entry((user, change_id)).or_insert_with(|| Rc::new(oracle::view(&meetings[&change_id], user)));
        Rc::clone(view)
    }

    pub(super) fn view_now(&self, user: u64) -> Rc<Elements> {
        self.view(user, self.now())
    }

    /// Returns the user that a session of `user` was served as at that change id, by this or another instance; `None`
    /// if it was refused.
    pub(super) fn access_at(&self, user: u64, change_id: u64) -> Option<u64> {
        Oracle::of(&self.state.borrow().meetings[&change_id]).served_as(user)
    }

    /// Returns the line with everything, according to the oracle.
    pub(super) fn everything_of_oracle(&self, user: u64, from: u64, to: u64) -> Line {
        let mut changed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (key, element) in &*self.view(user, to) {
            changed.entry(split(key).0).or_default().push(element.clone());
        }
        Line { changed, deleted: BTreeMap::new(), from_change_id: from, to_change_id: to, all_data: true }
    }

    /// Returns the line with exactly the difference, according to the oracle.
    pub(super) fn line_of_oracle(&self, user: u64, from: u64, to: u64) -> Line {
        let view = self.view(user, to);
        let (changed_keys, deleted_keys) = difference(&self.view(user, from), &view);
        let mut changed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for key in changed_keys {
            changed.entry(split(&key).0).or_default().push(view[&key].clone());
        }
        let mut deleted: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for key in deleted_keys {
            deleted.entry(split(&key).0).or_default().push(split(&key).1);
        }
        Line { changed, deleted, from_change_id: from, to_change_id: to, all_data: false }
    }

    /// Returns whether the service still keeps the newest version up to that change id.
    pub(super) fn is_kept(&self, change_id: u64) -> bool {
        self.kept().contains(&change_id)
    }

    /// Checks the first line against the table "Where the client starts".
    pub(super) fn check_first_line(
        &self,
        of_session: u64,
        user: u64,
        change_id: u64,
        line: Option<&Line>,
    ) -> Result<(), TestCaseError> {
        if let Some(line) = line {
            prop_assert_eq!((line.from_change_id, line.to_change_id), (change_id, self.now()));
        }
        let Some(base) = self.kept().into_iter().filter(|kept| *kept <= change_id).max() else {
            return if change_id < LOWEST.0 || user != of_session {
                prop_assert!(line.is_some_and(|line| line.all_data));
                self.check_all(user, line)
            } else {
                self.check_line_of_keys(user, change_id, line)
            };
        };
        if user != of_session {
            // The client may have what it saw as another user.
            return self.check_all(user, line);
        }
        self.check_wider_line(user, base, line)
    }

    /// Checks a line for a client that may hold back lines of another instance (spec: stream.md#wider).
    pub(super) fn check_wider_line(&self, user: u64, base: u64, line: Option<&Line>) -> Result<(), TestCaseError> {
        let now = self.now();
        let mut versions: Vec<u64> = self.kept().into_iter().filter(|kept| *kept >= base).collect();
        versions.sort_unstable();
        if user != 0 && versions.iter().any(|id| !self.is_there(user, *id)) {
            // The client may have, or hold back, what it saw as another user.
            return self.check_all(user, line);
        }
        // "every key that was written in any step since N … plus every element whose view changed in any step"
        let mut named = self.known_written(base, now);
        // Keys that another instance may have sent, from versions that this one never had.
        let mut passed_over = BTreeSet::new();
        for pair in versions.windows(2) {
            let (changed, deleted) = difference(&self.view(user, pair[0]), &self.view(user, pair[1]));
            named.extend(changed.into_iter().chain(deleted));
            if pair[1] - pair[0] > 1 {
                passed_over.extend(self.known_written(pair[0], pair[1]));
            }
        }
        let was_visible = |key: &String| {
            passed_over.contains(key) || versions.iter().any(|id| self.view(user, *id).contains_key(key))
        };
        let (changed, hidden): (BTreeSet<_>, BTreeSet<_>) =
            named.into_iter().partition(|key| self.view_now(user).contains_key(key));
        let deleted: BTreeSet<_> = hidden.into_iter().filter(was_visible).collect();
        match line {
            None => prop_assert!(changed.is_empty() && deleted.is_empty(), "not sent: {changed:?} {deleted:?}"),
            Some(line) if line.all_data => {
                prop_assert!(!passed_over.is_empty(), "everything, although {base} is kept");
                return self.check_everything_because_of(user, &passed_over, line);
            }
            Some(line) => {
                prop_assert_eq!((line.changed_keys(), line.deleted_keys()), (changed, deleted));
            }
        }
        self.check_values(user, line)
    }

    fn is_there(&self, user: u64, change_id: u64) -> bool {
        self.state.borrow().meetings[&change_id].contains_key(&format!("users/user:{user}"))
    }

    /// "from the keys in `change_id` with a score above `N`: visible ones in `changed`, the rest in `deleted`"
    fn check_line_of_keys(&self, user: u64, change_id: u64, line: Option<&Line>) -> Result<(), TestCaseError> {
        let keys = self.known_written(change_id, self.now());
        match line {
            Some(line) if line.all_data => self.check_everything_because_of(user, &keys, line),
            _ => {
                let (changed, deleted): (BTreeSet<_>, BTreeSet<_>) =
                    keys.into_iter().partition(|key| self.view_now(user).contains_key(key));
                let named = line.map(|line| (line.changed_keys(), line.deleted_keys())).unwrap_or_default();
                prop_assert_eq!(named, (changed, deleted));
                self.check_values(user, line)
            }
        }
    }

    /// Checks that everything was sent for a good reason: a key that may affect what the user sees of other elements.
    fn check_everything_because_of(
        &self,
        user: u64,
        keys: &BTreeSet<String>,
        line: &Line,
    ) -> Result<(), TestCaseError> {
        let requires = ["speakers", "motions/motion", "motion-poll", "assignments/assignment"];
        let may_decide = |key: &String| {
            let (collection, id) = split(key);
            ["users/group", "core/config"].contains(&&*collection)
                || collection == "users/user" && id == user
                || requires.iter().any(|part| collection.contains(part))
        };
        prop_assert!(keys.iter().any(may_decide), "everything because of {:?}", keys);
        self.check_all(user, Some(line))
    }

    fn check_all(&self, user: u64, line: Option<&Line>) -> Result<(), TestCaseError> {
        let keys: BTreeSet<String> = self.view_now(user).keys().cloned().collect();
        prop_assert_eq!(line.map(Line::changed_keys), Some(keys));
        self.check_values(user, line)
    }

    fn check_values(&self, user: u64, line: Option<&Line>) -> Result<(), TestCaseError> {
        let view = self.view_now(user);
        for (key, element) in line.into_iter().flat_map(Line::changed_elements) {
            prop_assert_eq!(Some(element), view.get(&key), "{}", key);
        }
        Ok(())
    }

    /// Returns the change ids of the versions that the service published.
    pub(super) fn made(&self) -> Vec<u64> {
        self.state.borrow().published.clone()
    }

    fn published(&self) -> std::sync::Arc<Published> {
        self.publisher.published().expect("the first version was published")
    }

    fn kept(&self) -> Vec<u64> {
        let state = self.state.borrow();
        state.published.iter().rev().take(self.versions_max.saturating_add(1)).copied().collect()
    }

    /// Returns the change id of the last change of the history.
    pub(super) fn end(&self) -> u64 {
        LOWEST.0 + self.changes.len() as u64
    }

    fn left(&self) -> usize {
        (self.end() - self.now()) as usize
    }

    fn writes(&self, id: u64) -> &[Write] {
        &self.changes[(id - LOWEST.0 - 1) as usize]
    }

    /// Returns the keys written after `from`, up to `to`.
    fn written(&self, from: u64, to: u64) -> BTreeSet<String> {
        (from.max(LOWEST.0) + 1..=to).flat_map(|id| self.writes(id)).map(|write| write.key.clone()).collect()
    }

    /// Like `written`, without collections that are hidden from everybody.
    fn known_written(&self, from: u64, to: u64) -> BTreeSet<String> {
        self.written(from, to).into_iter().filter(|key| key.parse::<ElementKey>().is_ok()).collect()
    }

    fn values_now(&self, keys: &BTreeSet<String>, now: u64) -> Vec<domain::ports::element_store::RawElement> {
        let meeting = &self.state.borrow().meetings[&now];
        let write = |key: &String| Write { key: key.clone(), element: meeting.get(key).cloned() };
        keys.iter().map(|key| write(key).raw()).collect()
    }

    fn went_to(&self, id: u64) {
        let mut state = self.state.borrow_mut();
        state.now = id;
        state.published.push(id);
    }

    fn read(&self, mut line: line::Line) -> Line {
        let mut encoder = line::Encoder::plain();
        let mut text = Vec::new();
        while let Some(part) = line.next_part(self.publisher.render_cache(), &mut encoder) {
            assert!(!part.is_empty());
            text.extend_from_slice(&part);
        }
        assert_eq!(text.iter().position(|byte| *byte == b'\n'), Some(text.len() - 1), "one line");
        Line::parse(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)))
    }
}

fn session(user: u64) -> Session {
    Session { user: (user != 0).then_some(UserId(user)), ..Session::anonymous() }
}

fn split(key: &str) -> (String, u64) {
    let (collection, id) = key.split_once(':').expect("a key");
    (collection.to_owned(), id.parse().expect("an id"))
}
