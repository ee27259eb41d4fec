//! How are users named on slides? (spec: projector.md#user-name)

use super::error::{SlideError, Trail};
use super::lookup::Lookup;
use super::node::Node;
use super::text::{Object, quoted};
use super::{Slide, SlideName};
use crate::collection::Collection;

pub(super) fn user(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let user = slide.named_element(SlideName::User, Collection::User)?;
    Ok(Object::new().with("user", &quoted(&full_name_of(&user)?)).finish())
}

/// Returns the user that a slide names; `id` is the value of the field, where nothing counts as 0.
pub(super) fn named_user<'m>(lookup: &Lookup<'m>, id: Option<i64>, trail: Trail) -> Result<Node<'m>, SlideError> {
    let id = id.unwrap_or_default();
    lookup
        .find_id(Collection::User, id, trail)?
        .ok_or_else(|| SlideError::Shown(format!("{} with id {id} does not exist", Collection::User)))
}

/// Returns the name and, if there is one, the structure level, as it appears between the quotes of a JSON string.
pub(super) fn full_name_of(user: &Node<'_>) -> Result<String, SlideError> {
    let mut name = name_of(user)?;
    let level = user.text("structure_level")?;
    if !level.is_empty() {
        name.push_str(" (");
        name.push_str(level);
        name.push(')');
    }
    Ok(name)
}

/// Returns the name, as it appears between the quotes of a JSON string.
pub(super) fn name_of(user: &Node<'_>) -> Result<String, SlideError> {
    let parts = [user.text("title")?, user.text("first_name")?, user.text("last_name")?];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { user.text("username").map(str::to_owned) } else { Ok(parts.join(" ")) }
}

/// Returns the full names of the users that a list of objects names with `user_id`, ordered by `weight`, each as a JSON
/// string.
pub(super) fn names_by_weight(
    lookup: &Lookup<'_>,
    node: &Node<'_>,
    list: &'static str,
) -> Result<Vec<String>, SlideError> {
    let mut users = Vec::new();
    for entry in node.objects(list)? {
        let number = |name| entry.integer(name).map_err(|error| node.wrong(&error));
        users.push((number("weight")?.unwrap_or_default(), number("user_id")?));
    }
    users.sort_by_key(|(weight, _)| *weight);
    let users = users.into_iter().map(|(_, id)| named_user_from(lookup, node, list, id));
    users.map(|user| Ok(quoted(&full_name_of(&user?)?))).collect()
}

fn named_user_from<'m>(
    lookup: &Lookup<'m>,
    node: &Node<'_>,
    list: &'static str,
    id: Option<i64>,
) -> Result<Node<'m>, SlideError> {
    named_user(lookup, id, node.trail_by(list))
}
