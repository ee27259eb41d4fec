//! How does a slide read the meeting? Only through this module, which records everything that is read.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::dependencies::{Dependencies, refers};
use super::error::{SlideError, Trail};
use super::node::Node;
use crate::collection::Collection;
use crate::ids::{ElementId, ElementKey};
use crate::json::Fields;
use crate::meeting::Meeting;

/// How much text of elements one slide may read, counted each time a reference leads there: what a slide writes is
/// copied from what it reads, so this bounds its time and its size. A slide that reads more shows `Internal error`.
pub(super) const SLIDE_READ_BYTES_MAX: usize = 32 << 20;

/// The meeting as one slide sees it.
pub(crate) struct Lookup<'m> {
    meeting: &'m Meeting,
    dependencies: RefCell<Dependencies>,
    /// Elements are read repeatedly (the state of every amendment), so each is parsed once per slide.
    parsed: RefCell<BTreeMap<ElementKey, Option<Rc<Fields<'m>>>>>,
    bytes_left: Cell<usize>,
}

impl<'m> Lookup<'m> {
    pub(crate) fn new(meeting: &'m Meeting) -> Self {
        Self {
            meeting,
            dependencies: RefCell::default(),
            parsed: RefCell::default(),
            bytes_left: Cell::new(SLIDE_READ_BYTES_MAX),
        }
    }

    /// What has been read.
    pub(crate) fn into_dependencies(self) -> Dependencies {
        self.dependencies.into_inner()
    }

    /// Returns the element with that key; `None` if it does not exist or is not a JSON object.
    pub(crate) fn find(&self, key: ElementKey, trail: Trail) -> Result<Option<Node<'m>>, SlideError> {
        self.dependencies.borrow_mut().elements.insert(key);
        let Some(element) = self.meeting.get(key) else {
            return Ok(None);
        };
        let left = self.bytes_left.get().checked_sub(element.json().len()).ok_or_else(|| {
            SlideError::Internal(format!("reads more than {SLIDE_READ_BYTES_MAX} bytes of elements, at {key}{trail}"))
        })?;
        self.bytes_left.set(left);
        let mut parsed = self.parsed.borrow_mut();
        let fields = parsed.entry(key).or_insert_with(|| Fields::of(element.json()).map(Rc::new));
        Ok(fields.as_ref().map(|fields| Node::new(key, element.json(), Rc::clone(fields), trail)))
    }

    /// Returns the element with that id of the collection; an id that is not positive names none.
    pub(crate) fn find_id(
        &self,
        collection: Collection,
        id: i64,
        trail: Trail,
    ) -> Result<Option<Node<'m>>, SlideError> {
        match u64::try_from(id) {
            Ok(id) if id > 0 => self.find(ElementKey::new(collection, id), trail),
            _ => Ok(None),
        }
    }

    /// Returns the element that a field names; `None` if the field is null or missing, or the element does not exist.
    pub(crate) fn follow_if_exists(
        &self,
        node: &Node<'_>,
        field: &'static str,
        collection: Collection,
    ) -> Result<Option<Node<'m>>, SlideError> {
        match node.integer(field)? {
            Some(id) => self.find_id(collection, id, node.trail_by(field)),
            None => Ok(None),
        }
    }

    /// Returns the element that a field names, which must exist; `None` if the field is null or missing.
    pub(crate) fn follow(
        &self,
        node: &Node<'_>,
        field: &'static str,
        collection: Collection,
    ) -> Result<Option<Node<'m>>, SlideError> {
        match node.integer(field)? {
            Some(id) => self.require(collection, id, node.trail_by(field)).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the elements that a list of ids names, in order. All of them must exist.
    pub(crate) fn follow_all(
        &self,
        node: &Node<'_>,
        field: &'static str,
        collection: Collection,
    ) -> Result<Vec<Node<'m>>, SlideError> {
        node.integers(field)?.into_iter().map(|id| self.require(collection, id, node.trail_by(field))).collect()
    }

    /// Returns the elements that a list of ids names, in order, without those that do not exist.
    pub(crate) fn follow_existing(
        &self,
        node: &Node<'_>,
        field: &'static str,
        collection: Collection,
    ) -> Result<Vec<Node<'m>>, SlideError> {
        let ids = node.integers(field)?.into_iter();
        ids.filter_map(|id| self.find_id(collection, id, node.trail_by(field)).transpose()).collect()
    }

    /// Returns the element with that id, which must exist.
    pub(crate) fn require(&self, collection: Collection, id: i64, trail: Trail) -> Result<Node<'m>, SlideError> {
        self.find_id(collection, id, trail.clone())?
            .ok_or_else(|| SlideError::missing(format_args!("{collection}:{id}"), &trail))
    }

    /// Returns every element of a collection that is a JSON object, by ascending id.
    pub(crate) fn all(&self, collection: Collection) -> Result<Vec<Node<'m>>, SlideError> {
        self.dependencies.borrow_mut().collections.insert(collection);
        let keys = self.meeting.elements(collection).map(|element| element.key());
        keys.filter_map(|key| self.find(key, Trail::default()).transpose()).collect()
    }

    /// Returns the motions whose recommendation names the motion `id`, by ascending id.
    pub(crate) fn motions_referring_to(&self, id: ElementId) -> Result<Vec<Node<'m>>, SlideError> {
        self.dependencies.borrow_mut().referred_to.insert(id);
        let motions = self.meeting.elements(Collection::Motion).filter(|motion| refers(motion, id));
        motions.filter_map(|motion| self.find(motion.key(), Trail::default()).transpose()).collect()
    }

    /// Returns the JSON text of a configuration value; `null` if it is missing.
    pub(crate) fn config(&self, key: &'static str) -> &'m str {
        self.dependencies.borrow_mut().configs.insert(key);
        self.meeting.config(key).unwrap_or("null")
    }

    /// Returns whether a configuration value is true.
    pub(crate) fn config_is_true(&self, key: &'static str) -> bool {
        self.config(key) == "true"
    }

    /// Returns a configuration value that is an integer, or `missing`.
    pub(crate) fn config_integer(&self, key: &'static str, missing: i64) -> Result<i64, SlideError> {
        match self.config(key) {
            "null" => Ok(missing),
            text => text
                .parse()
                .map_err(|_| SlideError::Internal(format!("the configuration value `{key}` is not an integer"))),
        }
    }
}
