//! What is a meeting at one moment? An immutable value; applying a change gives the next one.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::collection::Collection;
use crate::element::Element;
use crate::element::rule_inputs::RuleInputs;
use crate::ids::{ChangeId, ElementKey, GroupId, UserId};
use crate::permission::PermissionSet;
use crate::ports::element_store::Bounds;
use crate::reach::DecidingConfig;

pub mod block;
mod build;
pub mod history;
mod required_users;
mod resolve;
#[cfg(test)]
mod tests;
mod view;

use block::{Block, BlockEntry, BlockKey};
use required_users::RequiredUsers;

pub use build::{Built, Change, Problem};
pub use resolve::AffectedViewers;
pub use view::{view_entry, view_in};

/// One version of the meeting. Versions share everything that did not change between them.
#[derive(Clone, Debug)]
pub struct Meeting {
    version: Version,
    bounds: Bounds,
    blocks: OrdMap<BlockKey, Arc<Block>>,
    /// Which users changed their password since this service saw their first hash: the hashes that were replaced.
    replaced_hashes: OrdMap<UserId, Arc<[Box<str>]>>,
    /// The elements that hold each configuration value, ascending; the server writes one of each.
    configs: OrdMap<Box<str>, Box<[ElementKey]>>,
    required_users: RequiredUsers,
    present_users: u64,
    text_bytes: usize,
    step: Arc<Step>,
}

/// Counts the versions of the meeting in this process. Unlike change ids it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// How this version differs from the previous one.
#[derive(Debug, Default)]
pub struct Step {
    /// The keys that were written (changed or deleted), ascending, each once. Empty in the first version, and after a
    /// reload, when everything may have changed.
    pub written: Box<[ElementKey]>,
    /// `written`, and the users who began or ceased to be required; ascending, each once.
    pub touched: Box<[ElementKey]>,
    /// Approximate number of bytes of the previous version that no later version has.
    pub replaced_bytes: usize,
    /// Whether clients cannot continue from any earlier version.
    pub is_reset: bool,
}

impl Meeting {
    /// Returns which version it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the id of the newest change it holds.
    #[must_use]
    pub fn change_id(&self) -> ChangeId {
        self.bounds.highest
    }

    /// Returns the change ids of the store it was read from.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Returns how it differs from the previous version.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Returns the element with that key, if there is one.
    #[must_use]
    pub fn get(&self, key: ElementKey) -> Option<&Arc<Element>> {
        self.entry(key).map(|entry| &entry.element)
    }

    /// Returns the elements of a collection, by ascending id.
    pub fn elements(&self, collection: Collection) -> impl Iterator<Item = &Arc<Element>> {
        self.blocks
            .range(BlockKey::all_of(collection))
            .flat_map(|(_, block)| block.entries().iter().map(|entry| &entry.element))
    }

    /// Returns the keys of all elements, ascending.
    pub fn keys(&self) -> impl Iterator<Item = ElementKey> {
        self.blocks.values().flat_map(|block| block.entries().iter().map(|entry| entry.element.key()))
    }

    /// Returns how many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.values().map(|block| block.entries().len()).sum()
    }

    /// Returns whether there is no element at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Returns whether both hold the same elements, as of the same change.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let is_there =
            |key| self.get(key).map(|element| element.json()) == other.get(key).map(|element| element.json());
        self.bounds == other.bounds && self.len() == other.len() && self.keys().all(is_there)
    }

    /// Returns how many bytes of text its elements have.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Returns the element that holds the configuration value `key`; if there are several, the one with the lowest id.
    #[must_use]
    pub fn config_element(&self, key: &str) -> Option<&Arc<Element>> {
        self.get(*self.configs.get(key)?.first()?)
    }

    /// Returns the JSON text of the configuration value `key`; `None` if it is missing.
    #[must_use]
    pub fn config(&self, key: &str) -> Option<&str> {
        match self.config_element(key)?.rule_inputs() {
            RuleInputs::Config { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Returns whether this configuration value is true; false if it is missing or of another type
    /// (spec: restriction.md#configuration).
    #[must_use]
    pub fn is_true(&self, config: DecidingConfig) -> bool {
        self.config(config.name()) == Some("true")
    }

    /// Returns how many users are present (spec: notify.md#applause-level).
    #[must_use]
    pub fn present_users(&self) -> u64 {
        self.present_users
    }

    /// Returns the hashes of `user` that this service has seen replaced (spec: auth.md#password-change).
    #[must_use]
    pub fn replaced_hashes(&self, user: UserId) -> &[Box<str>] {
        self.replaced_hashes.get(&user).map_or(&[], |hashes| hashes)
    }

    /// Returns the permissions of a group; none if there is no such group.
    pub(crate) fn permissions(&self, group: GroupId) -> PermissionSet {
        match self.get(ElementKey::new(Collection::Group, group.0)).map(|element| element.rule_inputs()) {
            Some(RuleInputs::Group { permissions }) => *permissions,
            _ => PermissionSet::EMPTY,
        }
    }

    /// Returns the element with that key, with what the rest of the meeting says about it.
    #[must_use]
    pub fn entry(&self, key: ElementKey) -> Option<&BlockEntry> {
        self.blocks.get(&BlockKey::of(key))?.entry(key.id)
    }

    /// Returns all blocks, ascending.
    pub fn blocks(&self) -> impl Iterator<Item = (&BlockKey, &Arc<Block>)> {
        self.blocks.iter()
    }

    /// Returns the blocks between these keys, ascending.
    pub fn blocks_in(
        &self,
        keys: (Bound<BlockKey>, Bound<BlockKey>),
    ) -> impl Iterator<Item = (&BlockKey, &Arc<Block>)> {
        self.blocks.range(keys)
    }

    /// Returns the block with that key.
    #[must_use]
    pub fn block(&self, key: BlockKey) -> Option<&Arc<Block>> {
        self.blocks.get(&key)
    }
}
