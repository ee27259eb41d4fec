//! What changed for one viewer between two versions of the meeting? (spec: stream.md#difference)

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::{Difference, Selection, passes_over};
use crate::ids::{ElementKey, UserId};
use crate::meeting::block::{Block, BlockKey};
use crate::meeting::history::History;
use crate::meeting::{AffectedViewers, Meeting, Version, view_entry, view_in};
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;
use crate::restriction::{About, affected_users};

/// Compares two versions of the meeting, once for all viewers.
#[derive(Debug)]
pub struct VersionDiff {
    from: Arc<Meeting>,
    to: Arc<Meeting>,
    /// The keys whose element may differ, or what the meeting says about it; ascending.
    touched: Box<[ElementKey]>,
    /// Which of `touched` are in one block.
    blocks: Box<[(BlockKey, Range<usize>)]>,
    /// The users whom a touched element affects individually, with its position in `touched`; ascending. All others see
    /// the change by access profile alone.
    affected: Box<[(UserId, usize)]>,
    affected_viewers: AffectedUsers,
}

/// Which viewers may have changed.
#[derive(Clone, Debug, Default)]
struct AffectedUsers {
    everybody: bool,
    users: BTreeSet<UserId>,
}

/// What changed in one block.
#[derive(Clone, Debug)]
struct BlockDifference {
    key: BlockKey,
    changed: Option<Selection>,
    deleted: Vec<ElementKey>,
}

/// What one viewer sees differently from others with the same access profile: the position among the touched elements of
/// the [`VersionDiff`], and the views before and after.
pub type PersonalViews = Box<[(usize, View, View)]>;

/// What changed among the touched elements for one kind of viewer whose access profile did not change.
#[derive(Debug)]
pub struct TouchedDifference {
    /// The views before and after, a pair for each touched element of the [`VersionDiff`].
    views: Box<[(View, View)]>,
    /// How the two views of each touched element compare.
    compared: Box<[Comparison]>,
    /// An entry for each touched block of the [`VersionDiff`]; `None` if nothing changed there.
    blocks: Box<[Option<BlockDifference>]>,
}

/// What changed in all blocks for one kind of viewer whose access profile changed.
#[derive(Debug)]
pub struct FullDifference {
    blocks: BTreeMap<BlockKey, BlockDifference>,
}

/// What one viewer is sent whose access profile changed.
#[derive(Debug)]
pub enum FullOutcome {
    /// The same as all viewers of that kind.
    Shared,
    /// Something else; `None`: nothing.
    Personal(Option<Difference>),
}

impl VersionDiff {
    /// Compares the version `from` of `history` with the current one; `None` if `from` is no longer kept.
    #[must_use]
    pub fn new(history: &History, from: Version) -> Option<Self> {
        let old = Arc::clone(history.at(from)?);
        let new = Arc::clone(history.current());
        let touched: BTreeSet<ElementKey> =
            history.since(Version(from.0 + 1)).flat_map(|meeting| meeting.step().touched.iter().copied()).collect();
        let touched: Box<[ElementKey]> = touched.into_iter().collect();
        let mut affected = BTreeSet::new();
        let mut affected_viewers = AffectedUsers::default();
        for (place, key) in touched.iter().enumerate() {
            for meeting in [&old, &new] {
                let users = meeting.get(*key).map_or(About::NOBODY, |element| affected_users(element));
                affected.extend(users.iter().map(|user| (user, place)));
                match Viewer::affected_by(meeting, *key) {
                    AffectedViewers::Nobody => {}
                    AffectedViewers::User(user) => {
                        affected_viewers.users.insert(user);
                    }
                    AffectedViewers::Everybody => affected_viewers.everybody = true,
                }
            }
        }
        Some(Self {
            from: old,
            to: new,
            blocks: blocks_of(&touched),
            touched,
            affected: affected.into_iter().collect(),
            affected_viewers,
        })
    }

