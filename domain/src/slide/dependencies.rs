//! What does a slide depend on, and may it look different after a change?

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::collection::Collection;
use crate::element::rule_inputs::RuleInputs;
use crate::element::{Element, references};
use crate::ids::{ElementId, ElementKey};
use crate::meeting::Meeting;

/// Everything in a meeting that a slide was rendered from, and everything that it looked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    pub(super) elements: BTreeSet<ElementKey>,
    pub(super) collections: BTreeSet<Collection>,
    pub(super) configs: BTreeSet<&'static str>,
    /// The motions whose referring motions the slide lists.
    pub(super) referred_to: BTreeSet<ElementId>,
}

impl Dependencies {
    /// Depends on one element alone.
    pub(crate) fn of_element(key: ElementKey) -> Self {
        Self { elements: BTreeSet::from([key]), ..Self::default() }
    }

    /// Elements, including missing ones, ascending.
    pub fn elements(&self) -> impl Iterator<Item = ElementKey> {
        self.elements.iter().copied()
    }

    /// Collections whose every element was read.
    pub fn collections(&self) -> impl Iterator<Item = Collection> {
        self.collections.iter().copied()
    }

    /// Configuration values, including missing ones.
    pub fn configs(&self) -> impl Iterator<Item = &'static str> {
        self.configs.iter().copied()
    }

    /// Returns whether the slide may look different in `after`, where `written` names every element that was written
    /// since `before`.
    #[must_use]
    pub fn touched(&self, written: &[ElementKey], before: &Meeting, after: &Meeting) -> bool {
        written.iter().any(|key| self.names(*key, after) && differs(*key, before, after))
            || (!self.configs.is_empty()
                && written.iter().any(|key| key.collection == Collection::Config)
                && self.configs.iter().any(|config| before.config(config) != after.config(config)))
    }

    fn names(&self, key: ElementKey, after: &Meeting) -> bool {
        self.elements.contains(&key)
            || self.collections.contains(&key.collection)
            // A motion that referred before is among the elements, so only those that refer now are looked up.
            || (key.collection == Collection::Motion
                && !self.referred_to.is_empty()
                && after.get(key).is_some_and(|motion| self.referred_to.iter().any(|id| refers(motion, *id))))
    }

    /// Adds the dependencies of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.elements.extend(&other.elements);
        self.collections.extend(&other.collections);
        self.configs.extend(&other.configs);
        self.referred_to.extend(&other.referred_to);
    }
}

/// Returns whether the text of an element differs.
pub(crate) fn differs(key: ElementKey, before: &Meeting, after: &Meeting) -> bool {
    match (before.get(key), after.get(key)) {
        (Some(before), Some(after)) => !Arc::ptr_eq(before, after) && before.json() != after.json(),
        (before, after) => before.is_some() != after.is_some(),
    }
}

/// Returns whether the recommendation of `motion` names the motion `id`.
pub(super) fn refers(motion: &Element, id: ElementId) -> bool {
    match motion.rule_inputs() {
        RuleInputs::Motion(inputs) => inputs.refers_to.contains(&id),
        // Nobody may see it, but it may still be shown in the hall.
        _ => references::of_motion(motion.json()).contains(&id),
    }
}
