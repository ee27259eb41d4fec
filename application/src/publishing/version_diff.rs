//! How do thousands of connections learn what changed between two versions? The comparison is made once for each kind
//! of viewer.

use std::sync::Arc;

use domain::difference::{Difference, FullDifference, FullOutcome, PersonalViews, TouchedDifference, VersionDiff};
use domain::meeting::Version;
use domain::meeting::history::History;
use domain::restriction::viewer::{AccessProfile, Viewer};

use crate::delivery::Once;
use crate::delivery::line::DiffContent;

/// The difference between two versions, with the results that were computed for some viewers, shared by all who ask.
#[derive(Debug)]
pub struct SharedVersionDiff {
    diff: VersionDiff,
    by_profile: Once<Arc<AccessProfile>, Arc<SharedDifference<TouchedDifference>>>,
    by_personal_views: Once<(Arc<AccessProfile>, PersonalViews), DiffOutcome>,
    all_by_profile: Once<ProfileChange, Arc<SharedDifference<FullDifference>>>,
}

/// The access profiles before and after.
type ProfileChange = (Arc<AccessProfile>, Arc<AccessProfile>);

/// What a viewer receives; `None`: nothing. Shared by all viewers for whom it is the same.
pub type DiffOutcome = Option<Arc<DiffContent>>;

/// A difference that is the same for all viewers of a kind.
#[derive(Debug)]
struct SharedDifference<D> {
    difference: D,
    outcome: DiffOutcome,
}

impl<D> SharedDifference<D> {
    fn new(difference: D, all: impl FnOnce(&D) -> Option<Difference>) -> Arc<Self> {
        let outcome = all(&difference).map(DiffContent::new);
        Arc::new(Self { difference, outcome })
    }
}

impl SharedVersionDiff {
    /// Creates the difference between the version `from` of `history` and the current one; `None` if `from` is no
    /// longer kept.
    #[must_use]
    pub fn new(history: &History, from: Version) -> Option<Self> {
        Some(Self {
            diff: VersionDiff::new(history, from)?,
            by_profile: Once::default(),
            by_personal_views: Once::default(),
            all_by_profile: Once::default(),
        })
    }

    /// Returns which versions are compared, and which viewers may have changed.
    #[must_use]
    pub fn diff(&self) -> &VersionDiff {
        &self.diff
    }

    /// Returns how many differences are kept for sharing.
    pub(crate) fn differences_kept(&self) -> usize {
        self.by_profile.len() + self.by_personal_views.len() + self.all_by_profile.len()
    }

    /// Returns what changed for a viewer who was `before` and is `after`.
    #[must_use]
    pub fn difference(&self, before: &Viewer, after: &Viewer) -> DiffOutcome {
        if before != after {
            return self.compare_all(before, after);
        }
        if self.diff.is_empty() {
            return None;
        }
        self.compare_touched(after)
    }

    fn compare_touched(&self, viewer: &Viewer) -> DiffOutcome {
        let compare_touched =
            || SharedDifference::new(self.diff.compare_touched(viewer), TouchedDifference::difference);
        let shared = self.by_profile.get_or_make(viewer.profile(), compare_touched);
        let personal = self.diff.personal_views(viewer, &shared.difference);
        if personal.is_empty() {
            return shared.outcome.clone();
        }
        // For example, a user who has voted sees a poll differently from those who have not, but like all others who
        // have.
        let key = (Arc::clone(viewer.profile()), personal.clone());
        self.by_personal_views.get_or_make(&key, || {
            self.diff.compare_touched_personal(&shared.difference, &personal).map(DiffContent::new)
        })
    }

    fn compare_all(&self, before: &Viewer, after: &Viewer) -> DiffOutcome {
        let profiles = (Arc::clone(before.profile()), Arc::clone(after.profile()));
        let compare_all = || SharedDifference::new(self.diff.compare_all(before, after), FullDifference::difference);
        let shared = self.all_by_profile.get_or_make(&profiles, compare_all);
        match self.diff.compare_all_personal(before, after, &shared.difference) {
            FullOutcome::Shared => shared.outcome.clone(),
            FullOutcome::Personal(difference) => difference.map(DiffContent::new),
        }
    }
}
