//! What changed for one viewer between two versions of the meeting? (spec: stream.md, The promise)

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::block::{Block, BlockKey};
use crate::history::History;
use crate::ids::{ElementKey, UserId};
use crate::line::Content;
use crate::meeting::{Meeting, Version};
use crate::once_map::OnceMap;
use crate::piece::Selection;
use crate::restriction::view::View;
use crate::restriction::{About, named_users, view_entry};
use crate::viewer::{Deciding, Standing, Viewer};

/// What a viewer must be told; `None`: nothing. Shared by all for whom it is the same.
pub type Difference = Option<Arc<Content>>;

/// The way from one version of the meeting to a later one, looked at once for all viewers.
#[derive(Debug)]
pub struct Transition {
    from: Arc<Meeting>,
    to: Arc<Meeting>,
    /// The keys whose element, or what the meeting says of it, may differ; ascending.
    touched: Box<[ElementKey]>,
    /// Which of `touched` stand in one block.
    blocks: Box<[(BlockKey, Range<usize>)]>,
    /// The users whom a touched element names, and its place in `touched`; ascending. All others see the change by their
    /// standing alone.
    named: Box<[(UserId, usize)]>,
    deciding: DecidingUsers,
    by_standing: OnceMap<Arc<Standing>, Arc<NarrowDifference>>,
    by_own_views: OnceMap<(Arc<Standing>, OwnViews), Difference>,
    wide_by_standing: OnceMap<(Arc<Standing>, Arc<Standing>), Arc<WideDifference>>,
}

/// Whose viewer may be another than before.
#[derive(Clone, Debug, Default)]
struct DecidingUsers {
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

/// What one viewer sees otherwise than others of its standing: the place in `touched`, and the views before and after.
type OwnViews = Box<[(usize, View, View)]>;

/// What changed of the touched elements for one kind of viewer whose standing did not change.
#[derive(Debug)]
struct NarrowDifference {
    /// Before and after, one for each of `touched`.
    views: Box<[(View, View)]>,
    /// One for each of `touched`.
    compared: Box<[Comparison]>,
    /// One for each of `blocks`; `None`: nothing changed there.
    blocks: Box<[Option<BlockDifference>]>,
    content: Difference,
}

/// What changed in all blocks for one kind of viewer whose standing changed.
#[derive(Debug)]
struct WideDifference {
    blocks: BTreeMap<BlockKey, BlockDifference>,
    content: Difference,
}

impl Transition {
    /// The way from the version `from` of `history` to its present one; `None` if `from` is not kept any more.
    #[must_use]
    pub fn new(history: &History, from: Version) -> Option<Self> {
        let old = Arc::clone(history.at(from)?);
        let new = Arc::clone(history.current());
        let touched: BTreeSet<ElementKey> =
            history.since(Version(from.0 + 1)).flat_map(|meeting| meeting.step().touched.iter().copied()).collect();
        let touched: Box<[ElementKey]> = touched.into_iter().collect();
        let mut named = BTreeSet::new();
        let mut deciding = DecidingUsers::default();
        for (place, key) in touched.iter().enumerate() {
            for meeting in [&old, &new] {
                let users = meeting.get(*key).map_or(About::NOBODY, |element| named_users(element));
                named.extend(users.iter().map(|user| (user, place)));
                match Viewer::deciding(meeting, *key) {
                    Deciding::Nobody => {}
                    Deciding::User(user) => {
                        deciding.users.insert(user);
                    }
                    Deciding::Everybody => deciding.everybody = true,
                }
            }
        }
        Some(Self {
            from: old,
            to: new,
            blocks: blocks_of(&touched),
            touched,
            named: named.into_iter().collect(),
            deciding,
            by_standing: OnceMap::default(),
            by_own_views: OnceMap::default(),
            wide_by_standing: OnceMap::default(),
        })
    }

    /// The earlier version.
    #[must_use]
    pub fn from(&self) -> Version {
        self.from.version()
    }

    /// The later version.
    #[must_use]
    pub fn to(&self) -> Version {
        self.to.version()
    }

