//! Which fields of an element does a viewer not see as they are, and what would show them?

use super::remedies::{Remedy, search};
use crate::element::Element;
use crate::json::Fields;
use crate::meeting::block::BlockEntry;
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;

/// A field of a visible element that the viewer does not see as it is.
#[derive(Clone, Debug)]
pub struct RestrictedField {
    /// Its name.
    pub name: String,
    /// What the rule does with it.
    pub change: FieldChange,
    /// The smallest sets of grants that would show the viewer the field as it is; none if no grant does.
    pub remedies: Vec<Remedy>,
}

/// What a rule does with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldChange {
    /// It is left out.
    Removed,
    /// Only part of it is shown, or something else in its place.
    Changed,
}

/// Returns the fields of the element that `view` does not show as they are. Fields that the same grants would show are
/// adjacent.
pub(super) fn restricted(viewer: &Viewer, entry: &BlockEntry, view: &View) -> Vec<RestrictedField> {
    let element = &*entry.element;
    let names = Fields::of(element.json()).map(|fields| fields.iter().map(|(name, _)| name.to_owned()).collect());
    let names: Vec<String> = names.unwrap_or_default();
    let restricted = names.into_iter().filter_map(|name| {
        let change = change(element, view, &name)?;
        let remedies = search(viewer, entry, |view| self::change(element, view, &name).is_none());
        Some(RestrictedField { name, change, remedies })
    });
    let mut restricted: Vec<_> = restricted.collect();
    restricted.sort_by(|one, other| (one.change, &one.remedies).cmp(&(other.change, &other.remedies)));
    restricted
}

/// Returns what `view` does with the field; `None` if the viewer sees it as it is.
fn change(element: &Element, view: &View, name: &str) -> Option<FieldChange> {
    let mut text = String::new();
    view.render(element, &mut text);
    let (whole, seen) = (Fields::of(element.json()), Fields::of(&text));
    let whole = whole.as_ref().and_then(|fields| fields.raw(name));
    let seen = seen.as_ref().and_then(|fields| fields.raw(name));
    match (whole, seen) {
        (_, None) => Some(FieldChange::Removed),
        (Some(whole), Some(seen)) if is_same(whole, seen) => None,
        _ => Some(FieldChange::Changed),
    }
}

/// Returns whether the values are equal. The order of a list does not count, since that of `voted_id` carries no
/// meaning.
fn is_same(one: &str, other: &str) -> bool {
    let value = |text: &str| match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Array(mut entries)) => {
            entries.sort_by_key(ToString::to_string);
            Some(serde_json::Value::Array(entries))
        }
        Ok(value) => Some(value),
        Err(_) => None,
    };
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}