    /// Returns the earlier version.
    #[must_use]
    pub fn from(&self) -> Version {
        self.from.version()
    }

    /// Returns the later version.
    #[must_use]
    pub fn to(&self) -> Version {
        self.to.version()
    }

    /// Returns whether this user may now resolve to another viewer, or have lost the right to be served.
    #[must_use]
    pub fn may_affect(&self, user: Option<UserId>) -> bool {
        self.affected_viewers.everybody || user.is_some_and(|user| self.affected_viewers.users.contains(&user))
    }

    /// Returns whether there was another version between the two, perhaps only in another instance.
    #[must_use]
    pub fn passes_over_versions(&self) -> bool {
        passes_over(&self.from, &self.to)
    }

    /// Returns whether nothing was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Returns what changed for everybody with this viewer's access profile who is not affected individually, and whose
    /// viewer did not change: only touched elements can look different.
    #[must_use]
    pub fn compare_touched(&self, viewer: &Viewer) -> TouchedDifference {
        let viewer = &viewer.stranger();
        let views: Box<[(View, View)]> = self.touched.iter().map(|key| self.views(viewer, *key)).collect();
        let compared: Box<[Comparison]> =
            self.touched.iter().zip(&views).map(|(key, (old, new))| self.compare(*key, old, new)).collect();
        let look = |place: usize| (compared[place], &views[place].1);
        let blocks: Box<[_]> =
            self.blocks.iter().map(|(key, places)| self.block_difference(*key, places.clone(), look, false)).collect();
        TouchedDifference { views, compared, blocks }
    }

    /// Returns what changed for a viewer who sees the `personal` elements differently. Blocks without such elements are
    /// shared.
    #[must_use]
    pub fn compare_touched_personal(
        &self,
        shared: &TouchedDifference,
        personal: &[(usize, View, View)],
    ) -> Option<Difference> {
        let compare = |place: usize, old: &View, new: &View| {
            let (shared_old, shared_new) = &shared.views[place];
            match shared.compared[place] {
                // What looks different to those who see less looks different.
                Comparison::Changed if old.includes(shared_old) && new.includes(shared_new) => Comparison::Changed,
                _ => self.compare(self.touched[place], old, new),
            }
        };
        let personal: BTreeMap<usize, (Comparison, &View)> =
            personal.iter().map(|(place, old, new)| (*place, (compare(*place, old, new), new))).collect();
        let look =
            |place: usize| personal.get(&place).copied().unwrap_or((shared.compared[place], &shared.views[place].1));
        let blocks: Vec<Option<BlockDifference>> = self
            .blocks
            .iter()
            .zip(&shared.blocks)
            .map(|((key, places), shared)| match personal.range(places.clone()).next() {
                Some(_) => self.block_difference(*key, places.clone(), look, true),
                None => shared.clone(),
            })
            .collect();
        of_blocks(blocks.iter().flatten())
    }

    /// Returns which touched elements the viewer sees differently from what its access profile says, because they
    /// affect it, or somebody who delegated their vote to it, individually.
    #[must_use]
    pub fn personal_views(&self, viewer: &Viewer, shared: &TouchedDifference) -> PersonalViews {
        let users = viewer.user().into_iter().chain(viewer.delegated_from().iter().copied());
        let places: BTreeSet<usize> = users
            .flat_map(|user| {
                let first = self.affected.partition_point(|(affected, _)| *affected < user);
                self.affected[first..]
                    .iter()
                    .take_while(move |(affected, _)| *affected == user)
                    .map(|(_, place)| *place)
            })
            .collect();
        let views = places.into_iter().map(|place| (place, self.views(viewer, self.touched[place])));
        views
            .filter(|(place, views)| *views != shared.views[*place])
            .map(|(place, (old, new))| (place, old, new))
            .collect()
    }

    fn views(&self, viewer: &Viewer, key: ElementKey) -> (View, View) {
        (view_in(&self.from, viewer, key), view_in(&self.to, viewer, key))
    }

