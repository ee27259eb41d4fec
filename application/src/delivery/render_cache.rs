//! How does a block look to one kind of viewer? Rendered once, and shared by all for whom every decision is the same.

use std::cell::Cell;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use super::once::Hasher;
use super::{deflate, zstd_frame};
use domain::difference::Selection;
use domain::ids::ElementKey;
use domain::meeting::Meeting;
use domain::meeting::block::{Block, BlockId};
use domain::restriction::view::View;
use domain::restriction::viewer::{AccessProfile, Viewer};

mod current_blocks;

use current_blocks::CurrentBlocks;

/// A rendered selection, with its compressed forms once somebody has asked for them.
#[derive(Debug)]
pub(crate) struct RenderedText {
    plain: Bytes,
    /// For one client: compressed in a hurry.
    is_personal: bool,
    deflated: OnceLock<deflate::DeflateBlock>,
    zstd_frame: OnceLock<Bytes>,
}

impl RenderedText {
    pub(crate) fn new(text: String) -> Self {
        Self { plain: text.into(), is_personal: false, deflated: OnceLock::new(), zstd_frame: OnceLock::new() }
    }

    fn personal(text: String) -> Self {
        Self { is_personal: true, ..Self::new(text) }
    }

    pub(crate) fn plain(&self) -> &Bytes {
        &self.plain
    }

    pub(crate) fn deflated(&self) -> &deflate::DeflateBlock {
        self.deflated.get_or_init(|| {
            let level = if self.is_personal { deflate::Level::Fast } else { deflate::Level::Shared };
            deflate::DeflateBlock::compress(&self.plain, level)
        })
    }

    pub(crate) fn zstd_frame(&self) -> &Bytes {
        self.zstd_frame.get_or_init(|| zstd_frame::compress(&self.plain))
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }
}

/// The rendered blocks that were asked for lately, shared by all connections.
pub struct RenderCache {
    /// For viewers whom the block does not name: their access profile alone decides. Only points to what `by_views` keeps, so
    /// that a text that looks the same to many access profiles counts, and is forgotten, once.
    by_profile: Cached<(BlockId, Arc<AccessProfile>), Weak<RenderedText>>,
    by_views: Cached<(BlockId, Arc<[View]>), Arc<RenderedText>>,
    /// Single elements, by their place in the block, for blocks that are put together for one viewer: most of what is in
    /// them looks the same to many. Without it a change of 200 lists of speakers costs 40 % more, since each listener
    /// speaks somewhere.
    by_element: Cached<(BlockId, usize, View), Arc<str>>,
    /// Of other blocks nothing is kept: only lines that were begun before they were replaced ask for them.
    current_blocks: CurrentBlocks,
    asked: AtomicU64,
    render_count: AtomicU64,
}

/// What the sharing of rendered blocks comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenderCacheUse {
    /// About how many bytes the kept rendered blocks hold.
    pub bytes: u64,
    /// How often a rendered block was asked for and found.
    pub hits: u64,
    /// How often a rendered block was asked for and had to be rendered.
    pub misses: u64,
}

type Cached<K, V> = Cache<K, V, RenderedWeight, Hasher>;

#[derive(Clone)]
struct RenderedWeight;

/// About how many bytes a kept rendered block takes beside its text and its views, or an entry that points to it.
const ENTRY_BYTES: u64 = 256;

impl Weighter<(BlockId, Arc<[View]>), Arc<RenderedText>> for RenderedWeight {
    fn weight(&self, (_, views): &(BlockId, Arc<[View]>), rendered: &Arc<RenderedText>) -> u64 {
        // The compressed forms come later, and are at most about a quarter each.
        rendered.plain.len() as u64 * 3 / 2 + size_of_val(&**views) as u64 + ENTRY_BYTES
    }
}

impl Weighter<(BlockId, Arc<AccessProfile>), Weak<RenderedText>> for RenderedWeight {
    fn weight(&self, _: &(BlockId, Arc<AccessProfile>), _: &Weak<RenderedText>) -> u64 {
        ENTRY_BYTES
    }
}

impl Weighter<(BlockId, usize, View), Arc<str>> for RenderedWeight {
    fn weight(&self, _: &(BlockId, usize, View), text: &Arc<str>) -> u64 {
        text.len() as u64 + ENTRY_BYTES
    }
}

