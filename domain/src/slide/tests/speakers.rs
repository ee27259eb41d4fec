//! What does a list of speakers show? (spec: projector.md#list-of-speakers)

use serde_json::{Value, json};

use super::{check, check_error, check_internal, config, data, with};

type Elements = Vec<(&'static str, Value)>;

pub(super) const BEGUN: &str = "2020-11-17T10:00:00+01:00";

pub(super) fn waiting(user: u64, weight: Value) -> Value {
    json!({"user_id": user, "begin_time": null, "end_time": null, "weight": weight, "marked": false})
}

pub(super) fn current(user: u64) -> Value {
    json!({"user_id": user, "begin_time": BEGUN, "end_time": null, "weight": null, "marked": true})
}

pub(super) fn finished(user: u64, end: &str) -> Value {
    json!({"user_id": user, "begin_time": BEGUN, "end_time": end, "weight": null, "marked": false})
}

fn speakers(speakers: Value) -> Elements {
    let list = json!({"id": 1, "speakers": speakers, "closed": false, "title_information": {"title": "T"},
        "content_object": {"collection": "topics/topic", "id": 1}});
    let users = [("users/user:1", 1), ("users/user:2", 2), ("users/user:3", 3), ("users/user:4", 4)];
    let users = users.map(|(key, id)| (key, json!({"id": id, "username": format!("u{id}"), "structure_level": "L"})));
    [&[("agenda/list-of-speakers:1", list)][..], &users[..]].concat()
}

fn limits(last: Value, next: Value) -> Elements {
    vec![
        ("core/config:1", config(1, "agenda_show_last_speakers", last)),
        ("core/config:2", config(2, "agenda_show_next_speakers", next)),
    ]
}

/// The users who are shown as waiting, speaking and finished.
#[track_caller]
fn check_speakers(elements: &Elements, waiting: &[u64], current: Option<u64>, finished: &[u64]) {
    let shown = data(elements, &json!({"name": "agenda/list-of-speakers", "id": 1}));
    let name = |user: &u64| json!(format!("u{user} (L)"));
    let names = |list: &Value| list.as_array().expect("a list").iter().map(|it| it["user"].clone()).collect::<Value>();
    assert_eq!(names(&shown["waiting"]), waiting.iter().map(name).collect::<Value>(), "waiting");
    assert_eq!(shown["current"]["user"], current.as_ref().map_or(json!(null), name), "current");
    assert_eq!(names(&shown["finished"]), finished.iter().map(name).collect::<Value>(), "finished");
}

#[test]
fn a_speaker_is_shown_with_what_matters() {
    let elements = speakers(json!([
        {"id": 5, "user_id": 1, "note": "secret", "weight": 7, "marked": null, "pro_speech": false, "point_of_order": true},
        {"user_id": 2, "begin_time": BEGUN, "pro_speech": true, "marked": "x"},
    ]));
    let expected = json!({
        "waiting": [{"user": "u1 (L)", "marked": null, "point_of_order": true, "pro_speech": false, "weight": 7, "end_time": null}],
        "current": {"user": "u2 (L)", "marked": "x", "point_of_order": false, "pro_speech": true, "weight": null, "end_time": null},
        "finished": [], "content_object_collection": "topics/topic", "title_information": {"title": "T"}, "closed": false,
    });
    check(&elements, json!({"name": "agenda/list-of-speakers", "id": 1}), expected);
}

#[test]
fn an_empty_list_has_no_speakers() {
    let list = ("agenda/list-of-speakers:1", json!({"id": 1}));
    let expected = json!({"waiting": [], "current": null, "finished": [], "content_object_collection": null,
        "title_information": null, "closed": null});
    check(&[list], json!({"name": "agenda/list-of-speakers", "id": 1}), expected);
}

#[test]
fn waiting_speakers_are_ordered_by_weight() {
    let (w, null) = (waiting, json!(null));
    check_speakers(&speakers(json!([w(1, json!(2)), w(2, json!(1))])), &[2, 1], None, &[]);
    check_speakers(
        &speakers(json!([w(1, json!(1)), w(2, null), w(3, json!(0)), w(4, json!(-1)), w(1, json!(1))])),
        &[4, 2, 3, 1, 1],
        None,
        &[],
    );
}

#[test]
fn of_several_current_speakers_the_last_is_shown() {
    check_speakers(&speakers(json!([current(1), current(2), waiting(3, json!(1))])), &[3], Some(2), &[]);
}

#[test]
fn finished_speakers_are_ordered_by_their_end() {
    // 09:30 in UTC comes after 10:00 in Berlin (09:00 in UTC), and before 11:00.
    let list = json!([
        finished(1, "2020-11-17T11:00:00+01:00"),
        finished(2, "2020-11-17T09:30:00Z"),
        finished(3, "2020-11-17T10:00:00.5+01:00"),
        finished(4, "2020-11-17T10:00:00.25+01:00"),
    ]);
    let elements = with(&speakers(list), &limits(json!(9), json!(-1)));
    check_speakers(&elements, &[], None, &[4, 3, 2, 1]);
    // Equal instants stay in their order, however they are written.
    let list = json!([
        finished(2, "2020-11-17T10:00:00+01:00"),
        finished(1, "2020-11-17T09:00:00Z"),
        finished(3, "2020-11-17T09:00:00.000000+00:00"),
    ]);
    check_speakers(&with(&speakers(list), &limits(json!(9), json!(-1))), &[], None, &[2, 1, 3]);
}

#[test]
fn the_configuration_says_how_many_are_shown() {
    let list = json!([
        finished(1, "2020-11-17T10:00:01Z"),
        finished(2, "2020-11-17T10:00:02Z"),
        finished(3, "2020-11-17T10:00:03Z"),
        waiting(1, json!(1)),
        waiting(2, json!(2)),
        waiting(3, json!(3)),
    ]);
    let base = speakers(list);
    let check = |last: i64, next: i64, waiting: &[u64], finished: &[u64]| {
        check_speakers(&with(&base, &limits(json!(last), json!(next))), waiting, None, finished);
    };
    check(0, 0, &[], &[]);
    check(1, 1, &[1], &[3]);
    check(2, 2, &[1, 2], &[2, 3]);
    check(9, 9, &[1, 2, 3], &[1, 2, 3]);
    check(-1, -1, &[1, 2, 3], &[]);
    check_speakers(&base, &[1, 2, 3], None, &[]);
    check_speakers(&with(&base, &limits(json!(null), json!(null))), &[1, 2, 3], None, &[]);
}

#[test]
fn lists_of_speakers_with_something_wrong_are_errors() {
    let entry = json!({"name": "agenda/list-of-speakers", "id": 1});
    check_error(&speakers(json!([waiting(77, json!(1))])), entry.clone(), "users/user with id 77 does not exist");
    check_error(&speakers(json!([{"user_id": null}])), entry.clone(), "users/user with id 0 does not exist");
    for (list, problem) in [
        (json!("x"), "field `speakers` is not a list of objects"),
        (json!([1]), "field `speakers` is not a list of objects"),
        (json!([{"user_id": "1"}]), "field `user_id` is not an integer"),
        (json!([{"user_id": 1, "weight": 1.5}]), "field `weight` is not an integer"),
        (json!([{"user_id": 1, "pro_speech": 1}]), "field `pro_speech` is not a boolean"),
        (json!([{"user_id": 1, "point_of_order": "no"}]), "field `point_of_order` is not a boolean"),
    ] {
        check_internal(&speakers(list), entry.clone(), &format!("agenda/list-of-speakers:1: {problem}"));
    }
    let ended = |end: Value| json!([{"user_id": 1, "begin_time": BEGUN, "end_time": end}]);
    for end in [json!("soon"), json!(5)] {
        let elements = with(&speakers(ended(end)), &limits(json!(1), json!(-1)));
        check_internal(&elements, entry.clone(), "agenda/list-of-speakers:1: field `end_time` is not a time");
    }
    let elements = with(&speakers(json!([])), &limits(json!("1"), json!(-1)));
    check_internal(&elements, entry, "the configuration value `agenda_show_last_speakers` is not an integer");
}

#[test]
fn the_title_has_the_number_of_the_agenda_item() {
    let entry = json!({"name": "agenda/list-of-speakers", "id": 1});
    let topic = |item: Value| ("topics/topic:1", json!({"id": 1, "agenda_item_id": item}));
    let base = speakers(json!([]));
    for (over, expected) in [
        (vec![], json!({"title": "T"})),
        (vec![topic(json!(null))], json!({"title": "T"})),
        (vec![topic(json!(9))], json!({"title": "T"})),
        (vec![topic(json!(9)), ("agenda/item:9", json!({"id": 9}))], json!({"title": "T", "_agenda_item_number": ""})),
        (
            vec![topic(json!(9)), ("agenda/item:9", json!({"id": 9, "item_number": "3"}))],
            json!({"title": "T", "_agenda_item_number": "3"}),
        ),
    ] {
        let shown = data(&with(&base, &over), &entry);
        assert_eq!(shown["title_information"], expected);
        assert_eq!(shown["content_object_collection"], json!("topics/topic"));
    }
    let unknown = json!({"id": 1, "content_object": {"collection": "plugin/thing", "id": 1}, "title_information": {}});
    let shown = data(&[("agenda/list-of-speakers:1", unknown)], &entry);
    assert_eq!(
        (&shown["content_object_collection"], &shown["title_information"]),
        (&json!("plugin/thing"), &json!({}))
    );
}
