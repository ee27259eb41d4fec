//! Which users does somebody see because an element names them? (spec: restriction.md#required-users)

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Elements, id_of_key};

/// Returns the required users of the meeting, each with the permission that makes them visible.
pub(super) fn required_users(elements: &Elements) -> BTreeSet<(i64, &'static str)> {
    elements.iter().flat_map(|(key, element)| required_by(key, element)).collect()
}

/// An element that is none (no object, or not the `id` of its key) requires nobody; one that is hidden because of a
/// field that this table does not need still requires its users.
fn required_by(key: &str, element: &Value) -> Vec<(i64, &'static str)> {
    if !element.is_object() || id_of_key(key).is_none() || id_of_key(key) != element["id"].as_u64() {
        return Vec::new();
    }
    let (users, permission) = match key.split_once(':').map(|(collection, _)| collection) {
        Some("agenda/list-of-speakers") => (entries(element, "speakers"), "agenda.can_see_list_of_speakers"),
        Some("motions/motion") => {
            let submitters = entries(element, "submitters");
            let both = submitters.zip(ids(element, "supporters_id")).map(|(a, b)| [a, b].concat());
            (both, "motions.can_see")
        }
        Some("motions/motion-poll") => (voters(element), "motions.can_see"),
        Some("assignments/assignment") => (entries(element, "assignment_related_users"), "assignments.can_see"),
        Some("assignments/assignment-option") => {
            (id(element, "user_id").map(|user| user.into_iter().collect()), "assignments.can_see")
        }
        Some("assignments/assignment-poll") => (voters(element), "assignments.can_see"),
        _ => return Vec::new(),
    };
    users.unwrap_or_default().into_iter().map(|user| (user, permission)).collect()
}

/// `voted_id` of a poll in state 4 that is not pseudoanonymized; `None`: cannot be read.
fn voters(poll: &Value) -> Option<Vec<i64>> {
    let is_anonymous = match &poll["is_pseudoanonymized"] {
        Value::Null => false,
        Value::Bool(is_anonymous) => *is_anonymous,
        _ => return None,
    };
    if id(poll, "state")? == Some(4) && !is_anonymous { ids(poll, "voted_id") } else { Some(Vec::new()) }
}

/// `<field>[].user_id`
fn entries(element: &Value, field: &str) -> Option<Vec<i64>> {
    let no_entries = Vec::new();
    let list = if element[field].is_null() { &no_entries } else { element[field].as_array()? };
    let users: Option<Vec<_>> =
        list.iter().map(|entry| if entry.is_object() { id(entry, "user_id") } else { None }).collect();
    Some(users?.into_iter().flatten().collect())
}

fn ids(element: &Value, field: &str) -> Option<Vec<i64>> {
    if element[field].is_null() {
        return Some(Vec::new());
    }
    element[field].as_array()?.iter().map(Value::as_i64).collect()
}

fn id(element: &Value, field: &str) -> Option<Option<i64>> {
    if element[field].is_null() { Some(None) } else { element[field].as_i64().map(Some) }
}