impl RenderCache {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let Shares { small, views } = shares(bytes_max);
        Self {
            by_profile: new_cache(small),
            by_views: new_cache(views),
            by_element: new_cache(small),
            current_blocks: CurrentBlocks::default(),
            asked: AtomicU64::new(0),
            render_count: AtomicU64::new(0),
        }
    }

    /// From now on so many bytes are kept. Not for every change: what the tables know of forgotten rendered blocks gets less
    /// precise each time.
    pub(crate) fn set_bytes_max(&self, bytes_max: u64) {
        let Shares { small, views } = shares(bytes_max);
        self.by_profile.set_capacity(small);
        self.by_views.set_capacity(views);
        self.by_element.set_capacity(small);
    }

    /// From now on keeps what is rendered of `meeting`, which shares nothing with the one before.
    pub(crate) fn begin(&self, meeting: &Arc<Meeting>) {
        self.current_blocks.begin(meeting);
        self.by_profile.clear();
        self.by_views.clear();
        self.by_element.clear();
    }

    /// From now on keeps what is rendered of `meeting`, whose blocks are those of the one before but for the `touched`
    /// elements; forgets what was rendered of blocks that it does not have.
    pub(crate) fn follow(&self, meeting: &Arc<Meeting>, touched: impl IntoIterator<Item = ElementKey>) {
        let entries = self.by_profile.len() + self.by_views.len() + self.by_element.len();
        let replaced = self.current_blocks.follow(meeting, touched, entries);
        if !replaced.is_empty() {
            self.by_profile.retain(|(block, _), _| !replaced.contains(block));
            self.by_views.retain(|(block, _), _| !replaced.contains(block));
            self.by_element.retain(|(block, ..), _| !replaced.contains(block));
        }
    }

    /// Everything of the block that the viewer sees; `None` if that is nothing.
    pub(crate) fn all(&self, block: &Arc<Block>, viewer: &Viewer) -> Option<Arc<RenderedText>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let find = || self.find(&Selection::all(block, viewer));
        let rendered = if viewer.is_among(block.affected_users()) {
            find()
        } else {
            let key = (block.id(), Arc::clone(viewer.profile()));
            match self.by_profile.get(&key).and_then(|rendered| rendered.upgrade()) {
                Some(rendered) if !is_sample(asked) => rendered,
                // Looked for nevertheless, so that the table that may forget it learns that it is in use.
                Some(_) => find(),
                None => {
                    let rendered = find();
                    self.by_profile.insert(key.clone(), Arc::downgrade(&rendered));
                    if !self.current_blocks.has(block) {
                        self.by_profile.remove(&key);
                    }
                    rendered
                }
            }
        };
        Some(rendered).filter(|rendered| !rendered.is_empty())
    }

    /// The selection, rendered.
    pub(crate) fn of(&self, selection: &Selection) -> Arc<RenderedText> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.find(selection)
    }

    /// How much is kept, and how often it helped.
    #[must_use]
    pub fn usage(&self) -> RenderCacheUse {
        let misses = self.render_count.load(Ordering::Relaxed);
        // The two are not read in the same moment.
        let hits = self.asked.load(Ordering::Relaxed).saturating_sub(misses);
        RenderCacheUse {
            bytes: self.by_profile.weight() + self.by_views.weight() + self.by_element.weight(),
            hits,
            misses,
        }
    }

    fn find(&self, selection: &Selection) -> Arc<RenderedText> {
        let key = (selection.block.id(), Arc::clone(&selection.views));
        if selection.is_personal {
            // The one who is named may see the block as all others do.
            return self
                .by_views
                .get(&key)
                .unwrap_or_else(|| Arc::new(RenderedText::personal(self.render_personal(selection))));
        }
        let is_found = Cell::new(true);
        let render = || {
            is_found.set(false);
            self.render_count.fetch_add(1, Ordering::Relaxed);
            selection.render()
        };
        // Whoever asks for a rendered block that is being made waits for it: nothing is made twice.
        let Ok(rendered) =
            self.by_views.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(RenderedText::new(render()))));
        // Asked after it was put there: so either this sees that the block was replaced, or whoever replaces it sees the
        // rendered block.
        if !is_found.get() && !self.current_blocks.has(&selection.block) {
            self.by_views.remove(&key);
        }
        rendered
    }

    /// What one of few sees of a block, of elements most of which look the same to many.
    fn render_personal(&self, selection: &Selection) -> String {
        self.render_count.fetch_add(1, Ordering::Relaxed);
        let block = selection.block.id();
        let text = selection.render_by(|place, element, view, out| {
            if *view == View::Whole {
                return out.push_str(element.json());
            }
            let render = || {
                let mut text = String::new();
                view.render(element, &mut text);
                Ok::<Arc<str>, Infallible>(text.into())
            };
            let Ok(text) = self.by_element.get_or_insert_with(&(block, place, view.clone()), render);
            out.push_str(&text);
        });
        // As for rendered blocks: asked after everything was put there.
        if !self.current_blocks.has(&selection.block) {
            for (place, view) in selection.views.iter().enumerate() {
                self.by_element.remove(&(block, place, view.clone()));
            }
        }
        text
    }
}

/// Parts of a table with a lock and a share of the room of its own: what does not fit into one is not kept. A fixed
/// number, since with more on larger machines large rendered blocks would find no room.
const SHARDS: usize = 8;

/// How many bytes of the limit the tables may take.
struct Shares {
    /// The entries by access profile, and as much again the single elements.
    small: u64,
    /// The rendered blocks.
    views: u64,
}

fn shares(bytes_max: u64) -> Shares {
    let small = bytes_max / 8;
    Shares { small, views: bytes_max - 2 * small }
}

fn new_cache<K: Clone + Eq + Hash, V: Clone>(bytes_max: u64) -> Cached<K, V>
where
    RenderedWeight: Weighter<K, V>,
{
    // A low guess, since half as many forgotten rendered blocks are remembered as are expected: of fewer, those that are asked for
    // in turn would never be recognized as wanted when there is not room for all of them.
    const RENDERED_BYTES_EXPECTED: u64 = 3 * 1024;
    let items_expected = usize::try_from(bytes_max / RENDERED_BYTES_EXPECTED).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .shards(SHARDS)
        .estimated_items_capacity(items_expected)
        .weight_capacity(bytes_max)
        .build()
        .expect("all that must be given is given");
    Cache::with_options(options, RenderedWeight, Hasher::default(), DefaultLifecycle::default())
}

/// Is it one in eight? Spread so that it is not the same blocks of a meeting each time.
fn is_sample(number: u64) -> bool {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    number.wrapping_mul(GOLDEN_RATIO) >> 61 == 0
}

impl std::fmt::Debug for RenderCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pieces").field("bytes", &self.usage().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
