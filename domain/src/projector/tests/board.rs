//! Which projectors are rendered again after a change, and which of them show something else?

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Hall, Write, changed, ids, key, projector, topic, topic_projector};
use crate::ids::{ProjectorId, UserId};
use crate::projector::Written;

/// Projectors 1 and 2 show topics 1 and 2, projector 130 shows both.
fn two_topics() -> Vec<(&'static str, Value)> {
    let both = json!([{"name": "topics/topic", "id": 1}, {"name": "topics/topic", "id": 2}]);
    vec![
        ("core/projector:1", topic_projector(1, 1)),
        ("core/projector:2", topic_projector(2, 2)),
        ("core/projector:130", projector(130, both)),
        ("topics/topic:1", topic(1, "one")),
        ("topics/topic:2", topic(2, "two")),
    ]
}

#[test]
fn only_what_is_asked_for_is_on_the_board() {
    let mut hall = Hall::new(&two_topics(), &[2, 77]);
    assert_eq!((hall.json(1), hall.json(77)), (None, None));
    assert_eq!(hall.data(2)["title"], json!("two"));
    hall.wanted = [ProjectorId(1)].into();
    assert_eq!(ids(&hall.write(&[])), [1], "asked for newly");
    assert_eq!(hall.json(2), None);
    assert_eq!(hall.data(1)["title"], json!("one"));
}

/// (spec: projector.md#rendered-once)
#[test]
fn a_change_is_reported_for_the_projectors_that_show_it() {
    let mut hall = Hall::new(&two_topics(), &[1, 2, 130]);
    let mut check =
        |writes: &[Write<'_>], expected: &[u64]| assert_eq!(ids(&hall.write(writes)), expected, "{writes:?}");
    check(&[("topics/topic:1", Some(topic(1, "new")))], &[1, 130]);
    check(&[("topics/topic:2", Some(topic(2, "new")))], &[2, 130]);
    check(&[("topics/topic:3", Some(topic(3, "new")))], &[]);
    check(&[("topics/topic:1", Some(topic(1, "new")))], &[]);
    // The topic has changed, but not what the slide shows of it.
    check(&[("topics/topic:1", Some(json!({"id": 1, "title": "new", "text": "", "more": 1})))], &[]);
    check(&[("topics/topic:1", None)], &[1, 130]);
    check(&[("topics/topic:1", Some(topic(1, "back")))], &[1, 130]);
    check(&[("core/projector:1", Some(topic_projector(1, 2)))], &[1]);
    check(&[("topics/topic:1", Some(topic(1, "else")))], &[130]);
    check(&[("core/projector:2", None)], &[2]);
    check(&[("core/projector:2", Some(topic_projector(2, 2)))], &[2]);
    check(&[("core/projector:3", Some(topic_projector(3, 2)))], &[]);
}

#[test]
fn there_and_back_between_two_boards_is_no_change() {
    let mut hall = Hall::new(&two_topics(), &[1]);
    let there = changed(hall.board.meeting(), &[("topics/topic:1", Some(topic(1, "other")))]);
    let back = Arc::new(changed(&there, &[("topics/topic:1", Some(topic(1, "one")))]));
    assert_eq!(ids(&hall.show(back, Written::Keys(&[key("topics/topic:1")]))), [] as [u64; 0]);
    assert_eq!(hall.board.meeting().change_id().0, 3);
}

#[test]
fn after_a_reset_only_differences_are_reported() {
    let mut hall = Hall::new(&two_topics(), &[1, 2]);
    let mut elements = two_topics();
    elements[3].1 = topic(1, "another meeting");
    let changes = hall.show(Arc::new(super::meeting(&elements)), Written::Everything);
    assert_eq!((ids(&changes), changes.everybody), (vec![1], true));
}

#[test]
fn configuration_values_are_dependencies_missing_or_not() {
    let countdown = json!({"id": 1, "description": "d", "running": false, "countdown_time": 60});
    let elements = [
        ("core/projector:1", projector(1, json!([{"name": "core/countdown", "id": 1}]))),
        ("core/countdown:1", countdown),
    ];
    let mut hall = Hall::new(&elements, &[1]);
    let warning = |key: &str, value: u64| Some(json!({"id": 5, "key": key, "value": value}));
    let name = "agenda_countdown_warning_time";
    for (write, changed, expected) in [
        (warning("other", 1), false, json!(null)),
        (warning(name, 7), true, json!(7)),
        (warning(name, 7), false, json!(7)),
        (warning("other", 7), true, json!(null)),
        (warning(name, 8), true, json!(8)),
        (None, true, json!(null)),
    ] {
        assert_eq!(ids(&hall.write(&[("core/config:5", write)])).contains(&1), changed);
        assert_eq!(hall.data(1)["warning_time"], expected);
    }
}

#[test]
fn a_motion_that_begins_to_refer_is_noticed() {
    let motion = |id: u64, extension: &str| {
        Some(
            json!({"id": id, "title": format!("M{id}"), "recommendation_id": 3, "recommendation_extension": extension}),
        )
    };
    let elements = [
        ("core/projector:1", projector(1, json!([{"name": "motions/motion", "id": 1}]))),
        ("motions/motion:1", json!({"id": 1, "title": "M1"})),
        ("motions/state:3", json!({"id": 3, "show_recommendation_extension_field": true})),
    ];
    let mut hall = Hall::new(&elements, &[1]);
    for (write, changed, expected) in [
        (motion(9, "none"), false, json!(null)),
        (motion(9, "[motion:1]"), true, json!([{"title": "M9", "identifier": null}])),
        (motion(9, "[motion:1]!"), false, json!([{"title": "M9", "identifier": null}])),
        (motion(9, "[motion:2]"), true, json!(null)),
        (motion(9, "[motion:1]"), true, json!([{"title": "M9", "identifier": null}])),
        (None, true, json!(null)),
    ] {
        assert_eq!(ids(&hall.write(&[("motions/motion:9", write)])).contains(&1), changed);
        assert_eq!(hall.data(1)["recommendation_referencing_motions"], expected);
    }
    let _ = hall.write(&[("motions/motion:9", motion(9, "[motion:1]"))]);
    let hidden = json!({"id": 3, "show_recommendation_extension_field": false});
    assert_eq!(ids(&hall.write(&[("motions/state:3", Some(hidden))])), [1]);
}

#[test]
fn a_new_item_of_the_agenda_is_noticed() {
    let elements = [("core/projector:1", projector(1, json!([{"name": "agenda/item-list"}])))];
    let mut hall = Hall::new(&elements, &[1]);
    let item = |kind: u64| Some(json!({"id": 130, "type": kind, "title_information": {}}));
    for (write, changed) in [(item(2), false), (item(1), true), (item(1), false), (None, true)] {
        assert_eq!(ids(&hall.write(&[("agenda/item:130", write)])).contains(&1), changed);
    }
}

#[test]
fn the_reference_projector_is_a_dependency() {
    let elements = [
        (
            "core/projector:1",
            json!({"id": 1, "reference_projector_id": 2, "elements": [{"name": "agenda/current-list-of-speakers"}]}),
        ),
        ("topics/topic:1", json!({"id": 1, "list_of_speakers_id": 4})),
        ("agenda/list-of-speakers:4", json!({"id": 4, "title_information": {"title": "T"}})),
    ];
    let mut hall = Hall::new(&elements, &[1]);
    assert_eq!(hall.data(1), json!({"error": "Internal error"}));
    assert_eq!(ids(&hall.write(&[("core/projector:2", Some(projector(2, json!([]))))])), [1]);
    assert_eq!(hall.data(1), json!({}));
    assert_eq!(ids(&hall.write(&[("core/projector:2", Some(topic_projector(2, 1)))])), [1]);
    assert_eq!(hall.data(1)["title_information"], json!({"title": "T"}));
    assert_eq!(ids(&hall.write(&[("core/projector:2", None)])), [1]);
}

#[test]
fn a_slide_that_reads_its_projector_is_its_own_on_each() {
    let chyron = |id: u64, color: &str| json!({"id": id, "elements": [{"name": "agenda/current-speaker-chyron"}], "chyron_font_color": color});
    let elements = [("core/projector:1", chyron(1, "red")), ("core/projector:2", chyron(2, "blue"))];
    let hall = Hall::new(&elements, &[1, 2]);
    assert_eq!((&hall.data(1)["font_color"], &hall.data(2)["font_color"]), (&json!("red"), &json!("blue")));
}

#[test]
fn problems_are_reported_once_when_a_slide_is_rendered() {
    let broken = json!([{"name": "topics/topic", "id": true}]);
    let elements = [("core/projector:1", projector(1, broken.clone())), ("core/projector:2", projector(2, broken))];
    let mut hall = Hall::new(&elements, &[1, 2]);
    assert_eq!(hall.diagnostics.len(), 1, "the same slide on two projectors is one");
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "t")))]);
    assert_eq!(hall.diagnostics, []);
}

