//! How does what one user sees differ from what another sees?

use serde_json::{Map, Value, json};

/// Returns the elements that differ, by key: `{"first": whole, "second": null}` where only one of them sees the
/// element, otherwise the fields that differ, each with both values; a field that one does not see is null for that
/// one.
pub(super) fn differences(first: &Map<String, Value>, second: &Map<String, Value>) -> Map<String, Value> {
    let mut differences = Map::new();
    for key in keys(first, second) {
        let difference = match (first.get(&key), second.get(&key)) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => fields(one, other),
            (one, other) => json!({ "first": one, "second": other }),
        };
        if difference != json!({}) {
            differences.insert(key, difference);
        }
    }
    differences
}

fn fields(one: &Map<String, Value>, other: &Map<String, Value>) -> Value {
    let differing = keys(one, other).into_iter().filter(|name| one.get(name) != other.get(name));
    let both = differing.map(|name| {
        let values = json!({ "first": one.get(&name), "second": other.get(&name) });
        (name, values)
    });
    Value::Object(both.collect())
}

/// Returns the keys of both, those of `first` before those that only `second` has.
fn keys(first: &Map<String, Value>, second: &Map<String, Value>) -> Vec<String> {
    first.keys().chain(second.keys().filter(|key| !first.contains_key(*key))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: Value, second: Value, expected: Value) {
        let map = |value: &Value| value.as_object().expect("an object").clone();
        assert_eq!(Value::Object(differences(&map(&first), &map(&second))), expected);
    }

    /// (spec: inspector.md#commands)
    #[test]
    fn only_differences_are_reported_field_by_field() {
        let tag = json!({ "id": 1, "name": "x" });
        check(json!({ "core/tag:1": tag }), json!({ "core/tag:1": tag }), json!({}));
        check(json!({ "core/tag:1": tag }), json!({}), json!({ "core/tag:1": { "first": tag, "second": null } }));
        check(json!({}), json!({ "core/tag:1": tag }), json!({ "core/tag:1": { "first": null, "second": tag } }));
        check(
            json!({ "core/tag:1": { "id": 1, "name": "x", "secret": 5 } }),
            json!({ "core/tag:1": { "id": 1, "name": "y" } }),
            json!({ "core/tag:1": {
                "name": { "first": "x", "second": "y" },
                "secret": { "first": 5, "second": null },
            } }),
        );
    }
}
