//! What do the short slides show?
//! (spec: projector.md#projector-message, projector.md#clock, projector.md#topic, projector.md#user)

use serde_json::{Value, json};

use super::{check, check_error, check_internal, config, set, user};

#[track_caller]
fn check_name(fields: Value, expected: &str) {
    let user = set(json!({"id": 4, "username": "login"}), fields);
    check(&[("users/user:4", user)], json!({"name": "users/user", "id": 4}), json!({"user": expected}));
}

/// (spec: projector.md#user-name, projector.md#user)
#[test]
fn a_user_has_a_full_name() {
    check_name(json!({}), "login");
    check_name(json!({"title": "", "first_name": "", "last_name": "", "structure_level": ""}), "login");
    check_name(json!({"title": null, "first_name": null, "last_name": null, "structure_level": null}), "login");
    check_name(json!({"title": "Dr.", "first_name": "Ada", "last_name": "Müller"}), "Dr. Ada Müller");
    check_name(json!({"first_name": "Ada"}), "Ada");
    check_name(json!({"title": "Dr.", "last_name": "Müller"}), "Dr. Müller");
    check_name(json!({"last_name": "Müller", "structure_level": "North"}), "Müller (North)");
    check_name(json!({"structure_level": "North"}), "login (North)");
    check_name(json!({"username": null}), "");
}

#[test]
fn a_name_of_another_type_is_an_internal_error() {
    let elements = [("users/user:4", json!({"id": 4, "username": "login", "title": 5}))];
    check_internal(&elements, json!({"name": "users/user", "id": 4}), "users/user:4: field `title` is not a string");
}

#[test]
fn what_the_rules_of_restriction_read_does_not_matter_here() {
    let elements = [("users/user:4", json!({"id": 4, "username": "login", "groups_id": "none"}))];
    check(&elements, json!({"name": "users/user", "id": 4}), json!({"user": "login"}));
}

#[test]
fn the_clock_shows_nothing_of_the_meeting() {
    check(&[], json!({"name": "core/clock", "id": "x"}), json!({}));
}

/// (spec: projector.md#countdown)
#[test]
fn a_countdown_shows_when_to_warn() {
    let entry = json!({"name": "core/countdown", "id": 1});
    let countdown = json!({"id": 1, "title": "t", "description": "d", "running": true, "countdown_time": 1605606313.926311, "default_time": 60});
    let shown = |warning: Value| json!({"description": "d", "running": true, "countdown_time": 1605606313.926311, "warning_time": warning});
    check(&[("core/countdown:1", countdown.clone())], entry.clone(), shown(json!(null)));
    let warning = config(5, "agenda_countdown_warning_time", json!(10));
    check(&[("core/countdown:1", countdown), ("core/config:5", warning)], entry.clone(), shown(json!(10)));
    let nulls = json!({"description": null, "running": null, "countdown_time": null, "warning_time": null});
    check(&[("core/countdown:1", json!({"id": 1}))], entry, nulls);
}

