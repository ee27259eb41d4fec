//! How do thousands of connections learn what changed between two versions? The comparison is made once for each kind
//! of viewer.

use std::iter::Sum;
use std::sync::Arc;
use std::time::Duration;

use domain::difference::{Difference, FullDifference, FullOutcome, PersonalViews, TouchedDifference, VersionDiff};
use domain::meeting::Version;
use domain::meeting::history::History;
use domain::restriction::viewer::{AccessProfile, Viewer};

use crate::delivery::Once;
use crate::delivery::line::DiffContent;
use crate::delivery::meters::DeliveryMeters;

/// The difference between two versions, with the results that were computed for some viewers, shared by all who ask.
#[derive(Debug)]
pub struct SharedVersionDiff {
    diff: VersionDiff,
    written_at: Option<Duration>,
    meters: Arc<DeliveryMeters>,
    by_profile: Once<Arc<AccessProfile>, Arc<SharedDifference<TouchedDifference>>>,
    by_personal_views: Once<(Arc<AccessProfile>, PersonalViews), DiffOutcome>,
    all_by_profile: Once<ProfileChange, Arc<SharedDifference<FullDifference>>>,
}

/// The access profiles before and after.
type ProfileChange = (Arc<AccessProfile>, Arc<AccessProfile>);

/// What a viewer receives; `None`: nothing. Shared by all viewers for whom it is the same.
pub type DiffOutcome = Option<Arc<DiffContent>>;

/// What is kept for sharing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Differences between two versions.
    pub differences: usize,
    /// Lines that were assembled from them.
    pub lines: usize,
    /// Bytes of text in these lines.
    pub line_bytes: u64,
}

impl Sum for Kept {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, kept| Self {
            differences: sum.differences + kept.differences,
            lines: sum.lines + kept.lines,
            line_bytes: sum.line_bytes + kept.line_bytes,
        })
    }
}

/// A difference that is the same for all viewers of a kind.
#[derive(Debug)]
struct SharedDifference<D> {
    difference: D,
    outcome: DiffOutcome,
}

impl<D> SharedDifference<D> {
    fn new(
        difference: D,
        all: impl FnOnce(&D) -> Option<Difference>,
        content: impl FnOnce(Difference) -> Arc<DiffContent>,
    ) -> Arc<Self> {
        let outcome = all(&difference).map(content);
        Arc::new(Self { difference, outcome })
    }
}

impl SharedVersionDiff {
    /// Creates the difference between the version `from` of `history` and the current one; `None` if `from` is no
    /// longer kept.
    #[must_use]
    pub fn new(history: &History, from: Version, meters: Arc<DeliveryMeters>) -> Option<Self> {
        Some(Self {
            diff: VersionDiff::new(history, from)?,
            written_at: history.written_after(from),
            meters,
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

    /// Returns when the first of the changes was written to the store, a monotonic time, if anybody knows.
    #[must_use]
    pub(crate) fn written_at(&self) -> Option<Duration> {
        self.written_at
    }

    /// Returns what is kept for sharing.
    pub(crate) fn kept(&self) -> Kept {
        let by_profile = self.by_profile.values().map(|shared| shared.outcome.clone());
        let all_by_profile = self.all_by_profile.values().map(|shared| shared.outcome.clone());
        let outcomes = by_profile.chain(all_by_profile).chain(self.by_personal_views.values());
        let kept = outcomes.map(|outcome| {
            let (lines, line_bytes) = outcome.map_or((0, 0), |content| content.kept());
            Kept { differences: 1, lines, line_bytes }
        });
        kept.sum()
    }

    fn content(&self, difference: Difference) -> Arc<DiffContent> {
        DiffContent::new(difference, &self.meters)
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
        let compare_touched = || {
            let compared = self.diff.compare_touched(viewer);
            SharedDifference::new(compared, TouchedDifference::difference, |difference| self.content(difference))
        };
        let shared = self.by_profile.get_or_make(viewer.profile(), compare_touched);
        let personal = self.diff.personal_views(viewer, &shared.difference);
        if personal.is_empty() {
            return shared.outcome.clone();
        }
        // For example, a user who has voted sees a poll differently from those who have not, but like all others who
        // have.
        let key = (Arc::clone(viewer.profile()), personal.clone());
        self.by_personal_views.get_or_make(&key, || {
            let difference = self.diff.compare_touched_personal(&shared.difference, &personal);
            difference.map(|difference| self.content(difference))
        })
    }

    fn compare_all(&self, before: &Viewer, after: &Viewer) -> DiffOutcome {
        let profiles = (Arc::clone(before.profile()), Arc::clone(after.profile()));
        let compare_all = || {
            let compared = self.diff.compare_all(before, after);
            SharedDifference::new(compared, FullDifference::difference, |difference| self.content(difference))
        };
        let shared = self.all_by_profile.get_or_make(&profiles, compare_all);
        match self.diff.compare_all_personal(before, after, &shared.difference) {
            FullOutcome::Shared => shared.outcome.clone(),
            FullOutcome::Personal(difference) => difference.map(|difference| self.content(difference)),
        }
    }
}