#[test]
fn a_projector_cannot_make_another_one_fail() {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let deep: Value = serde_json::from_str(&deep).expect("JSON");
    let mut elements = two_topics();
    elements
        .push(("core/projector:3", projector(3, json!([deep, {"name": deep}, {"id": deep, "name": "users/user"}]))));
    elements.push(("core/projector:4", json!({"id": 4, "elements": deep})));
    let hall = Hall::new(&elements, &[1, 2, 3, 4, 130]);
    assert_eq!(hall.data(1)["title"], json!("one"));
    assert_eq!(hall.json(3).expect("a projector").as_array().map(Vec::len), Some(3));
}

#[test]
fn viewers_whose_permission_may_have_changed_are_reported() {
    let group = |permissions: Value| Some(json!({"id": 3, "permissions": permissions}));
    let user = |groups: Value| Some(json!({"id": 130, "groups_id": groups, "username": "u"}));
    let mut hall = Hall::new(&two_topics(), &[1]);
    let mut check = |key: &str, write: Option<Value>, everybody: bool, users: &[u64]| {
        let changes = hall.write(&[(key, write)]);
        let expected: Vec<_> = users.iter().copied().map(UserId).collect();
        assert_eq!((changes.everybody, changes.users), (everybody, expected));
    };
    check("users/group:3", group(json!(["motions.can_see"])), false, &[]);
    check("users/group:3", group(json!(["core.can_see_projector"])), true, &[]);
    check("users/group:3", group(json!(["core.can_see_projector", "motions.can_see"])), false, &[]);
    check("users/user:130", user(json!([3])), false, &[130]);
    check("users/user:130", Some(json!({"id": 130, "groups_id": [3], "username": "v"})), false, &[]);
    check("users/user:130", user(json!([])), false, &[130]);
    check("users/group:3", None, true, &[]);
    check("users/user:130", None, false, &[130]);
    check("topics/topic:1", None, false, &[]);
}
