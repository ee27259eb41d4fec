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
use domain::restriction::viewer::{Standing, Viewer};

mod served;

use served::Served;

/// A rendered selection, with its compressed forms once somebody has asked for them.
#[derive(Debug)]
pub(crate) struct Piece {
    plain: Bytes,
    /// For one client: compressed in a hurry.
    is_own: bool,
    deflated: OnceLock<deflate::Block>,
    zstd_frame: OnceLock<Bytes>,
}

impl Piece {
    pub(crate) fn new(text: String) -> Self {
        Self { plain: text.into(), is_own: false, deflated: OnceLock::new(), zstd_frame: OnceLock::new() }
    }

    fn own(text: String) -> Self {
        Self { is_own: true, ..Self::new(text) }
    }

    pub(crate) fn plain(&self) -> &Bytes {
        &self.plain
    }

    pub(crate) fn deflated(&self) -> &deflate::Block {
        self.deflated.get_or_init(|| {
            let level = if self.is_own { deflate::Level::Fast } else { deflate::Level::Shared };
            deflate::Block::compress(&self.plain, level)
        })
    }

    pub(crate) fn zstd_frame(&self) -> &Bytes {
        self.zstd_frame.get_or_init(|| zstd_frame::compress(&self.plain))
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }
}

/// The rendered pieces that were asked for lately, shared by all connections.
pub struct Pieces {
    /// For viewers whom the block does not name: their standing alone decides. Only points to what `by_views` keeps, so
    /// that a text that looks the same to many standings counts, and is forgotten, once.
    by_standing: Cached<(BlockId, Arc<Standing>), Weak<Piece>>,
    by_views: Cached<(BlockId, Arc<[View]>), Arc<Piece>>,
    /// Single elements, by their place in the block, for blocks that are put together for one viewer: most of what is in
    /// them looks the same to many. Without it a change of 200 lists of speakers costs 40 % more, since each listener
    /// speaks somewhere.
    by_element: Cached<(BlockId, usize, View), Arc<str>>,
    /// Of other blocks nothing is kept: only lines that were begun before they were replaced ask for them.
    served: Served,
    asked: AtomicU64,
    rendered: AtomicU64,
}

/// What the sharing of rendered pieces comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PiecesUse {
    /// About how many bytes the kept pieces hold.
    pub bytes: u64,
    /// How often a piece was asked for and found.
    pub hits: u64,
    /// How often a piece was asked for and had to be rendered.
    pub misses: u64,
}

type Cached<K, V> = Cache<K, V, PieceWeight, Hasher>;

#[derive(Clone)]
struct PieceWeight;

/// About how many bytes a kept piece takes beside its text and its views, or an entry that points to it.
const ENTRY_BYTES: u64 = 256;

impl Weighter<(BlockId, Arc<[View]>), Arc<Piece>> for PieceWeight {
    fn weight(&self, (_, views): &(BlockId, Arc<[View]>), piece: &Arc<Piece>) -> u64 {
        // The compressed forms come later, and are at most about a quarter each.
        piece.plain.len() as u64 * 3 / 2 + size_of_val(&**views) as u64 + ENTRY_BYTES
    }
}

impl Weighter<(BlockId, Arc<Standing>), Weak<Piece>> for PieceWeight {
    fn weight(&self, _: &(BlockId, Arc<Standing>), _: &Weak<Piece>) -> u64 {
        ENTRY_BYTES
    }
}

impl Weighter<(BlockId, usize, View), Arc<str>> for PieceWeight {
    fn weight(&self, _: &(BlockId, usize, View), text: &Arc<str>) -> u64 {
        text.len() as u64 + ENTRY_BYTES
    }
}