    /// Returns what changed among these touched elements of one block.
    fn block_difference<'a>(
        &self,
        key: BlockKey,
        places: Range<usize>,
        look: impl Fn(usize) -> (Comparison, &'a View),
        is_personal: bool,
    ) -> Option<BlockDifference> {
        let block = self.to.block(key);
        let mut views = vec![View::Hidden; block.map_or(0, |block| block.entries().len())];
        let mut deleted = Vec::new();
        for place in places {
            let key = self.touched[place];
            match look(place) {
                (Comparison::Same, _) => {}
                (Comparison::Deleted, _) => deleted.push(key),
                (Comparison::Changed, view) => {
                    if let Some(index) = block.and_then(|block| block.index(key.id)) {
                        views[index] = view.clone();
                    }
                }
            }
        }
        let changed = block
            .map(|block| Selection { block: Arc::clone(block), views: views.into(), is_personal })
            .filter(|selection| !selection.is_empty());
        (changed.is_some() || !deleted.is_empty()).then_some(BlockDifference { key, changed, deleted })
    }

    /// Returns what changed for everybody who moved from one of these access profiles to the other and is not affected
    /// individually: every element can look different.
    #[must_use]
    pub fn compare_all(&self, before: &Viewer, after: &Viewer) -> FullDifference {
        let (before, after) = (before.stranger(), after.stranger());
        let blocks = block_pairs(&self.from, &self.to)
            .filter_map(|(key, old, new)| self.compare_block(key, old, new, &before, &after))
            .map(|block| (block.key, block))
            .collect();
        FullDifference { blocks }
    }

    /// Returns what changed for a viewer who was `before` and is `after`, beyond what is `shared` by everybody with
    /// these access profiles.
    #[must_use]
    pub fn compare_all_personal(&self, before: &Viewer, after: &Viewer, shared: &FullDifference) -> FullOutcome {
        // Blocks that affect the viewer individually may look different from what its access profile says.
        let mut personal = BTreeMap::new();
        for (key, old, new) in block_pairs(&self.from, &self.to) {
            let is_affected = |viewer: &Viewer, block: Option<&Arc<Block>>| {
                block.is_some_and(|block| viewer.is_among(block.affected_users()))
            };
            if [before, after].iter().any(|viewer| is_affected(viewer, old) || is_affected(viewer, new)) {
                let difference = self.compare_block(key, old, new, before, after);
                if !same_difference(difference.as_ref(), shared.blocks.get(&key)) {
                    personal.insert(key, difference);
                }
            }
        }
        if personal.is_empty() {
            return FullOutcome::Shared;
        }
        let mut blocks: BTreeMap<_, _> = shared
            .blocks
            .iter()
            .filter(|(key, _)| !personal.contains_key(key))
            .map(|(key, block)| (*key, block))
            .collect();
        blocks.extend(personal.iter().filter_map(|(key, block)| Some((*key, block.as_ref()?))));
        FullOutcome::Personal(of_blocks(blocks.into_values()))
    }

    fn compare_block(
        &self,
        key: BlockKey,
        old: Option<&Arc<Block>>,
        new: Option<&Arc<Block>>,
        before: &Viewer,
        after: &Viewer,
    ) -> Option<BlockDifference> {
        let mut deleted = Vec::new();
        for entry in old.into_iter().flat_map(|block| block.entries()) {
            let key = entry.element.key();
            let is_gone =
                new.and_then(|block| block.entry(key.id)).is_none_or(|entry| view_entry(after, entry).is_hidden());
            if is_gone && !view_entry(before, entry).is_hidden() {
                deleted.push(key);
            }
        }
        let changed = new.map(|block| {
            let views = block.entries().iter().map(|entry| {
                let view = view_entry(after, entry);
                let key = entry.element.key();
                let old = old.and_then(|block| block.entry(key.id));
                let old_view = old.map_or(View::Hidden, |entry| view_entry(before, entry));
                match self.compare(key, &old_view, &view) {
                    Comparison::Changed => view,
                    Comparison::Same | Comparison::Deleted => View::Hidden,
                }
            });
            let is_personal = old.is_some_and(|block| after.is_among(block.affected_users()))
                || after.is_among(block.affected_users());
            Selection { block: Arc::clone(block), views: views.collect(), is_personal }
        });
        let changed = changed.filter(|selection| !selection.is_empty());
        (changed.is_some() || !deleted.is_empty()).then_some(BlockDifference { key, changed, deleted })
    }

