//! Is an element hidden, and reported once, if a field that a rule needs has the wrong type? And only then?

use serde_json::{Value, json};

use super::{ADMIN, ANONYMOUS, Scene, seen};
use crate::collection::Collection;
use crate::ids::ElementKey;
use crate::meeting::Meeting;
use crate::testing::strategies::{LOWEST, snapshot};

const NO_BOOLEANS: &str = r#"[0, 1, "true", "", [], {}, 1.5]"#;
const NO_INTEGERS: &str = r#"[true, "1", "", [], [1], {}, 1.5, 1.0, 1e2, 99999999999999999999]"#;
const NO_ID_LISTS: &str = r#"[true, 1, "1", {}, ["1"], [null], [1, null], [true], [[1]], [{}], [1.5], {"0": 1}]"#;
const NO_STRING_LISTS: &str = r#"[true, 1, "motions.can_manage", {}, [1], [null], ["x", null], [[]], [{}]]"#;
const NO_USER_ENTRIES: &str = r#"[true, 1, "x", {}, [1], [null], ["x"], [[]], [{}, 1], [{"user_id": "1"}],
    [{"user_id": 1}, {"user_id": [1]}], [{"user_id": true}], [{"user_id": 1.0}], {"user_id": 1}]"#;

const FIELDS: &[(&str, &str, &str)] = &[
    ("agenda/item", "is_hidden", NO_BOOLEANS),
    ("agenda/item", "is_internal", NO_BOOLEANS),
    ("agenda/list-of-speakers", "speakers", NO_USER_ENTRIES),
    ("motions/motion", "state_restriction", NO_STRING_LISTS),
    ("motions/motion", "submitters", NO_USER_ENTRIES),
    (
        "motions/motion",
        "comments",
        r#"[true, 1, "x", {}, [1], [null], [[]], [{"read_groups_id": 1}], [{"read_groups_id": ["1"]}],
            [{"read_groups_id": [1]}, {"read_groups_id": {}}], [{"read_groups_id": [null]}]]"#,
    ),
    ("motions/motion-block", "internal", NO_BOOLEANS),
    ("motions/motion-change-recommendation", "internal", NO_BOOLEANS),
    ("motions/motion-comment-section", "read_groups_id", NO_ID_LISTS),
    ("motions/motion-poll", "state", NO_INTEGERS),
    ("motions/motion-poll", "voted_id", NO_ID_LISTS),
    ("motions/motion-option", "pollstate", NO_INTEGERS),
    ("motions/motion-vote", "pollstate", NO_INTEGERS),
    ("motions/motion-vote", "user_id", NO_INTEGERS),
    ("motions/motion-vote", "delegated_user_id", NO_INTEGERS),
    ("assignments/assignment-poll", "state", NO_INTEGERS),
    ("assignments/assignment-poll", "voted_id", NO_ID_LISTS),
    ("assignments/assignment-option", "pollstate", NO_INTEGERS),
    ("assignments/assignment-vote", "pollstate", NO_INTEGERS),
    ("assignments/assignment-vote", "user_id", NO_INTEGERS),
    ("assignments/assignment-vote", "delegated_user_id", NO_INTEGERS),
    ("mediafiles/mediafile", "inherited_access_groups_id", r#"[1, "true", {}, ["1"], [null], [true], 1.5]"#),
    ("chat/chat-group", "read_groups_id", NO_ID_LISTS),
    ("chat/chat-group", "write_groups_id", NO_ID_LISTS),
    ("chat/chat-message", "read_groups_id", NO_ID_LISTS),
    ("chat/chat-message", "write_groups_id", NO_ID_LISTS),
    ("users/user", "groups_id", NO_ID_LISTS),
    ("users/user", "vote_delegated_from_users_id", NO_ID_LISTS),
    ("users/group", "permissions", NO_STRING_LISTS),
];

/// (spec: restriction.md#unreadable)
#[test]
fn a_field_of_a_wrong_type_hides_the_element_from_everybody() {
    for (collection, field, values) in FIELDS {
        let values: Vec<Value> = serde_json::from_str(values).expect(values);
        for value in values {
            let key = format!("{collection}:64");
            let scene = Scene::new().with(json!({ "id": 64, *field: value.clone() }), collection);
            for user in [ADMIN, ANONYMOUS] {
                assert_eq!(scene.seen(user, &key), None, "{key} with {field} = {value}");
                scene.check_hidden(user, &key);
            }
            let built = Meeting::load(snapshot(&scene.elements, LOWEST), None);
            let [problem] = &built.problems[..] else {
                panic!("{key} with {field} = {value}: {:?}", built.problems);
            };
            assert_eq!(problem.key, key);
            assert!(problem.text.contains('`'), "{problem:?} names the field");
            assert_eq!(seen(&built.meeting, ADMIN, key.parse().expect("a key")), None);
        }
    }
}

/// (spec: restriction.md#missing-fields)
#[test]
fn a_field_that_is_missing_or_null_hides_nothing() {
    for (collection, field, _) in FIELDS {
        for element in [json!({ "id": 64 }), json!({ "id": 64, *field: null })] {
            let scene = Scene::new().with(element, collection);
            let built = Meeting::load(snapshot(&scene.elements, LOWEST), None);
            assert!(built.problems.is_empty(), "{collection} without {field}: {:?}", built.problems);
            assert!(scene.seen(ADMIN, &format!("{collection}:64")).is_some(), "{collection} without {field}");
        }
    }
}

#[test]
fn fields_that_no_rule_needs_may_have_any_type() {
    for collection in Collection::ALL {
        for value in [json!(1), json!("x"), json!([null]), json!({}), json!(1.5)] {
            let element = json!({
                "id": 64, "title": value, "note": value, "duration": value, "votescast": value, "user_token": value,
                "username": value, "is_pseudoanonymized": value, "supporters_id": value, "name": value, "value": value,
                "assignment_related_users": value,
            });
            let built = Meeting::load(snapshot(&Scene::new().with(element, collection.name()).elements, LOWEST), None);
            assert!(built.problems.is_empty(), "{:?}", built.problems);
            let key = ElementKey::new(collection, 64);
            let is_somebodys_note = collection == Collection::PersonalNote;
            assert_eq!(seen(&built.meeting, ADMIN, key).is_none(), is_somebodys_note, "{key}");
        }
    }
}

#[test]
fn an_element_that_is_not_the_one_of_its_key_is_hidden() {
    for element in
        [json!({}), json!({ "id": 65 }), json!({ "id": "64" }), json!({ "id": null }), json!([64]), json!(64)]
    {
        for collection in Collection::ALL {
            let mut scene = Scene::new();
            let key = format!("{collection}:64");
            scene.elements.insert(key.clone(), element.clone());
            scene.check_hidden(ADMIN, &key);
            scene.check_hidden(ANONYMOUS, &key);
        }
    }
}

#[test]
fn unreadable_users_have_no_rights_and_unreadable_elements_grant_none() {
    let scene = Scene::new().with(json!({ "id": 1 }), "topics/topic").permits(1, &["agenda.can_see"]);
    let damaged = scene.with_user_field(ADMIN, "vote_delegated_from_users_id", json!("x"));
    damaged.check_hidden(ADMIN, "topics/topic:1");
    damaged.check_whole(ANONYMOUS, "topics/topic:1");
    let group = json!({ "id": 1, "permissions": ["agenda.can_see", 1] });
    damaged.with(group, "users/group").check_hidden(ANONYMOUS, "topics/topic:1");
}
