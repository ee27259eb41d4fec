//! How are the elements of a meeting stored? In blocks of neighboring ids, shared by all versions that have the same
//! block.
//!
//! A block is the unit of sharing: text rendered from it for one viewer is found again by its [`BlockId`] for every
//! other viewer with the same decisions, and for every later version that still has the block.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::collection::Collection;
use crate::element::Element;
use crate::ids::{ElementId, ElementKey, UserId};
use crate::permission::PermissionSet;
use crate::restriction::affected_users;

/// The elements of a collection whose ids differ only in the last four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// The collection of its elements.
    pub collection: Collection,
    number: u64,
}

/// 16 ids per block: large enough that a first line has few parts (and compresses well), small enough that little is
/// rendered again when one element changes, or when one user sees one element differently.
const BLOCK_ID_BITS: u32 = 4;

impl BlockKey {
    /// Returns the key of the block that holds the element.
    #[must_use]
    pub const fn of(key: ElementKey) -> Self {
        Self { collection: key.collection, number: key.id.0 >> BLOCK_ID_BITS }
    }

    /// Returns the keys of all blocks of a collection.
    #[must_use]
    pub const fn all_of(collection: Collection) -> RangeInclusive<Self> {
        Self { collection, number: 0 }..=Self { collection, number: u64::MAX }
    }
}

/// Identifies one block forever: a different block has a different id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(u64);

impl BlockId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An element in a meeting, with what the rest of the meeting says about it.
#[derive(Clone, Debug)]
pub struct BlockEntry {
    /// The element.
    pub element: Arc<Element>,
    /// For a user, the permissions that make the user visible (spec: restriction.md#required-users).
    pub required_by: PermissionSet,
}

/// Some neighboring elements; never empty, never changed.
#[derive(Debug)]
pub struct Block {
    id: BlockId,
    entries: Box<[BlockEntry]>,
    affected: Box<[UserId]>,
}

impl Block {
    /// Creates the block of these entries, which are ascending by id; `None` if there are none.
    #[must_use]
    pub fn new(entries: Vec<BlockEntry>) -> Option<Self> {
        debug_assert!(entries.is_sorted_by_key(|entry| entry.element.key()));
        if entries.is_empty() {
            return None;
        }
        let mut affected = Vec::new();
        for entry in &entries {
            affected.extend(affected_users(&entry.element).iter());
        }
        affected.sort_unstable();
        affected.dedup();
        Some(Self { id: BlockId::new(), entries: entries.into(), affected: affected.into() })
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// Returns the same entries under an id that a test chose, which must not be that of another block in use.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn renamed(&self, id: u64) -> Self {
        Self { id: BlockId(id), entries: self.entries.clone(), affected: self.affected.clone() }
    }

    /// Returns its key in a meeting.
    #[must_use]
    pub fn key(&self) -> BlockKey {
        BlockKey::of(self.entries[0].element.key())
    }

    /// The collection of its elements.
    #[must_use]
    pub fn collection(&self) -> Collection {
        self.key().collection
    }

    /// Ascending by id.
    #[must_use]
    pub fn entries(&self) -> &[BlockEntry] {
        &self.entries
    }

    /// Returns the element of that id, with what the rest of the meeting says about it.
    #[must_use]
    pub fn entry(&self, id: ElementId) -> Option<&BlockEntry> {
        self.index(id).map(|index| &self.entries[index])
    }

    /// Returns the position of the element in `entries`.
    #[must_use]
    pub fn index(&self, id: ElementId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.element.key().id).ok()
    }

    /// Returns the users whom an element of the block affects individually, ascending: all others see it by access
    /// profile alone.
    #[must_use]
    pub fn affected_users(&self) -> &[UserId] {
        &self.affected
    }
}
