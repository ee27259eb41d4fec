//! How does a block look to one kind of viewer? Rendered once, and shared by all for whom every decision is the same.

use std::convert::Infallible;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::block::{Block, BlockId};
use crate::deflate;
use crate::restriction::view::View;
use crate::restriction::view_entry;
use crate::viewer::{Standing, Viewer};
use crate::zstd_frame;

/// Some elements of a block, each as one viewer sees it.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) block: Arc<Block>,
    /// One view an entry of the block; hidden ones are not part of the selection.
    pub(crate) views: Arc<[View]>,
    /// Is it one of few who see the block like this, because it is named there? Then it is not worth being kept.
    pub(crate) is_own: bool,
}

impl Selection {
    /// Everything of the block that the viewer sees.
    pub(crate) fn all(block: &Arc<Block>, viewer: &Viewer) -> Self {
        Self {
            block: Arc::clone(block),
            views: block.entries().iter().map(|entry| view_entry(viewer, entry)).collect(),
            is_own: viewer.is_named_in(block.named()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.views.iter().all(View::is_hidden)
    }

    /// The elements as JSON, separated by commas.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (entry, view) in self.block.entries().iter().zip(&*self.views) {
            if !view.is_hidden() {
                if !text.is_empty() {
                    text.push(',');
                }
                entry.element.push_view(view, &mut text);
            }
        }
        text
    }

    /// About how many bytes it is rendered.
    pub(crate) fn bytes_about(&self) -> usize {
        let seen = self.block.entries().iter().zip(&*self.views).filter(|(_, view)| !view.is_hidden());
        seen.map(|(entry, _)| entry.element.json().len()).sum()
    }
}

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

/// How many bytes of rendered pieces are kept by default; beyond that the pieces used least are rendered again when they
/// are asked for.
pub const PIECES_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// The rendered pieces that were asked for lately, shared by all connections.
pub(crate) struct Pieces {
    /// For viewers whom the block does not name: their standing alone decides.
    by_standing: PieceCache<(BlockId, Arc<Standing>)>,
    by_views: PieceCache<(BlockId, Arc<[View]>)>,
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

type PieceCache<K> = Cache<K, Arc<Piece>, PieceWeight, Hasher>;

/// With fixed keys: what is hashed does not come from outside, and the domain draws no random numbers.
type Hasher = BuildHasherDefault<DefaultHasher>;

#[derive(Clone)]
struct PieceWeight;

impl<K> Weighter<K, Arc<Piece>> for PieceWeight {
    fn weight(&self, _: &K, piece: &Arc<Piece>) -> u64 {
        // The compressed forms come later, and are at most about a quarter each; the rest is the key and the bookkeeping.
        piece.plain.len() as u64 * 3 / 2 + 512
    }
}

impl Pieces {
    pub(crate) fn new(bytes_max: u64) -> Self {
        // A guess of how many pieces there will be; only the weight limits them.
        const PIECES_EXPECTED: usize = 4096;
        Self {
            // Mostly the same pieces under two kinds of keys, so that their bytes are there once; but each forgets by
            // itself, so together they may hold as much as the limit says.
            by_standing: new_cache(PIECES_EXPECTED, bytes_max / 2),
            by_views: new_cache(PIECES_EXPECTED, bytes_max / 2),
            asked: AtomicU64::new(0),
            rendered: AtomicU64::new(0),
        }
    }

    /// Everything of the block that the viewer sees; `None` if that is nothing.
    pub(crate) fn all(&self, block: &Arc<Block>, viewer: &Viewer) -> Option<Arc<Piece>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let piece = if viewer.is_named_in(block.named()) {
            self.find(&Selection::all(block, viewer))
        } else {
            let key = (block.id(), Arc::clone(viewer.standing()));
            get_or_insert(&self.by_standing, &key, || self.find(&Selection::all(block, viewer)))
        };
        Some(piece).filter(|piece| !piece.is_empty())
    }

    /// The selection, rendered.
    pub(crate) fn of(&self, selection: &Selection) -> Arc<Piece> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.find(selection)
    }

    /// How much is kept, and how often it helped.
    pub(crate) fn usage(&self) -> PiecesUse {
        let misses = self.rendered.load(Ordering::Relaxed);
        // The two are not read in the same moment.
        let hits = self.asked.load(Ordering::Relaxed).saturating_sub(misses);
        PiecesUse { bytes: self.by_views.weight(), hits, misses }
    }

    fn find(&self, selection: &Selection) -> Arc<Piece> {
        let key = (selection.block.id(), Arc::clone(&selection.views));
        let render = || {
            self.rendered.fetch_add(1, Ordering::Relaxed);
            selection.render()
        };
        if selection.is_own {
            // The one who is named may see the block as all others do.
            return self.by_views.get(&key).unwrap_or_else(|| Arc::new(Piece::own(render())));
        }
        get_or_insert(&self.by_views, &key, || Arc::new(Piece::new(render())))
    }
}

fn new_cache<K: Clone + Eq + Hash>(items_expected: usize, bytes_max: u64) -> PieceCache<K> {
    Cache::with(items_expected, bytes_max, PieceWeight, Hasher::default(), DefaultLifecycle::default())
}

/// Whoever asks for a piece that is being made waits for it: nothing is made twice.
fn get_or_insert<K: Clone + Eq + Hash>(
    cache: &PieceCache<K>,
    key: &K,
    make: impl FnOnce() -> Arc<Piece>,
) -> Arc<Piece> {
    match cache.get_or_insert_with(key, || Ok::<_, Infallible>(make())) {
        Ok(piece) => piece,
    }
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pieces").field("bytes", &self.by_views.weight()).finish_non_exhaustive()
    }
}
