//! How do thousands of connections learn what changed between two versions? Each kind of viewer is compared once.

use std::sync::Arc;

use domain::difference::{Difference, NarrowDifference, OwnViews, Transition, Wide, WideDifference};
use domain::meeting::Version;
use domain::meeting::history::History;
use domain::restriction::viewer::{Standing, Viewer};

use crate::delivery::Once;
use crate::delivery::line::Content;

/// The way from one version of the meeting to a later one, and what was found on it, for all who ask.
#[derive(Debug)]
pub struct SharedTransition {
    way: Transition,
    by_standing: Once<Arc<Standing>, Arc<Shared<NarrowDifference>>>,
    by_own_views: Once<(Arc<Standing>, OwnViews), Told>,
    wide_by_standing: Once<Standings, Arc<Shared<WideDifference>>>,
}

/// Before and after.
type Standings = (Arc<Standing>, Arc<Standing>);

/// What a viewer must be told; `None`: nothing. Shared by all for whom it is the same.
pub type Told = Option<Arc<Content>>;

/// What is the same for all of a kind.
#[derive(Debug)]
struct Shared<D> {
    difference: D,
    told: Told,
}

impl<D> Shared<D> {
    fn new(difference: D, all: impl FnOnce(&D) -> Option<Difference>) -> Arc<Self> {
        let told = all(&difference).map(Content::new);
        Arc::new(Self { difference, told })
    }
}

impl SharedTransition {
    /// The way from the version `from` of `history` to its present one; `None` if `from` is not kept any more.
    #[must_use]
    pub fn new(history: &History, from: Version) -> Option<Self> {
        Some(Self {
            way: Transition::new(history, from)?,
            by_standing: Once::default(),
            by_own_views: Once::default(),
            wide_by_standing: Once::default(),
        })
    }

    /// Between which versions, and whose viewer may be another than before.
    #[must_use]
    pub fn way(&self) -> &Transition {
        &self.way
    }

    /// What changed for the one who was `before` and is `after`.
    #[must_use]
    pub fn difference(&self, before: &Viewer, after: &Viewer) -> Told {
        if before != after {
            return self.wide(before, after);
        }
        if self.way.is_empty() {
            return None;
        }
        self.narrow(after)
    }

    fn narrow(&self, viewer: &Viewer) -> Told {
        let narrow = || Shared::new(self.way.narrow(viewer), NarrowDifference::difference);
        let shared = self.by_standing.get_or_make(viewer.standing(), narrow);
        let own = self.way.own_views(viewer, &shared.difference);
        if own.is_empty() {
            return shared.told.clone();
        }
        let key = (Arc::clone(viewer.standing()), own.clone());
        self.by_own_views.get_or_make(&key, || self.way.narrow_own(&shared.difference, &own).map(Content::new))
    }

    fn wide(&self, before: &Viewer, after: &Viewer) -> Told {
        let standings = (Arc::clone(before.standing()), Arc::clone(after.standing()));
        let wide = || Shared::new(self.way.wide(before, after), WideDifference::difference);
        let shared = self.wide_by_standing.get_or_make(&standings, wide);
        match self.way.wide_own(before, after, &shared.difference) {
            Wide::Shared => shared.told.clone(),
            Wide::Own(difference) => difference.map(Content::new),
        }
    }
}
