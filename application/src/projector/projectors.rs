//! What do the watched projectors show? It is rendered once for all listeners. (spec: projector.md#rendered-once)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::board::Board;
use crate::publishing::publisher::{MeetingPublisher, Published};
use domain::ids::{ElementKey, ProjectorId};
use domain::meeting::Version;
use domain::projector::{Changes, Diagnostic, ProjectorBoard, ProjectorIds, Written};
use tracing::warn;

/// The board of the current version, kept up to date for those who listen.
pub struct Projectors {
    publisher: Arc<MeetingPublisher>,
    state: Mutex<ProjectorsState>,
}

#[derive(Default)]
struct ProjectorsState {
    /// `None`: nobody listens, or there is no meeting yet.
    board: Option<Arc<Board>>,
    /// How many connections listen to each projector.
    wanted: BTreeMap<ProjectorId, usize>,
    /// The keys of `wanted`, so that a change need not copy what clients ask for, which may be anything.
    wanted_ids: BTreeSet<ProjectorId>,
    /// Changes that a new listener brought to the board before [`Projectors::update`] announced them.
    unannounced: Changes,
}

/// A connection's subscription to some projectors; dropping it unsubscribes.
pub(super) struct ProjectorSubscription {
    projectors: Arc<Projectors>,
    ids: ProjectorIds,
}

impl Projectors {
    /// Creates the projectors of a meeting; nobody listens yet.
    #[must_use]
    pub fn new(publisher: Arc<MeetingPublisher>) -> Arc<Self> {
        Arc::new(Self { publisher, state: Mutex::default() })
    }

    /// Returns how many lines of projectors are kept for sharing.
    #[must_use]
    pub fn lines_kept(&self) -> usize {
        self.state().board.as_ref().map_or(0, |board| board.lines_kept())
    }

    /// Renders what changed in the version of the meeting that was just published, and returns for whom that is news.
    pub fn update(&self) -> Changes {
        let mut state = self.state();
        let mut changes = std::mem::take(&mut state.unannounced);
        if let Some(published) = self.publisher.published() {
            changes.extend(state.advance(&published));
        }
        changes
    }

    /// Has these projectors rendered from now on, until the subscription is dropped.
    pub(super) fn listen(self: &Arc<Self>, ids: ProjectorIds) -> ProjectorSubscription {
        let mut state = self.state();
        for id in ids.iter() {
            *state.wanted.entry(id).or_default() += 1;
            state.wanted_ids.insert(id);
        }
        if let Some(published) = self.publisher.published() {
            state.put_on_board(&published, &ids);
        }
        drop(state);
        ProjectorSubscription { projectors: Arc::clone(self), ids }
    }

    fn state(&self) -> MutexGuard<'_, ProjectorsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProjectorsState {
    /// Adds these projectors to a board of the current version, for a new listener.
    fn put_on_board(&mut self, published: &Published, ids: &ProjectorIds) {
        let is_behind =
            self.board.as_ref().is_some_and(|board| board.shown.meeting().version() != published.current().version());
        // A new board of the same version would have no lines yet, so those that all new listeners get would be made
        // again.
        if !is_behind && self.board.as_ref().is_some_and(|board| board.shown.shows(ids)) {
            return;
        }
        let changes = self.advance(published);
        // What a new listener asks for is news to nobody else, but a version that was not announced yet is.
        if is_behind {
            self.unannounced.extend(changes);
        }
    }

    fn advance(&mut self, published: &Published) -> Changes {
        if self.wanted.is_empty() {
            self.board = None;
            return Changes::default();
        }
        let current = Arc::clone(published.current());
        let board =
            self.board.take().unwrap_or_else(|| Arc::new(Board::new(ProjectorBoard::new(Arc::clone(&current)))));
        let before = board.shown.meeting().version();
        let written = written_since(published, before);
        let written = written.as_deref().map_or(Written::Everything, Written::Keys);
        let advanced = board.shown.advance(current, written, &self.wanted_ids);
        for Diagnostic { projector, entry, problem } in &advanced.diagnostics {
            warn!(%projector, entry, problem, "a slide cannot be shown");
        }
        let written_at = published.history().written_after(before);
        self.board = Some(Arc::new(Board::of_changes(advanced.board, written_at)));
        advanced.changes
    }
}

/// Returns what was written after a version; `None` if that is no longer known.
fn written_since(published: &Published, version: Version) -> Option<Vec<ElementKey>> {
    let history = published.history();
    history.at(version)?;
    let steps = history.since(Version(version.0 + 1));
    Some(steps.flat_map(|meeting| meeting.step().written.iter().copied()).collect())
}

impl ProjectorSubscription {
    /// Returns what the projectors show now; `None` if there is no meeting.
    pub(super) fn board(&self) -> Option<Arc<Board>> {
        self.projectors.state().board.clone()
    }
}

impl Drop for ProjectorSubscription {
    fn drop(&mut self) {
        let mut state = self.projectors.state();
        for id in self.ids.iter() {
            if let Some(count) = state.wanted.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    state.wanted.remove(&id);
                    state.wanted_ids.remove(&id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::meeting::{publisher, write};

    const PROJECTOR: &str = "core/projector:1";

    /// The projectors of a meeting with projector 1.
    fn projectors() -> Arc<Projectors> {
        let publisher = publisher();
        write(&publisher, (PROJECTOR, r#"{"id":1,"elements":[{"name":"core/clock"}]}"#));
        Projectors::new(publisher)
    }

    fn ids(list: &str) -> ProjectorIds {
        ProjectorIds::parse(Some(list)).expect(list)
    }

    fn projectors_of(changes: &Changes) -> Vec<u64> {
        changes.projectors.iter().map(|id| id.0).collect()
    }

    #[test]
    fn a_version_that_a_newcomer_saw_first_is_still_announced() {
        let projectors = projectors();
        let _first = projectors.listen(ids("1"));
        write(&projectors.publisher, (PROJECTOR, r#"{"id":1,"elements":[]}"#));
        // Published, but not announced yet.
        let _newcomer = projectors.listen(ids("1"));
        assert_eq!(projectors_of(&projectors.update()), [1]);
        assert_eq!(projectors.update(), Changes::default(), "announced once");
    }

    /// (spec: projector.md#rendered-once)
    #[test]
    fn a_newcomer_is_no_news_to_others_and_shares_their_board() {
        let projectors = projectors();
        let board = |subscription: &ProjectorSubscription| subscription.board().expect("there is a meeting");
        let first = projectors.listen(ids("1,77"));
        let before = board(&first);
        let newcomer = projectors.listen(ids("1"));
        assert!(Arc::ptr_eq(&before, &board(&newcomer)));
        assert_eq!(projectors.update(), Changes::default());
    }
}
