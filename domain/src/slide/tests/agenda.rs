//! What do the agenda and the lists of speakers show? (spec: projector.md, agenda/…)

use serde_json::{Value, json};

use super::{check, check_error, check_internal, config, data, set, user, with};

type Elements = Vec<(&'static str, Value)>;

fn item(id: u64, weight: Value, parent: Value, kind: Value) -> Value {
    json!({"id": id, "item_number": format!("N{id}"), "title_information": {"title": format!("T{id}")}, "type": kind,
        "weight": weight, "parent_id": parent, "content_object": {"collection": "topics/topic", "id": id}})
}

/// Items given by id, weight, parent and type; the numbers and depths that are shown.
#[track_caller]
fn check_tree(items: &[(u64, Value, Value, Value)], expected: &[(&str, u64)], main: &[&str]) {
    let elements: Vec<(String, Value)> = items
        .iter()
        .map(|(id, weight, parent, kind)| {
            (format!("agenda/item:{id}"), item(*id, weight.clone(), parent.clone(), kind.clone()))
        })
        .collect();
    let elements: Vec<(&str, Value)> = elements.iter().map(|(key, item)| (key.as_str(), item.clone())).collect();
    let number = |item: &Value| item["title_information"]["_agenda_item_number"].as_str().map(str::to_owned);

    let tree = data(&elements, &json!({"name": "agenda/item-list"}));
    let shown = tree["items"].as_array().expect("a list");
    let shown: Vec<_> = shown.iter().map(|item| (number(item).expect("a number"), item["depth"].as_u64())).collect();
    let shown: Vec<_> = shown.iter().map(|(number, depth)| (number.as_str(), depth.expect("a depth"))).collect();
    assert_eq!(shown, expected);

    let flat = data(&elements, &json!({"name": "agenda/item-list", "only_main_items": true}));
    let shown = flat["items"].as_array().expect("a list");
    assert!(shown.iter().all(|item| item.get("depth").is_none()));
    assert_eq!(shown.iter().map(|item| number(item).expect("a number")).collect::<Vec<_>>(), main);
}

#[test]
fn the_agenda_is_a_tree_by_weight_then_id() {
    let (none, one) = (json!(null), json!(1));
    check_tree(&[], &[], &[]);
    check_tree(
        &[
            (1, json!(2), none.clone(), one.clone()),
            (2, json!(1), none.clone(), one.clone()),
            (3, json!(1), json!(1), one.clone()),
            (130, json!(1), json!(1), one.clone()),
            (5, json!(-1), json!(130), one.clone()),
            (6, json!(1), json!(0), one.clone()),
        ],
        &[("N2", 0), ("N6", 0), ("N1", 0), ("N3", 1), ("N130", 1), ("N5", 2)],
        &["N2", "N6", "N1"],
    );
    // No weight counts as 0.
    check_tree(
        &[(1, json!(1), none.clone(), one.clone()), (2, none.clone(), none.clone(), one.clone())],
        &[("N2", 0), ("N1", 0)],
        &["N2", "N1"],
    );
}

#[test]
fn below_a_hidden_or_missing_item_nothing_is_shown() {
    let (none, one) = (json!(null), json!(1));
    check_tree(
        &[
            (1, json!(1), none.clone(), json!(2)),
            (2, json!(1), json!(1), one.clone()),
            (3, json!(1), json!(2), one.clone()),
            (4, json!(1), json!(77), one.clone()),
            (5, json!(1), json!(-1), one.clone()),
            (6, json!(1), none.clone(), json!(null)),
            (7, json!(1), none.clone(), one.clone()),
        ],
        &[("N7", 0)],
        &["N7"],
    );
}

#[test]
fn cycles_hang_nothing_and_show_nothing() {
    let (none, one) = (json!(null), json!(1));
    check_tree(
        &[
            (1, json!(1), json!(1), one.clone()),
            (2, json!(1), json!(3), one.clone()),
            (3, json!(1), json!(2), one.clone()),
            (4, json!(1), json!(3), one.clone()),
            (5, json!(1), none, one.clone()),
        ],
        &[("N5", 0)],
        &["N5"],
    );
}

#[test]
fn a_deep_agenda_is_no_danger() {
    let texts: Vec<(String, String)> = (1..=20_000_u64)
        .map(|id| {
            let parent = if id == 1 { json!(null) } else { json!(id - 1) };
            (format!("agenda/item:{id}"), json!({"id": id, "type": 1, "parent_id": parent}).to_string())
        })
        .collect();
    let meeting = super::meeting_of_texts(texts.iter().map(|(key, text)| (key.as_str(), text.as_str())));
    let projector = crate::ids::ElementKey::projector(crate::ids::ProjectorId(1));
    let slide = crate::slide::render_slide(&meeting, projector, r#"{"name":"agenda/item-list"}"#);
    assert!(slide.json.contains(r#""depth":19999"#));
}

#[test]
fn an_item_shows_its_title_information_and_collection() {
    let entry = json!({"name": "agenda/item-list", "only_main_items": true});
    for (fields, expected) in [
        (
            json!({"title_information": {"title": "ü", "n": 1.5}, "item_number": "1"}),
            json!({"title_information": {"title": "ü", "n": 1.5, "_agenda_item_number": "1"}, "collection": "c"}),
        ),
        (
            json!({"title_information": {"_agenda_item_number": "old", "ä\"": 1}, "item_number": null}),
            json!({"title_information": {"_agenda_item_number": "", "ä\"": 1}, "collection": "c"}),
        ),
        (json!({}), json!({"title_information": {"_agenda_item_number": ""}, "collection": "c"})),
        (
            json!({"content_object": null}),
            json!({"title_information": {"_agenda_item_number": ""}, "collection": null}),
        ),
    ] {
        let item = set(json!({"id": 1, "type": 1, "content_object": {"collection": "c", "id": 1}}), fields);
        check(&[("agenda/item:1", item)], entry.clone(), json!({"items": [expected]}));
    }
}

#[test]
fn items_of_wrong_types_are_internal_errors() {
    let entry = json!({"name": "agenda/item-list"});
    for (fields, problem) in [
        (json!({"type": "1"}), "field `type` is not an integer"),
        (json!({"weight": "1"}), "field `weight` is not an integer"),
        (json!({"parent_id": [1]}), "field `parent_id` is not an integer"),
        (json!({"title_information": "t"}), "field `title_information` is not an object"),
        (json!({"content_object": 5}), "field `content_object` is not an object"),
    ] {
        let item = set(json!({"id": 1, "type": 1}), fields);
        check_internal(&[("agenda/item:1", item)], entry.clone(), &format!("agenda/item:1: {problem}"));
    }
    let entry = json!({"name": "agenda/item-list", "only_main_items": "yes"});
    check_internal(&[], entry, "the entry: field `only_main_items` is not a boolean");
    // One that is not an object is not an item.
    check(&[("agenda/item:1", json!("x"))], json!({"name": "agenda/item-list"}), json!({"items": []}));
}

const BEGUN: &str = "2020-11-17T10:00:00+01:00";

fn waiting(user: u64, weight: Value) -> Value {
    json!({"user_id": user, "begin_time": null, "end_time": null, "weight": weight, "marked": false})
}

fn current(user: u64) -> Value {
    json!({"user_id": user, "begin_time": BEGUN, "end_time": null, "weight": null, "marked": true})
}

fn finished(user: u64, end: &str) -> Value {
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
fn an_empty_list_has_nobody() {
    let list = ("agenda/list-of-speakers:1", json!({"id": 1}));
    let expected = json!({"waiting": [], "current": null, "finished": [], "content_object_collection": null,
        "title_information": null, "closed": null});
    check(&[list], json!({"name": "agenda/list-of-speakers", "id": 1}), expected);
}

#[test]
fn those_who_wait_are_ordered_by_weight() {
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
fn of_several_who_speak_the_last_is_shown() {
    check_speakers(&speakers(json!([current(1), current(2), waiting(3, json!(1))])), &[3], Some(2), &[]);
}

#[test]
fn those_who_have_spoken_are_ordered_by_the_instant_they_ended() {
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

fn projector(id: u64, reference: Value, elements: Value) -> Value {
    json!({"id": id, "reference_projector_id": reference, "elements": elements,
        "chyron_background_color": format!("#{id}"), "chyron_font_color": "#fff"})
}

/// Topics 1 and 2 have a list of speakers (1, of user 1; 2, of user 2), topic 3 names one that does not exist.
fn projected(projectors: &[(&'static str, Value)]) -> Elements {
    let list = |id: u64| json!({"id": id, "speakers": [current(id)], "title_information": {"title": format!("T{id}")}});
    let base = [
        ("agenda/list-of-speakers:1", list(1)),
        ("agenda/list-of-speakers:2", list(2)),
        ("topics/topic:1", json!({"id": 1, "list_of_speakers_id": 1})),
        ("topics/topic:2", json!({"id": 2, "list_of_speakers_id": 2})),
        ("topics/topic:3", json!({"id": 3, "list_of_speakers_id": 77})),
        ("topics/topic:4", json!({"id": 4, "list_of_speakers_id": null})),
        ("users/user:1", user(1, "u1")),
        ("users/user:2", json!({"id": 2, "username": "x", "title": "T", "last_name": "L", "structure_level": "S"})),
    ];
    [&base[..], projectors].concat()
}

const TOPIC: &str = "topics/topic";

#[track_caller]
fn check_current(projectors: &[(&'static str, Value)], title: Option<&str>) {
    let elements = projected(projectors);
    for name in ["agenda/current-list-of-speakers", "agenda/current-list-of-speakers-overlay"] {
        let shown = data(&elements, &json!({"name": name, "stable": true}));
        match title {
            Some(title) => assert_eq!(shown["title_information"]["title"], json!(title), "{name}"),
            None => assert_eq!(shown, json!({}), "{name}"),
        }
    }
}

#[test]
fn the_current_list_is_that_of_the_first_element_that_has_one() {
    let own = |elements: Value| [("core/projector:1", projector(1, json!(null), elements))];
    let of = |id: u64| json!({"name": TOPIC, "id": id});
    check_current(&own(json!([])), None);
    check_current(&own(json!(null)), None);
    check_current(&own(json!([of(1)])), Some("T1"));
    check_current(&own(json!([of(2), of(1)])), Some("T2"));
    check_current(&own(json!([of(3), of(4), of(99), of(1)])), Some("T1"));
    check_current(&own(json!([of(3), of(4)])), None);
    check_current(
        &own(
            json!([{"name": TOPIC}, {"name": TOPIC, "id": null}, {"name": TOPIC, "id": 0}, {"name": TOPIC, "id": -1}, of(2)]),
        ),
        Some("T2"),
    );
    check_current(
        &own(
            json!([5, null, [], {"id": 1}, {"name": 7, "id": 1}, {"name": "x", "id": 1}, {"name": TOPIC, "id": u64::MAX}, of(1)]),
        ),
        Some("T1"),
    );
}

#[test]
fn an_id_that_is_no_integer_is_an_error_wherever_it_stands() {
    for id in [json!("1"), json!(1.5), json!(1.0), json!(true), json!([]), json!({})] {
        for elements in [
            json!([{"name": TOPIC, "id": id}]),
            json!([{"name": TOPIC, "id": 1}, {"name": "anything", "id": id}]),
            json!([{"name": TOPIC, "id": 1}, {"id": id}]),
        ] {
            let elements = projected(&[("core/projector:1", projector(1, json!(1), elements))]);
            for name in [
                "agenda/current-list-of-speakers",
                "agenda/current-list-of-speakers-overlay",
                "agenda/current-speaker-chyron",
            ] {
                check_error(&elements, json!({"name": name}), "elements.id is not an int.");
            }
        }
    }
}

#[test]
fn the_reference_projector_decides() {
    let shows = |topic: u64| json!([{"name": TOPIC, "id": topic}]);
    let two = ("core/projector:2", projector(2, json!(1), shows(2)));
    for (reference, title) in [(json!(2), "T2"), (json!(1), "T1"), (json!(0), "T1"), (json!(null), "T1")] {
        check_current(&[("core/projector:1", projector(1, reference, shows(1))), two.clone()], Some(title));
    }
    let own = json!({"id": 1, "elements": shows(1)});
    check_current(&[("core/projector:1", own), two], Some("T1"));
}

#[test]
fn a_projector_that_is_needed_and_missing_is_an_internal_error() {
    for name in ["agenda/current-list-of-speakers", "agenda/current-speaker-chyron"] {
        let elements = projected(&[("core/projector:1", projector(1, json!(7), json!([])))]);
        check_internal(
            &elements,
            json!({"name": name}),
            "core/projector:7 does not exist, needed through `reference_projector_id` of core/projector:1",
        );
        let elements = projected(&[("core/projector:1", projector(1, json!("7"), json!([])))]);
        let problem = "core/projector:1: field `reference_projector_id` is not an integer";
        check_internal(&elements, json!({"name": name}), problem);
        let elements = projected(&[("core/projector:1", projector(1, json!(0), json!({})))]);
        check_internal(&elements, json!({"name": name}), "core/projector:1: field `elements` is not a list");
    }
}

#[test]
fn the_chyron_names_who_speaks() {
    let entry = json!({"name": "agenda/current-speaker-chyron"});
    let shows = |topic: u64| json!([{"name": TOPIC, "id": topic}]);
    let on = |topic: u64| projected(&[("core/projector:1", projector(1, json!(0), shows(topic)))]);
    let colors = json!({"background_color": "#1", "font_color": "#fff"});
    check(&on(99), entry.clone(), colors.clone());
    check(&on(1), entry.clone(), set(colors.clone(), json!({"current_speaker_name": "u1"})));
    let named = set(colors.clone(), json!({"current_speaker_name": "T L", "current_speaker_level": "S"}));
    check(&on(2), entry.clone(), named);

    let list = |speakers: Value| [("agenda/list-of-speakers:1", json!({"id": 1, "speakers": speakers}))];
    let idle = list(json!([waiting(1, json!(1)), finished(1, BEGUN)]));
    check(&with(&on(1), &idle), entry.clone(), colors.clone());
    // The same one as on the list of speakers: the last.
    let two = list(json!([current(1), current(2)]));
    let named = set(colors, json!({"current_speaker_name": "T L", "current_speaker_level": "S"}));
    check(&with(&on(1), &two), entry.clone(), named);
    check_error(&with(&on(1), &list(json!([current(77)]))), entry, "users/user with id 77 does not exist");
}

#[test]
fn the_chyron_has_the_colors_of_its_own_projector() {
    let elements = projected(&[
        ("core/projector:1", projector(1, json!(2), json!([]))),
        ("core/projector:2", json!({"id": 2, "elements": [{"name": TOPIC, "id": 1}]})),
    ]);
    let expected = json!({"background_color": "#1", "font_color": "#fff", "current_speaker_name": "u1"});
    check(&elements, json!({"name": "agenda/current-speaker-chyron"}), expected);
}
