//! Which elements can be read at all? Those whose fields have the types that the rules need.

use serde_json::Value;

/// The type that a field must have; missing and null always fit.
enum Shape {
    Boolean,
    Integer,
    Integers,
    Strings,
    BooleanOrIntegers,
    Objects(&'static [(&'static str, Shape)]),
}

/// Returns whether the element can be read. "A field of the wrong type: the element is hidden."
///
/// The rules need the fields that the element's own rule reads; of users and groups, also the fields that the terms of
/// the specification read. An element is an object with an integer `id`, which equals the one in its key.
#[must_use]
pub fn is_sound(key: &str, element: &Value) -> bool {
    let Some((collection, _)) = key.split_once(':') else {
        return false;
    };
    element.is_object()
        && id_of_key(key).is_some()
        && id_of_key(key) == element["id"].as_u64()
        && has_shapes(element, needs_of(collection))
}

/// The id in an element key; `None` if the key is invalid.
#[must_use]
pub fn id_of_key(key: &str) -> Option<u64> {
    let (collection, id) = key.split_once(':')?;
    let id: u64 = id.parse().ok().filter(|id| *id > 0)?;
    (!collection.is_empty() && format!("{collection}:{id}") == key).then_some(id)
}

fn needs_of(collection: &str) -> &'static [(&'static str, Shape)] {
    use Shape::{Boolean, BooleanOrIntegers, Integer, Integers, Objects, Strings};
    const POLL: &[(&str, Shape)] = &[("state", Integer), ("voted_id", Integers)];
    const OPTION: &[(&str, Shape)] = &[("pollstate", Integer)];
    const VOTE: &[(&str, Shape)] = &[("pollstate", Integer), ("user_id", Integer), ("delegated_user_id", Integer)];
    match collection {
        "agenda/item" => &[("is_hidden", Boolean), ("is_internal", Boolean)],
        "agenda/list-of-speakers" => &[("speakers", Objects(&[("user_id", Integer)]))],
        "motions/motion" => &[
            ("state_restriction", Strings),
            ("submitters", Objects(&[("user_id", Integer)])),
            ("comments", Objects(&[("read_groups_id", Integers)])),
        ],
        "motions/motion-block" | "motions/motion-change-recommendation" => &[("internal", Boolean)],
        "motions/motion-comment-section" => &[("read_groups_id", Integers)],
        "mediafiles/mediafile" => &[("inherited_access_groups_id", BooleanOrIntegers)],
        "chat/chat-group" | "chat/chat-message" => &[("read_groups_id", Integers), ("write_groups_id", Integers)],
        "motions/motion-poll" | "assignments/assignment-poll" => POLL,
        "motions/motion-option" | "assignments/assignment-option" => OPTION,
        "motions/motion-vote" | "assignments/assignment-vote" => VOTE,
        "users/user" => &[("groups_id", Integers), ("vote_delegated_from_users_id", Integers)],
        "users/group" => &[("permissions", Strings)],
        "users/personal-note" => &[("user_id", Integer)],
        _ => &[],
    }
}

fn has_shapes(object: &Value, shapes: &[(&str, Shape)]) -> bool {
    shapes.iter().all(|(field, shape)| object[field].is_null() || fits(&object[field], shape))
}

fn fits(value: &Value, shape: &Shape) -> bool {
    let all = |entry_fits: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(entry_fits));
    match shape {
        Shape::Boolean => value.is_boolean(),
        Shape::Integer => value.is_i64(),
        // A null in a list is not an integer.
        Shape::Integers => all(&Value::is_i64),
        Shape::Strings => all(&Value::is_string),
        Shape::BooleanOrIntegers => value.is_boolean() || all(&Value::is_i64),
        Shape::Objects(shapes) => all(&|entry| entry.is_object() && has_shapes(entry, shapes)),
    }
}