/// (spec: projector.md#copied)
#[test]
fn copied_values_keep_their_bytes() {
    let text = r#"{"id":1,"description":"\u00e4\/","running":0.10,"countdown_time":1605606313.92631100000000000001}"#;
    let meeting = super::meeting_of_texts([("core/countdown:1", text)]);
    let projector = crate::ids::ElementKey::projector(crate::ids::ProjectorId(1));
    let slide = crate::slide::render_slide(&meeting, projector, r#"{"name":"core/countdown","id":1}"#);
    let expected = r#"{"data":{"description":"\u00e4\/","running":0.10,"countdown_time":1605606313.92631100000000000001,"warning_time":null},"element":{"name":"core/countdown","id":1}}"#;
    assert_eq!(&*slide.json, expected);
}

#[test]
fn a_message_is_shown_whole() {
    let message = json!({"id": 1, "message": "<p>ü</p>", "more": [1.5, null]});
    check(
        &[("core/projector-message:1", message.clone())],
        json!({"name": "core/projector-message", "id": 1}),
        message,
    );
}

/// (spec: projector.md#mediafile)
#[test]
fn a_mediafile_shows_where_it_is() {
    let entry = json!({"name": "mediafiles/mediafile", "id": 1});
    let file =
        json!({"id": 1, "title": "A", "path": "f/ü.jpg", "mimetype": "image/jpeg", "media_url_prefix": "/media/"});
    let shown = json!({"path": "f/ü.jpg", "mimetype": "image/jpeg", "media_url_prefix": "/media/"});
    check(&[("mediafiles/mediafile:1", file)], entry.clone(), shown);
    let shown = json!({"path": "", "mimetype": "", "media_url_prefix": ""});
    check(&[("mediafiles/mediafile:1", json!({"id": 1, "path": null}))], entry.clone(), shown);
    let diagnostic = "mediafiles/mediafile:1: field `path` is not a string";
    check_internal(&[("mediafiles/mediafile:1", json!({"id": 1, "path": 1}))], entry, diagnostic);
}

#[test]
fn a_topic_shows_the_number_of_its_item() {
    let entry = json!({"name": "topics/topic", "id": 1});
    let topic = json!({"id": 1, "title": "T", "text": "<p>t</p>", "agenda_item_id": 9});
    let shown = |number: Value| json!({"title": "T", "text": "<p>t</p>", "item_number": number});
    for (item, number) in [
        (json!({"id": 9, "item_number": "3a"}), json!("3a")),
        (json!({"id": 9, "item_number": ""}), json!("")),
        (json!({"id": 9, "item_number": null}), json!("")),
        (json!({"id": 9}), json!("")),
    ] {
        check(&[("topics/topic:1", topic.clone()), ("agenda/item:9", item)], entry.clone(), shown(number));
    }
    let without = set(topic.clone(), json!({"agenda_item_id": null}));
    check(&[("topics/topic:1", without)], entry.clone(), shown(json!("")));
    let diagnostic = "agenda/item:9 does not exist, needed through `agenda_item_id` of topics/topic:1";
    check_internal(&[("topics/topic:1", topic)], entry, diagnostic);
}

/// (spec: projector.md#assignment, projector.md#slide-user)
#[test]
fn an_election_shows_its_candidates_by_weight() {
    let entry = json!({"name": "assignments/assignment", "id": 1});
    let assignment = |candidates: Value| {
        json!({"id": 1, "title": "E", "phase": 0, "open_posts": 2, "description": "d", "number_poll_candidates": true,
            "assignment_related_users": candidates, "tags_id": [1]})
    };
    let shown = |candidates: Value| {
        json!({"title": "E", "phase": 0, "open_posts": 2, "description": "d", "number_poll_candidates": true,
            "assignment_related_users": candidates})
    };
    let check = |candidates: Value, expected: Value| {
        let users = [("users/user:1", user(1, "one")), ("users/user:130", user(130, "many"))];
        let elements = [&[("assignments/assignment:1", assignment(candidates))][..], &users[..]].concat();
        check(&elements, entry.clone(), shown(expected));
    };
    check(json!([]), json!([]));
    check(json!(null), json!([]));
    check(
        json!([{"user_id": 130, "weight": 2}, {"user_id": 1, "weight": 1}]),
        json!([{"user": "one"}, {"user": "many"}]),
    );
    // Entries of equal weight, or without one, keep their order.
    check(
        json!([{"user_id": 130, "weight": 0}, {"user_id": 1, "weight": null}, {"user_id": 130}, {"user_id": 1, "weight": -1}]),
        json!([{"user": "one"}, {"user": "many"}, {"user": "one"}, {"user": "many"}]),
    );
    for (id, named) in [(json!(77), "77"), (json!(-1), "-1"), (json!(0), "0"), (json!(null), "0")] {
        let elements = [("assignments/assignment:1", assignment(json!([{"user_id": id, "weight": 1}])))];
        check_error(&elements, entry.clone(), &format!("users/user with id {named} does not exist"));
    }
    for (candidates, diagnostic) in [
        (json!(5), "field `assignment_related_users` is not a list of objects"),
        (json!([5]), "field `assignment_related_users` is not a list of objects"),
        (json!([{"user_id": "1"}]), "field `user_id` is not an integer"),
        (json!([{"user_id": 1, "weight": "1"}]), "field `weight` is not an integer"),
    ] {
        let elements = [("assignments/assignment:1", assignment(candidates)), ("users/user:1", user(1, "one"))];
        check_internal(&elements, entry.clone(), &format!("assignments/assignment:1: {diagnostic}"));
    }
}