    /// May this user resolve to another viewer than before, or have lost the right to be served?
    #[must_use]
    pub fn decides(&self, user: Option<UserId>) -> bool {
        self.deciding.everybody || user.is_some_and(|user| self.deciding.users.contains(&user))
    }

    /// What changed for the one who was `before` and is `after`.
    #[must_use]
    pub fn difference(&self, before: &Viewer, after: &Viewer) -> Difference {
        if before != after {
            return self.wide(before, after);
        }
        if self.touched.is_empty() {
            return None;
        }
        self.narrow(after)
    }

    /// The viewer is who it was: only what was touched can look different.
    fn narrow(&self, viewer: &Viewer) -> Difference {
        let standing = Arc::clone(viewer.standing());
        let shared = self.by_standing.get_or_make(standing, || Arc::new(self.narrow_shared(&viewer.stranger())));
        let own = self.own_views(viewer, &shared);
        if own.is_empty() {
            return shared.content.clone();
        }
        let standing = Arc::clone(viewer.standing());
        self.by_own_views.get_or_make((standing, own.clone()), || self.narrow_own(&shared, &own))
    }

    /// For all of a standing whom nothing touched names.
    fn narrow_shared(&self, viewer: &Viewer) -> NarrowDifference {
        let views: Box<[(View, View)]> = self.touched.iter().map(|key| self.views(viewer, *key)).collect();
        let compared: Box<[Comparison]> =
            self.touched.iter().zip(&views).map(|(key, (old, new))| self.compare(*key, old, new)).collect();
        let look = |place: usize| (compared[place], &views[place].1);
        let blocks: Box<[_]> =
            self.blocks.iter().map(|(key, places)| self.block_difference(*key, places.clone(), look, false)).collect();
        let content = content_of_blocks(blocks.iter().flatten());
        NarrowDifference { views, compared, blocks, content }
    }

    /// For one who sees some of it otherwise: the blocks where that is so are its own, the others are shared.
    fn narrow_own(&self, shared: &NarrowDifference, own: &[(usize, View, View)]) -> Difference {
        let own: BTreeMap<usize, (Comparison, &View)> =
            own.iter().map(|(place, old, new)| (*place, (self.compare(self.touched[*place], old, new), new))).collect();
        let look = |place: usize| own.get(&place).copied().unwrap_or((shared.compared[place], &shared.views[place].1));
        let blocks: Vec<Option<BlockDifference>> = self
            .blocks
            .iter()
            .zip(&shared.blocks)
            .map(|((key, places), shared)| match own.range(places.clone()).next() {
                Some(_) => self.block_difference(*key, places.clone(), look, true),
                None => shared.clone(),
            })
            .collect();
        content_of_blocks(blocks.iter().flatten())
    }

