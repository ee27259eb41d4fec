//! Which blocks has the meeting that is served, and of which is nothing to be kept any more?

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::ElementKey;
use domain::meeting::Meeting;
use domain::meeting::block::{Block, BlockId, BlockKey};

/// The present meeting, and the blocks replaced lately. Locked for moments, and only to render or to publish.
#[derive(Default)]
pub(super) struct CurrentBlocks(Mutex<CurrentState>);

#[derive(Default)]
struct CurrentState {
    meeting: Option<Arc<Meeting>>,
    /// Of these blocks something may be kept.
    replaced: BTreeSet<BlockId>,
}

/// How many entries are looked through for each block that was replaced. In a small meeting every change makes a walk
/// through the tables; in a large one they wait for a few more, so that a change costs the same. So of at most one
/// replaced block for so many entries something is kept.
const ENTRIES_PER_BLOCK_MAX: usize = 256;

impl CurrentBlocks {
    /// Whether the meeting that is served has the block. Before there is one, any block will do.
    pub(super) fn has(&self, block: &Block) -> bool {
        let state = self.lock();
        let Some(meeting) = &state.meeting else { return true };
        meeting.block(block.key()).is_some_and(|present| present.id() == block.id())
    }

    /// Serves a meeting of which nothing is kept yet.
    pub(super) fn begin(&self, meeting: &Arc<Meeting>) {
        let begun = CurrentState { meeting: Some(Arc::clone(meeting)), ..CurrentState::default() };
        // What nobody needs any more is freed outside of the lock.
        let before = std::mem::replace(&mut *self.lock(), begun);
        drop(before);
    }

    /// Serves a meeting that differs from the one before in the blocks of the `touched` elements.
    ///
    /// Returns the blocks to be forgotten, for a walk through so many `entries`; none if the walk is not worth it yet.
    pub(super) fn follow(
        &self,
        meeting: &Arc<Meeting>,
        touched: impl IntoIterator<Item = ElementKey>,
        entries: usize,
    ) -> BTreeSet<BlockId> {
        let mut state = self.lock();
        let Some(before) = state.meeting.replace(Arc::clone(meeting)) else { return BTreeSet::new() };
        let id = |meeting: &Meeting, key| meeting.block(key).map(|block| block.id());
        for key in touched.into_iter().map(BlockKey::of) {
            state.replaced.extend(id(&before, key).filter(|old| id(meeting, key) != Some(*old)));
        }
        let is_worth_it = entries <= state.replaced.len().saturating_mul(ENTRIES_PER_BLOCK_MAX);
        let replaced = if is_worth_it { std::mem::take(&mut state.replaced) } else { BTreeSet::new() };
        drop(state);
        replaced
    }

    fn lock(&self) -> MutexGuard<'_, CurrentState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
