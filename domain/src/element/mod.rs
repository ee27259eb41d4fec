//! What is an element? Its text, and the inputs of its rule, which are read from it once.

pub(crate) mod references;
pub mod requirement;
pub mod rule_inputs;

use std::sync::Arc;

use crate::ids::ElementKey;
use crate::json::{Fields, wire_form};
use requirement::Requirement;
use rule_inputs::RuleInputs;

/// One element of the meeting: immutable, shared by every version of the meeting that has it.
#[derive(Debug)]
pub struct Element {
    key: ElementKey,
    /// In wire form (see [`crate::json`]); `null` if the received text was not this element at all.
    json: Box<str>,
    inputs: RuleInputs,
    requirement: Option<Requirement>,
}

/// An element as it was read, and what was wrong with it.
#[derive(Debug)]
pub struct ReadElement {
    /// The element. One that cannot be read exists, but is hidden from everybody.
    pub element: Arc<Element>,
    /// Why it is hidden from everybody, for the log; names fields, never values.
    pub problem: Option<String>,
}

impl Element {
    /// Reads the element `key` from its JSON text.
    ///
    /// Never fails: an element that cannot be read exists, but nobody may see it (spec: restriction.md#unreadable).
    #[must_use]
    pub fn read(key: ElementKey, text: &[u8]) -> ReadElement {
        match Self::try_read(key, text) {
            Ok(element) => ReadElement { element: Arc::new(element), problem: None },
            Err(Unreadable { json, requirement, problem }) => {
                let element = Self { key, json, inputs: RuleInputs::Unreadable, requirement };
                ReadElement { element: Arc::new(element), problem: Some(problem) }
            }
        }
    }

    fn try_read(key: ElementKey, text: &[u8]) -> Result<Self, Unreadable> {
        let json = wire_form(text).map_err(|error| {
            Unreadable::of(None, format!("is not JSON ({:?} error at column {})", error.classify(), error.column()))
        })?;
        Self::of_wire_form(key, json)
    }

    fn of_wire_form(key: ElementKey, json: String) -> Result<Self, Unreadable> {
        let json = json.into_boxed_str();
        let Some(fields) = Fields::of(&json) else {
            return Err(Unreadable::of(Some(json), "is not a JSON object".to_owned()));
        };
        // What a rule decides about the last one must not be sent with another one.
        if let Some(last_only) = fields.last_of_each() {
            return Self::of_wire_form(key, last_only);
        }
        // An element whose id differs from that in its key is not this element, and nothing of it counts.
        if fields.integer("id").ok().flatten().and_then(|id| u64::try_from(id).ok()) != Some(key.id.0) {
            return Err(Unreadable::of(None, "field `id` is not the id in the key".to_owned()));
        }
        let inputs = RuleInputs::read(key, &fields);
        let requirement = Requirement::read(key, &fields, inputs.as_ref().ok());
        match inputs {
            Ok(inputs) => Ok(Self { key, json, inputs, requirement }),
            Err(problem) => Err(Unreadable { json, requirement, problem: problem.to_string() }),
        }
    }

    /// Returns the key of the element.
    #[must_use]
    pub fn key(&self) -> ElementKey {
        self.key
    }

    /// Returns the whole element, unrestricted, as compact ASCII JSON; `null` if it cannot be read.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns what its rule reads.
    #[must_use]
    pub fn rule_inputs(&self) -> &RuleInputs {
        &self.inputs
    }

    /// Returns which users it makes visible by naming them, if any.
    #[must_use]
    pub fn requirement(&self) -> Option<&Requirement> {
        self.requirement.as_ref()
    }

    /// Returns whether it is hidden from everybody because it could not be read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self.inputs, RuleInputs::Unreadable)
    }
}

/// What is left of an element that cannot be read.
struct Unreadable {
    json: Box<str>,
    requirement: Option<Requirement>,
    problem: String,
}

impl Unreadable {
    fn of(json: Option<Box<str>>, problem: String) -> Self {
        Self { json: json.unwrap_or_else(|| "null".into()), requirement: None, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collection::Collection;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = Element::read(ElementKey::new(Collection::ListOfSpeakers, 1), text.as_bytes());
        assert_eq!((read.element.json(), read.problem), (expected, None), "{text}");
    }

    /// (spec: restriction.md#repeated-fields)
    #[test]
    fn of_a_repeated_field_only_the_last_is_kept() {
        check(r#"{"id":1,"a":{"b":1,"b":2}}"#, r#"{"id":1,"a":{"b":1,"b":2}}"#);
        check(r#"{"id":2,"a":1,"id":1}"#, r#"{"a":1,"id":1}"#);
        check(
            r#"{"id":1,"speakers":[{"user_id":3,"note":"x"}],"a":"\u00e4","\u0073peakers":[],"a":1.50}"#,
            r#"{"id":1,"speakers":[],"a":1.50}"#,
        );
    }
}
