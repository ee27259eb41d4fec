//! How does a slide see an element? Its fields, and the chain of references that led to it.

use std::rc::Rc;

use super::error::{SlideError, Trail};
use super::text::Object;
use crate::ids::ElementKey;
use crate::json::{FieldError, Fields, inside};

/// An element that a slide looked up. Errors about wrong types name the element and the references that led to it.
#[derive(Clone, Debug)]
pub(crate) struct Node<'m> {
    key: ElementKey,
    json: &'m str,
    fields: Rc<Fields<'m>>,
    trail: Trail,
}

impl<'m> Node<'m> {
    pub(super) fn new(key: ElementKey, json: &'m str, fields: Rc<Fields<'m>>, trail: Trail) -> Self {
        Self { key, json, fields, trail }
    }

    pub(crate) fn key(&self) -> ElementKey {
        self.key
    }

    /// The whole element.
    pub(crate) fn json(&self) -> &'m str {
        self.json
    }

    /// Returns the trail extended by one of its fields.
    pub(crate) fn trail_by(&self, field: &'static str) -> Trail {
        self.trail.by(self.key, field)
    }

    /// Returns the text of a field; `null` if it is missing.
    pub(crate) fn copied(&self, name: &str) -> &'m str {
        self.fields.raw(name).unwrap_or("null")
    }

    /// Adds these fields to `object`, unchanged.
    pub(crate) fn copy_to(&self, object: &mut Object, names: &[&str]) {
        for name in names {
            object.add(name, self.copied(name));
        }
    }

    /// Returns a new object of these fields.
    pub(crate) fn copy(&self, names: &[&str]) -> String {
        let mut object = Object::new();
        self.copy_to(&mut object, names);
        object.finish()
    }

    /// Returns whether the field is present and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some()
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, SlideError> {
        self.fields.boolean(name).map_err(|error| self.wrong(&error))
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, SlideError> {
        self.fields.integer(name).map_err(|error| self.wrong(&error))
    }

    /// Reads a list of integers, in order; missing or null is empty.
    pub(crate) fn integers(&self, name: &str) -> Result<Vec<i64>, SlideError> {
        match self.fields.get(name) {
            None => Ok(Vec::new()),
            Some(text) => {
                serde_json::from_str(text).map_err(|_| self.wrong(&FieldError::new(name, "is not a list of integers")))
            }
        }
    }

    /// Reads a string as it appears between its quotes; missing or null is empty.
    pub(crate) fn text(&self, name: &str) -> Result<&'m str, SlideError> {
        match self.fields.get(name) {
            None => Ok(""),
            Some(json) => inside(json).ok_or_else(|| self.wrong(&FieldError::new(name, "is not a string"))),
        }
    }

    /// Reads the objects of a list; missing or null is empty.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Fields<'m>>, SlideError> {
        self.fields.objects(name).map_err(|error| self.wrong(&error))
    }

    /// Reads an object; `None` if it is missing or null.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'m>>, SlideError> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(json) => match Fields::of(json) {
                Some(fields) => Ok(Some(fields)),
                None => Err(self.wrong(&FieldError::new(name, "is not an object"))),
            },
        }
    }

    /// Returns the error that one of its fields has an unusable type.
    pub(crate) fn wrong(&self, error: &FieldError) -> SlideError {
        SlideError::field(self.key, error, &self.trail)
    }
}
