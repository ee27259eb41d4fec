//! Do the rules of agenda/item and agenda/list-of-speakers hold?

use serde_json::{Value, json};

use super::{ADMIN, ANONYMOUS, COLLEAGUE, DELEGATE, Scene};

const ITEM: &str = "agenda/item:1";
const LIST: &str = "agenda/list-of-speakers:1";

/// (spec: restriction.md#agenda-items)
#[test]
fn items_are_hidden_or_shortened_by_permission() {
    const SEE: &str = "agenda.can_see";
    const MANAGE: &str = "agenda.can_manage";
    const INTERNAL: &str = "agenda.can_see_internal_items";
    let permissions: [(&[&str], [bool; 4], &[&str]); 5] = [
        // What is seen of: an ordinary one, a hidden one, an internal one, one that is both; and what is removed.
        (&[SEE], [true, false, false, false], &["duration", "comment"]),
        (&[SEE, INTERNAL], [true, false, true, false], &["comment"]),
        (&[SEE, MANAGE], [true, true, false, false], &["duration"]),
        (&[SEE, MANAGE, INTERNAL], [true, true, true, true], &[]),
        (&[MANAGE, INTERNAL], [false, false, false, false], &[]),
    ];
    for (permissions, seen, removed) in permissions {
        for (kind, (is_hidden, is_internal)) in
            [(false, false), (true, false), (false, true), (true, true)].into_iter().enumerate()
        {
            let item = json!({
                "id": 1, "is_hidden": is_hidden, "is_internal": is_internal, "duration": 5, "comment": "ä", "x": null,
            });
            let scene = Scene::new().with(item, "agenda/item").delegates_may(permissions);
            scene.check(DELEGATE, ITEM, scene.without(ITEM, removed).filter(|_| seen[kind]));
            scene.check_whole(ADMIN, ITEM);
            scene.check_hidden(ANONYMOUS, ITEM);
        }
    }
}

#[test]
fn an_item_that_says_nothing_of_being_hidden_is_not() {
    let scene = Scene::new().delegates_may(&["agenda.can_see"]);
    scene.clone().with(json!({ "id": 1 }), "agenda/item").check_whole(DELEGATE, ITEM);
    scene.with(json!({ "id": 1, "is_hidden": null, "is_internal": null }), "agenda/item").check_whole(DELEGATE, ITEM);
}

fn list_of_speakers() -> Scene {
    let speakers = json!([
        { "id": 1, "user_id": DELEGATE, "note": "mine" },
        { "id": 2, "user_id": COLLEAGUE, "note": "theirs" },
        { "id": 3, "user_id": null, "note": "nobody's" },
        { "id": 4, "note": "nobody's" },
        { "id": 5, "user_id": 0, "note": "nobody's" },
        { "id": 6, "user_id": DELEGATE, "note": null },
        { "id": 7, "user_id": COLLEAGUE },
    ]);
    Scene::new().with(json!({ "id": 1, "closed": false, "speakers": speakers }), "agenda/list-of-speakers")
}

/// The list of speakers with the notes of just these entries.
fn with_notes_of(scene: &Scene, entries: &[u64]) -> Option<Value> {
    let mut list = scene.elements[LIST].clone();
    for speaker in list["speakers"].as_array_mut().expect("a list") {
        if !entries.contains(&speaker["id"].as_u64().expect("an id")) {
            speaker.as_object_mut().expect("an object").remove("note");
        }
    }
    Some(list)
}

/// (spec: restriction.md#lists-of-speakers)
#[test]
fn notes_are_for_their_speaker() {
    const SEE: &str = "agenda.can_see_list_of_speakers";
    let scene = list_of_speakers().delegates_may(&[SEE]).permits(1, &[SEE]);
    scene.check(DELEGATE, LIST, with_notes_of(&scene, &[1, 6]));
    scene.check(COLLEAGUE, LIST, with_notes_of(&scene, &[2]));
    scene.check(super::GUEST, LIST, with_notes_of(&scene, &[]));
    scene.check(ANONYMOUS, LIST, with_notes_of(&scene, &[]));
    scene.check_whole(ADMIN, LIST);
    scene.check_hidden(super::STRANGER, LIST);
    list_of_speakers().check_opened_by(LIST, &[], &[SEE]);

    let managed = scene.delegates_may(&[SEE, "agenda.can_manage_list_of_speakers"]);
    managed.check_whole(DELEGATE, LIST);
    managed.check(ANONYMOUS, LIST, with_notes_of(&managed, &[]));
    list_of_speakers().delegates_may(&["agenda.can_manage_list_of_speakers"]).check_hidden(DELEGATE, LIST);
}

/// (spec: restriction.md#configuration)
#[test]
fn notes_are_for_everyone_only_if_the_configuration_is_true() {
    let scene = list_of_speakers().delegates_may(&["agenda.can_see_list_of_speakers"]);
    let with =
        |key: &str, value: Value| scene.clone().with(json!({ "id": 8, "key": key, "value": value }), "core/config");
    const KEY: &str = "agenda_list_of_speakers_speaker_note_for_everyone";
    with(KEY, json!(true)).check_whole(DELEGATE, LIST);
    for value in [json!(false), Value::Null, json!("true"), json!(1), json!([true])] {
        with(KEY, value).check(DELEGATE, LIST, with_notes_of(&scene, &[1, 6]));
    }
    with("agenda_list_of_speakers", json!(true)).check(DELEGATE, LIST, with_notes_of(&scene, &[1, 6]));
}

#[test]
fn a_list_without_speakers_or_notes_stays_as_it_is() {
    let scene = Scene::new().delegates_may(&["agenda.can_see_list_of_speakers"]);
    for list in [
        json!({ "id": 1 }),
        json!({ "id": 1, "speakers": null }),
        json!({ "id": 1, "speakers": [] }),
        json!({ "id": 1, "speakers": [{ "id": 1, "user_id": COLLEAGUE }] }),
    ] {
        scene.clone().with(list, "agenda/list-of-speakers").check_whole(DELEGATE, LIST);
    }
}
