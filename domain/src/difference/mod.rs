//! What must be sent to a viewer who has seen an earlier version of the meeting? (spec: stream.md#promise)

pub mod resume;
mod selection;
mod version_diff;

use crate::ids::ElementKey;
use crate::meeting::Meeting;

pub use selection::Selection;
pub use version_diff::{FullDifference, FullOutcome, PersonalViews, TouchedDifference, VersionDiff};

/// What a viewer must be sent.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Ordered by block; none is empty.
    pub changed: Vec<Selection>,
    /// Ascending, each once.
    pub deleted: Vec<ElementKey>,
}

impl Difference {
    /// Creates a difference; `None` if there is nothing in it.
    #[must_use]
    pub fn new(changed: Vec<Selection>, deleted: Vec<ElementKey>) -> Option<Self> {
        (!changed.is_empty() || !deleted.is_empty()).then_some(Self { changed, deleted })
    }
}

/// Returns whether there are several changes between the two. Then another instance may have served versions in between,
/// which this one never had if it is one step, and a client that comes from there may have been sent them.
fn passes_over(before: &Meeting, after: &Meeting) -> bool {
    after.change_id() > before.change_id().next()
}
