//! What is the text of a block for one kind of viewer? It is rendered once, and shared by all viewers who have the same
//! view of every element in it.

use std::cell::Cell;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use super::meters::DeliveryMeters;
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

/// A rendered selection, and its compressed forms once they have been needed.
#[derive(Debug)]
pub(crate) struct RenderedText {
    plain: Bytes,
    /// Only one client gets it, so it is compressed fast rather than well.
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

/// The rendered blocks that were used recently, shared by all connections.
pub struct RenderCache {
    /// For viewers who are not affected individually: their access profile alone decides. Only points to entries of
    /// `by_views`, so that a text which looks the same to many profiles is counted, and evicted, once.
    by_profile: Cached<(BlockId, Arc<AccessProfile>), Weak<RenderedText>>,
    by_views: Cached<(BlockId, Arc<[View]>), Arc<RenderedText>>,
    /// Single elements by their position in the block, for blocks that are assembled for one viewer: most elements in
    /// them look the same to many. Without it, first lines cost a third more, and a change of 200 lists of speakers 40
    /// %, since each listener speaks somewhere.
    by_element: Cached<(BlockId, usize, View), Arc<str>>,
    /// Nothing is kept of blocks that are not current; only lines begun before they were replaced ask for them.
    current_blocks: CurrentBlocks,
    asked: AtomicU64,
    render_count: AtomicU64,
    meters: Arc<DeliveryMeters>,
}

/// How well the render cache works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenderCacheUse {
    /// Approximate size of the kept rendered blocks, in bytes.
    pub bytes: u64,
    /// How often a rendered block was found.
    pub hits: u64,
    /// How often a block had to be rendered.
    pub misses: u64,
}

type Cached<K, V> = Cache<K, V, RenderedWeight, Hasher>;

#[derive(Clone)]
struct RenderedWeight;

/// Approximate size of an entry besides its text and its views, in bytes.
const ENTRY_BYTES: u64 = 256;

impl Weighter<(BlockId, Arc<[View]>), Arc<RenderedText>> for RenderedWeight {
    fn weight(&self, (_, views): &(BlockId, Arc<[View]>), rendered: &Arc<RenderedText>) -> u64 {
        // The compressed forms are added later; each is at most about a quarter of the text.
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
    pub(crate) fn new(bytes_max: u64, meters: Arc<DeliveryMeters>) -> Self {
        let Shares { small, views } = shares(bytes_max);
        Self {
            by_profile: new_cache(small),
            by_views: new_cache(views),
            by_element: new_cache(small),
            current_blocks: CurrentBlocks::default(),
            asked: AtomicU64::new(0),
            render_count: AtomicU64::new(0),
            meters,
        }
    }

    /// Sets the maximum number of bytes kept. Not to be called for every change: each call makes the tables' knowledge
    /// of evicted entries less precise.
    pub(crate) fn set_bytes_max(&self, bytes_max: u64) {
        let Shares { small, views } = shares(bytes_max);
        self.by_profile.set_capacity(small);
        self.by_views.set_capacity(views);
        self.by_element.set_capacity(small);
    }

    /// Starts keeping what is rendered of `meeting`, which shares nothing with the previous one.
    pub(crate) fn begin(&self, meeting: &Arc<Meeting>) {
        self.current_blocks.begin(meeting);
        self.by_profile.clear();
        self.by_views.clear();
        self.by_element.clear();
    }

    /// Starts keeping what is rendered of `meeting`, whose blocks are those of the previous version except for the
    /// `touched` elements. Forgets what was rendered of blocks that it no longer has.
    pub(crate) fn follow(&self, meeting: &Arc<Meeting>, touched: impl IntoIterator<Item = ElementKey>) {
        let entries = self.by_profile.len() + self.by_views.len() + self.by_element.len();
        let replaced = self.current_blocks.follow(meeting, touched, entries);
        if !replaced.is_empty() {
            self.by_profile.retain(|(block, _), _| !replaced.contains(block));
            self.by_views.retain(|(block, _), _| !replaced.contains(block));
            self.by_element.retain(|(block, ..), _| !replaced.contains(block));
        }
    }

    /// Returns everything of the block that the viewer sees; `None` if that is nothing.
    pub(crate) fn all(&self, block: &Arc<Block>, viewer: &Viewer) -> Option<Arc<RenderedText>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let find = || self.find(&Selection::all(block, viewer));
        let rendered = if viewer.is_among(block.affected_users()) {
            find()
        } else {
            let key = (block.id(), Arc::clone(viewer.profile()));
            match self.by_profile.get(&key).and_then(|rendered| rendered.upgrade()) {
                Some(rendered) if !is_sample(asked) => rendered,
                // Looked up anyway, so that the table that may evict it learns that it is in use.
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

    /// Returns the rendered selection.
    pub(crate) fn of(&self, selection: &Selection) -> Arc<RenderedText> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.find(selection)
    }

    /// Returns how much is kept, and how often it helped.
    #[must_use]
    pub fn usage(&self) -> RenderCacheUse {
        let misses = self.render_count.load(Ordering::Relaxed);
        // The two counters are not read at the same instant.
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
            // An affected viewer may still see the block as everybody else does.
            return self.by_views.get(&key).unwrap_or_else(|| {
                let text = self.meters.rendering(|| self.render_personal(selection));
                Arc::new(RenderedText::personal(text))
            });
        }
        let is_found = Cell::new(true);
        let render = || {
            is_found.set(false);
            self.render_count.fetch_add(1, Ordering::Relaxed);
            self.meters.rendering(|| selection.render())
        };
        // Concurrent callers wait for a block that is being rendered, so nothing is rendered twice.
        let Ok(rendered) =
            self.by_views.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(RenderedText::new(render()))));
        // Checked after the insertion: either this call sees that the block was replaced, or the one that replaces it
        // sees the entry.
        if !is_found.get() && !self.current_blocks.has(&selection.block) {
            self.by_views.remove(&key);
        }
        rendered
    }

    /// Renders what a few viewers see of a block, from elements most of which look the same to many.
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
        // As for rendered blocks: checked after the insertions.
        if !self.current_blocks.has(&selection.block) {
            for (place, view) in selection.views.iter().enumerate() {
                self.by_element.remove(&(block, place, view.clone()));
            }
        }
        text
    }
}

/// The tables are split into shards, each with its own lock and share of the capacity; what does not fit into one is
/// not kept. The number is fixed, because with more shards on larger machines large rendered blocks would not fit.
const SHARDS: usize = 8;

/// How the capacity is divided among the tables, in bytes.
struct Shares {
    /// For the entries by access profile, and as much again for single elements.
    small: u64,
    /// For the rendered blocks.
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
    // A low estimate: the cache remembers half as many evicted entries as it expects entries. If it remembered fewer,
    // blocks that are used in turn would never be recognized as wanted when not all of them fit.
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

/// Returns true for one in eight, spread so that it is not always the same blocks of a meeting.
fn is_sample(number: u64) -> bool {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    number.wrapping_mul(GOLDEN_RATIO) >> 61 == 0
}

impl std::fmt::Debug for RenderCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RenderCache").field("bytes", &self.usage().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
