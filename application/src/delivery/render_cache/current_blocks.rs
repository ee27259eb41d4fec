//! Which blocks does the current meeting have, and which are no longer worth keeping?

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::ElementKey;
use domain::meeting::Meeting;
use domain::meeting::block::{Block, BlockId, BlockKey};

/// The current meeting, and the blocks replaced recently. Locked briefly, and only when rendering or publishing.
#[derive(Default)]
pub(super) struct CurrentBlocks(Mutex<CurrentState>);

#[derive(Default)]
struct CurrentState {
    meeting: Option<Arc<Meeting>>,
    /// Blocks that were replaced and of which something may still be kept.
    replaced: BTreeSet<BlockId>,
}

/// How many entries a walk through the tables may cost for each replaced block. In a small meeting every change causes
/// a walk; in a large one several changes are collected first, so that a change costs the same. So at most one replaced
/// block for this many entries is still kept.
const ENTRIES_PER_BLOCK_MAX: usize = 256;

impl CurrentBlocks {
    /// Whether the current meeting has the block. Before there is a meeting, any block is current.
    pub(super) fn has(&self, block: &Block) -> bool {
        let state = self.lock();
        let Some(meeting) = &state.meeting else { return true };
        meeting.block(block.key()).is_some_and(|present| present.id() == block.id())
    }

    /// Starts with a meeting of which nothing is kept yet.
    pub(super) fn begin(&self, meeting: &Arc<Meeting>) {
        let begun = CurrentState { meeting: Some(Arc::clone(meeting)), ..CurrentState::default() };
        // Freed outside of the lock.
        let before = std::mem::replace(&mut *self.lock(), begun);
        drop(before);
    }

    /// Moves on to a meeting that differs from the previous one in the blocks of the `touched` elements.
    ///
    /// Returns the blocks to forget, given that the tables have this many `entries`; none if a walk through them is not
    /// worthwhile yet.
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