impl Pieces {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let Shares { small, views } = shares(bytes_max);
        Self {
            by_standing: new_cache(small),
            by_views: new_cache(views),
            by_element: new_cache(small),
            served: Served::default(),
            asked: AtomicU64::new(0),
            rendered: AtomicU64::new(0),
        }
    }

    /// From now on so many bytes are kept. Not for every change: what the tables know of forgotten pieces gets less
    /// precise each time.
    pub(crate) fn set_bytes_max(&self, bytes_max: u64) {
        let Shares { small, views } = shares(bytes_max);
        self.by_standing.set_capacity(small);
        self.by_views.set_capacity(views);
        self.by_element.set_capacity(small);
    }

    /// From now on keeps what is rendered of `meeting`, which shares nothing with the one before.
    pub(crate) fn begin(&self, meeting: &Arc<Meeting>) {
        self.served.begin(meeting);
        self.by_standing.clear();
        self.by_views.clear();
        self.by_element.clear();
    }

    /// From now on keeps what is rendered of `meeting`, whose blocks are those of the one before but for the `touched`
    /// elements; forgets what was rendered of blocks that it does not have.
    pub(crate) fn follow(&self, meeting: &Arc<Meeting>, touched: impl IntoIterator<Item = ElementKey>) {
        let entries = self.by_standing.len() + self.by_views.len() + self.by_element.len();
        let replaced = self.served.follow(meeting, touched, entries);
        if !replaced.is_empty() {
            self.by_standing.retain(|(block, _), _| !replaced.contains(block));
            self.by_views.retain(|(block, _), _| !replaced.contains(block));
            self.by_element.retain(|(block, ..), _| !replaced.contains(block));
        }
    }

    /// Everything of the block that the viewer sees; `None` if that is nothing.
    pub(crate) fn all(&self, block: &Arc<Block>, viewer: &Viewer) -> Option<Arc<Piece>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let find = || self.find(&Selection::all(block, viewer));
        let piece = if viewer.is_named_in(block.named()) {
            find()
        } else {
            let key = (block.id(), Arc::clone(viewer.standing()));
            match self.by_standing.get(&key).and_then(|piece| piece.upgrade()) {
                Some(piece) if !is_sample(asked) => piece,
                // Looked for nevertheless, so that the table that may forget it learns that it is in use.
                Some(_) => find(),
                None => {
                    let piece = find();
                    self.by_standing.insert(key.clone(), Arc::downgrade(&piece));
                    if !self.served.has(block) {
                        self.by_standing.remove(&key);
                    }
                    piece
                }
            }
        };
        Some(piece).filter(|piece| !piece.is_empty())
    }

    /// The selection, rendered.
    pub(crate) fn of(&self, selection: &Selection) -> Arc<Piece> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.find(selection)
    }

    /// How much is kept, and how often it helped.
    #[must_use]
    pub fn usage(&self) -> PiecesUse {
        let misses = self.rendered.load(Ordering::Relaxed);
        // The two are not read in the same moment.
        let hits = self.asked.load(Ordering::Relaxed).saturating_sub(misses);
        PiecesUse { bytes: self.by_standing.weight() + self.by_views.weight() + self.by_element.weight(), hits, misses }
    }

    fn find(&self, selection: &Selection) -> Arc<Piece> {
        let key = (selection.block.id(), Arc::clone(&selection.views));
        if selection.is_own {
            // The one who is named may see the block as all others do.
            return self.by_views.get(&key).unwrap_or_else(|| Arc::new(Piece::own(self.render_own(selection))));
        }
        let is_found = Cell::new(true);
        let render = || {
            is_found.set(false);
            self.rendered.fetch_add(1, Ordering::Relaxed);
            selection.render()
        };
        // Whoever asks for a piece that is being made waits for it: nothing is made twice.
        let Ok(piece) = self.by_views.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(Piece::new(render()))));
        // Asked after it was put there: so either this sees that the block was replaced, or whoever replaces it sees the
        // piece.
        if !is_found.get() && !self.served.has(&selection.block) {
            self.by_views.remove(&key);
        }
        piece
    }

    /// What one of few sees of a block, of elements most of which look the same to many.
    fn render_own(&self, selection: &Selection) -> String {
        self.rendered.fetch_add(1, Ordering::Relaxed);
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
        // As for pieces: asked after everything was put there.
        if !self.served.has(&selection.block) {
            for (place, view) in selection.views.iter().enumerate() {
                self.by_element.remove(&(block, place, view.clone()));
            }
        }
        text
    }
}

/// Parts of a table with a lock and a share of the room of its own: what does not fit into one is not kept. A fixed
/// number, since with more on larger machines large pieces would find no room.
const SHARDS: usize = 8;

/// How many bytes of the limit the tables may take.
struct Shares {
    /// The entries by standing, and as much again the single elements.
    small: u64,
    /// The pieces.
    views: u64,
}

fn shares(bytes_max: u64) -> Shares {
    let small = bytes_max / 8;
    Shares { small, views: bytes_max - 2 * small }
}

fn new_cache<K: Clone + Eq + Hash, V: Clone>(bytes_max: u64) -> Cached<K, V>
where
    PieceWeight: Weighter<K, V>,
{
    // A low guess, since half as many forgotten pieces are remembered as are expected: of fewer, those that are asked for
    // in turn would never be recognized as wanted when there is not room for all of them.
    const PIECE_BYTES_EXPECTED: u64 = 3 * 1024;
    let items_expected = usize::try_from(bytes_max / PIECE_BYTES_EXPECTED).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .shards(SHARDS)
        .estimated_items_capacity(items_expected)
        .weight_capacity(bytes_max)
        .build()
        .expect("all that must be given is given");
    Cache::with_options(options, PieceWeight, Hasher::default(), DefaultLifecycle::default())
}

/// Is it one in eight? Spread so that it is not the same blocks of a meeting each time.
fn is_sample(number: u64) -> bool {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    number.wrapping_mul(GOLDEN_RATIO) >> 61 == 0
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pieces").field("bytes", &self.usage().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
