//! Which list of speakers is the current one, and who speaks?
//! (spec: projector.md#current-list-of-speakers, projector.md#chyron)

use serde_json::{Value, json};

use super::speakers::{BEGUN, current, finished, waiting};
use super::{check, check_error, check_internal, data, set, user, with};

type Elements = Vec<(&'static str, Value)>;

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

/// (spec: projector.md#chyron)
#[test]
fn the_chyron_names_the_current_speaker() {
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
    // As on the list of speakers, the last one is shown.
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
