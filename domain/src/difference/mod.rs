//! What must a viewer be told, who has seen an earlier version of the meeting? (spec: stream.md#promise)

pub mod resume;
mod selection;
mod version_diff;

use crate::ids::ElementKey;

pub use selection::Selection;
pub use version_diff::{FullDifference, FullOutcome, PersonalViews, TouchedDifference, VersionDiff};

/// What a viewer must be told.
#[derive(Clone, Debug)]
pub struct Difference {
    /// By block, ascending, none empty.
    pub changed: Vec<Selection>,
    /// Ascending, each once.
    pub deleted: Vec<ElementKey>,
}

impl Difference {
    /// What to tell; `None` if there is nothing in it.
    #[must_use]
    pub fn new(changed: Vec<Selection>, deleted: Vec<ElementKey>) -> Option<Self> {
        (!changed.is_empty() || !deleted.is_empty()).then_some(Self { changed, deleted })
    }
}