    fn compare(&self, key: ElementKey, old_view: &View, new_view: &View) -> Comparison {
        if new_view.is_hidden() {
            return if old_view.is_hidden() { Comparison::Same } else { Comparison::Deleted };
        }
        let (Some(old), Some(new)) = (self.from.get(key), self.to.get(key)) else {
            return Comparison::Changed;
        };
        let looks_same = !old_view.is_hidden()
            && (Arc::ptr_eq(old, new) && old_view == new_view || {
                let (mut old_text, mut new_text) = (String::new(), String::new());
                old_view.render(old, &mut old_text);
                new_view.render(new, &mut new_text);
                old_text == new_text || is_reordered(&old_text, &new_text)
            });
        if looks_same { Comparison::Same } else { Comparison::Changed }
    }
}

impl TouchedDifference {
    /// Returns what to send; `None`: nothing.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        of_blocks(self.blocks.iter().flatten())
    }
}

impl FullDifference {
    /// Returns what to send; `None`: nothing.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        of_blocks(self.blocks.values())
    }
}

/// Returns whether it is the same object with its fields in another order. (An element that gained a field which a view
/// adds.)
fn is_reordered(one: &str, other: &str) -> bool {
    // Parsing is expensive, and hardly ever needed: in another order, the bytes are still the same ones. A change of a
    // number or a word rarely keeps their sum.
    let sum = |text: &str| text.bytes().map(u64::from).sum::<u64>();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one.len() == other.len() && sum(one) == sum(other) && value(one).is_some_and(|one| Some(one) == value(other))
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Same,
    Changed,
    Deleted,
}

/// Returns which of these keys, which are ascending, are in one block.
fn blocks_of(keys: &[ElementKey]) -> Box<[(BlockKey, Range<usize>)]> {
    let mut first = 0;
    keys.chunk_by(|one, other| BlockKey::of(*one) == BlockKey::of(*other))
        .map(|keys| {
            let places = first..first + keys.len();
            first = places.end;
            (BlockKey::of(keys[0]), places)
        })
        .collect()
}

fn of_blocks<'a>(blocks: impl Iterator<Item = &'a BlockDifference>) -> Option<Difference> {
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    for block in blocks {
        changed.extend(block.changed.clone());
        deleted.extend(&block.deleted);
    }
    Difference::new(changed, deleted)
}

fn same_difference(one: Option<&BlockDifference>, other: Option<&BlockDifference>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            let views = |block: &BlockDifference| block.changed.as_ref().map(|selection| Arc::clone(&selection.views));
            one.deleted == other.deleted && views(one) == views(other)
        }
        _ => false,
    }
}

/// Returns every block that is in one of the two, in ascending order.
fn block_pairs<'a>(
    old: &'a Meeting,
    new: &'a Meeting,
) -> impl Iterator<Item = (BlockKey, Option<&'a Arc<Block>>, Option<&'a Arc<Block>>)> {
    let (mut old, mut new) = (old.blocks().peekable(), new.blocks().peekable());
    std::iter::from_fn(move || {
        let key = match (old.peek(), new.peek()) {
            (Some((old, _)), Some((new, _))) => **old.min(new),
            (Some((key, _)), None) | (None, Some((key, _))) => **key,
            (None, None) => return None,
        };
        let old = old.next_if(|(old, _)| **old == key).map(|(_, block)| block);
        let new = new.next_if(|(new, _)| **new == key).map(|(_, block)| block);
        Some((key, old, new))
    })
}