    /// Where the viewer, or one who delegated the vote to it, is named, and it sees otherwise than its standing says.
    fn own_views(&self, viewer: &Viewer, shared: &NarrowDifference) -> OwnViews {
        let users = viewer.user().into_iter().chain(viewer.delegated_from().iter().copied());
        let places: BTreeSet<usize> = users
            .flat_map(|user| {
                let first = self.named.partition_point(|(named, _)| *named < user);
                self.named[first..].iter().take_while(move |(named, _)| *named == user).map(|(_, place)| *place)
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

    /// What changed of these touched elements, which stand in one block.
    fn block_difference<'a>(
        &self,
        key: BlockKey,
        places: Range<usize>,
        look: impl Fn(usize) -> (Comparison, &'a View),
        is_own: bool,
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
            .map(|block| Selection { block: Arc::clone(block), views: views.into(), is_own })
            .filter(|selection| !selection.is_empty());
        (changed.is_some() || !deleted.is_empty()).then_some(BlockDifference { key, changed, deleted })
    }

    /// The viewer is another than before: everything can look different.
    fn wide(&self, before: &Viewer, after: &Viewer) -> Difference {
        let standings = (Arc::clone(before.standing()), Arc::clone(after.standing()));
        let shared = self.wide_by_standing.get_or_make(standings, || {
            let (before, after) = (before.stranger(), after.stranger());
            let blocks: BTreeMap<_, _> = block_pairs(&self.from, &self.to)
                .filter_map(|(key, old, new)| self.compare_block(key, old, new, &before, &after))
                .map(|block| (block.key, block))
                .collect();
            let content = content_of_blocks(blocks.values());
            Arc::new(WideDifference { blocks, content })
        });
        // Where the viewer is named it may see otherwise than others of its standing.
        let mut own = BTreeMap::new();
        for (key, old, new) in block_pairs(&self.from, &self.to) {
            let is_named = |viewer: &Viewer, block: Option<&Arc<Block>>| {
                block.is_some_and(|block| viewer.is_named_in(block.named()))
            };
            if [before, after].iter().any(|viewer| is_named(viewer, old) || is_named(viewer, new)) {
                let difference = self.compare_block(key, old, new, before, after);
                if !same_difference(difference.as_ref(), shared.blocks.get(&key)) {
                    own.insert(key, difference);
                }
            }
        }
        if own.is_empty() {
            return shared.content.clone();
        }
        let mut blocks: BTreeMap<_, _> =
            shared.blocks.iter().filter(|(key, _)| !own.contains_key(key)).map(|(key, block)| (*key, block)).collect();
        blocks.extend(own.iter().filter_map(|(key, block)| Some((*key, block.as_ref()?))));
        content_of_blocks(blocks.into_values())
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
            let is_own = old.is_some_and(|block| after.is_named_in(block.named())) || after.is_named_in(block.named());
            Selection { block: Arc::clone(block), views: views.collect(), is_own }
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
                old.push_view(old_view, &mut old_text);
                new.push_view(new_view, &mut new_text);
                old_text == new_text || is_reordered(&old_text, &new_text)
            });
        if looks_same { Comparison::Same } else { Comparison::Changed }
    }
}

/// Is it the same object with its fields in another order? (An element that came to have a field that a view adds.)
fn is_reordered(one: &str, other: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one.len() == other.len() && value(one).is_some_and(|one| Some(one) == value(other))
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Same,
    Changed,
    Deleted,
}

/// Which of these keys, which are ascending, stand in one block.
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

/// What `viewer` sees of the element; hidden if there is none.
pub(crate) fn view_in(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> View {
    meeting.entry(key).map_or(View::Hidden, |entry| view_entry(viewer, entry))
}

/// The blocks that hold these elements, and of them just these.
pub(crate) fn select(meeting: &Meeting, viewer: &Viewer, views: BTreeMap<ElementKey, View>) -> Vec<Selection> {
    let mut views = views.into_iter().peekable();
    let mut selections = Vec::new();
    while let Some((first, _)) = views.peek() {
        let block_key = BlockKey::of(*first);
        let mut of_block = BTreeMap::new();
        while let Some((key, view)) = views.next_if(|(key, _)| BlockKey::of(*key) == block_key) {
            of_block.insert(key, view);
        }
        if let Some(block) = meeting.block(block_key) {
            let views = block.entries().iter();
            let views = views.map(|entry| of_block.remove(&entry.element.key()).unwrap_or(View::Hidden)).collect();
            let is_own = viewer.is_named_in(block.named());
            selections.push(Selection { block: Arc::clone(block), views, is_own });
        }
    }
    selections.retain(|selection| !selection.is_empty());
    selections
}

/// What to send; nothing if there is nothing in it.
pub(crate) fn content(changed: Vec<Selection>, deleted: Vec<ElementKey>) -> Difference {
    (!changed.is_empty() || !deleted.is_empty()).then(|| Arc::new(Content::new(changed, &deleted)))
}

fn content_of_blocks<'a>(blocks: impl Iterator<Item = &'a BlockDifference>) -> Difference {
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    for block in blocks {
        changed.extend(block.changed.clone());
        deleted.extend(&block.deleted);
    }
    content(changed, deleted)
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

/// Every block that is in one of the two, in ascending order.
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
