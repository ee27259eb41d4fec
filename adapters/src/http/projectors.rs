//! What do the projectors show that somebody listens to? Rendered once for all listeners. (spec: projector.md)

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::{ElementKey, ProjectorId};
use domain::live::{Live, Published};
use domain::meeting::Version;
use domain::projector::{Changes, Diagnostic, ProjectorBoard, ProjectorIds, Written};
use tracing::warn;

/// The board of the present version, kept up for those who listen.
pub struct Projectors {
    live: Arc<Live>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None`: nobody listens, or there is no meeting yet.
    board: Option<Arc<ProjectorBoard>>,
    /// How many connections listen to each projector.
    wanted: BTreeMap<ProjectorId, usize>,
}

/// A connection's wish to be told of some projectors, until it is dropped.
pub(super) struct Wish {
    projectors: Arc<Projectors>,
    ids: ProjectorIds,
}

impl Projectors {
    /// The projectors of a meeting, to which nobody listens yet.
    #[must_use]
    pub fn new(live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self { live, state: Mutex::default() })
    }

    /// Renders what changed with the version of the meeting that was just published, and says for whom that is news.
    pub fn update(&self) -> Changes {
        let mut state = self.state();
        match self.live.published() {
            Some(published) => state.advance(&published),
            None => Changes::default(),
        }
    }

    /// Has these projectors rendered from now on, for as long as the wish is kept.
    pub(super) fn listen(self: &Arc<Self>, ids: ProjectorIds) -> Wish {
        let mut state = self.state();
        for id in ids.iter() {
            *state.wanted.entry(id).or_default() += 1;
        }
        if let Some(published) = self.live.published() {
            // Nobody else is concerned: what they asked for is on the board already.
            state.advance(&published);
        }
        drop(state);
        Wish { projectors: Arc::clone(self), ids }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn advance(&mut self, published: &Published) -> Changes {
        if self.wanted.is_empty() {
            self.board = None;
            return Changes::default();
        }
        let current = Arc::clone(published.current());
        let board = self.board.take().unwrap_or_else(|| Arc::new(ProjectorBoard::new(Arc::clone(&current))));
        let written = written_since(published, board.meeting().version());
        let written = written.as_deref().map_or(Written::Everything, Written::Keys);
        let wanted = self.wanted.keys().copied().collect();
        let advanced = board.advance(current, written, &wanted);
        for Diagnostic { projector, entry, problem } in &advanced.diagnostics {
            warn!(%projector, entry, problem, "a slide cannot be shown");
        }
        self.board = Some(Arc::new(advanced.board));
        advanced.changes
    }
}

/// What was written after a version; `None` if that is not known any more.
fn written_since(published: &Published, version: Version) -> Option<Vec<ElementKey>> {
    let history = published.history();
    history.at(version)?;
    let steps = history.since(Version(version.0 + 1));
    Some(steps.flat_map(|meeting| meeting.step().written.iter().copied()).collect())
}

impl Wish {
    /// What the projectors show now; `None` if there is no meeting.
    pub(super) fn board(&self) -> Option<Arc<ProjectorBoard>> {
        self.projectors.state().board.clone()
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        let mut state = self.projectors.state();
        for id in self.ids.iter() {
            if let Some(count) = state.wanted.get_mut(&id) {
                *count -= 1;
                if *count == 0 {
                    state.wanted.remove(&id);
                }
            }
        }
    }
}
