//! What does an entry show that is not as it should be? (spec: projector.md#unknown-slide, projector.md#slide-id)

use serde_json::{Value, json};

use super::{check, check_error, check_internal, data_of, meeting, rendered};
use crate::ids::{ElementKey, ProjectorId};
use crate::slide::{SlideName, render_slide};

/// The slides that need an `id`, with the collection of the element they show.
const WITH_ID: [(SlideName, &str); 11] = [
    (SlideName::ListOfSpeakers, "agenda/list-of-speakers"),
    (SlideName::Assignment, "assignments/assignment"),
    (SlideName::AssignmentPoll, "assignments/assignment-poll"),
    (SlideName::Countdown, "core/countdown"),
    (SlideName::ProjectorMessage, "core/projector-message"),
    (SlideName::Mediafile, "mediafiles/mediafile"),
    (SlideName::Motion, "motions/motion"),
    (SlideName::MotionBlock, "motions/motion-block"),
    (SlideName::MotionPoll, "motions/motion-poll"),
    (SlideName::Topic, "topics/topic"),
    (SlideName::User, "users/user"),
];

#[test]
fn an_entry_without_a_usable_name_is_no_slide() {
    for entry in [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": 5}),
        json!({"name": ["users/user"]}),
        json!(5),
        json!("users/user"),
        json!(null),
        json!([]),
    ] {
        check_error(&[], entry, "unknwown slide None");
    }
}

#[test]
fn a_name_that_is_not_in_the_list_is_named() {
    for name in ["unknown", "users/User", "core/config", " ", "ä\"\\\n😀"] {
        check_error(&[], json!({"name": name}), &format!("unknwown slide {name}"));
    }
}

#[test]
fn a_name_is_read_whatever_its_escapes() {
    let slide = render_slide(&meeting(&[]), ElementKey::projector(ProjectorId(1)), r#"{"name":"core\/cl\u006fck"}"#);
    assert_eq!(&*slide.json, r#"{"data":{},"element":{"name":"core\/cl\u006fck"}}"#);
}

#[test]
fn a_name_that_is_no_text_does_not_break_the_slide() {
    let slide = render_slide(&meeting(&[]), ElementKey::projector(ProjectorId(1)), r#"{"name":"\ud800"}"#);
    assert_eq!(&*slide.json, r#"{"data":{"error":"unknwown slide \ud800"},"element":{"name":"\ud800"}}"#);
}

#[test]
fn the_entry_stands_in_the_slide_byte_for_byte() {
    let entry = r#"{"name":"core/clock","n":1.500,"u":"\u00e4\/"}"#;
    let slide = render_slide(&meeting(&[]), ElementKey::projector(ProjectorId(1)), entry);
    assert_eq!(&*slide.json, format!(r#"{{"data":{{}},"element":{entry}}}"#));
}

#[test]
fn every_slide_has_one_name() {
    assert_eq!(SlideName::ALL.len(), 16);
    for name in SlideName::ALL {
        assert_eq!(SlideName::from_name(name.name()), Some(name));
    }
}

#[test]
fn an_id_is_required() {
    for (name, _) in WITH_ID {
        let what = if name == SlideName::ListOfSpeakers { "list of speakers" } else { name.name() };
        for id in [json!(null), json!(0)] {
            let entry = json!({"name": name.name(), "id": id});
            check_error(&[], entry, &format!("id is required for {what} slide"));
        }
        check_error(&[], json!({"name": name.name()}), &format!("id is required for {what} slide"));
    }
}

#[test]
fn an_id_names_an_element_that_exists() {
    for (name, collection) in WITH_ID {
        for id in [json!(1337), json!(-1), json!(2_147_483_649_u64), json!(u64::MAX)] {
            let entry = json!({"name": name.name(), "id": id});
            check_error(&[], entry, &format!("{collection} with id {id} does not exist"));
        }
        for id in ["a string", "1", "", "ü\"\\"] {
            let entry = json!({"name": name.name(), "id": id});
            check_error(&[], entry, &format!("{collection} with id {id} does not exist"));
        }
        let unreadable = format!("{collection}:7");
        let entry = json!({"name": name.name(), "id": 7});
        check_error(&[(&unreadable, json!([7]))], entry, &format!("{collection} with id 7 does not exist"));
    }
}

/// (spec: projector.md#slide-internal-error)
#[test]
fn an_id_of_another_type_is_an_internal_error() {
    for (name, _) in WITH_ID {
        for id in [json!(1.0), json!(1e2), json!(true), json!(false), json!([1]), json!({"id": 1})] {
            let entry = json!({"name": name.name(), "id": id});
            check_internal(&[], entry, "field `id` of the entry is neither an integer nor a string");
        }
    }
}

#[test]
fn an_id_may_be_of_any_size() {
    for id in [1, 127, 128, 255, 256, 2_147_483_648, 9_007_199_254_740_993, i64::MAX as u64] {
        let key = format!("core/projector-message:{id}");
        let message = json!({"id": id, "message": "m"});
        check(&[(&key, message.clone())], json!({"name": "core/projector-message", "id": id}), message);
    }
}

#[test]
fn text_from_the_meeting_is_ascii_on_the_wire() {
    let user =
        json!({"id": 1, "username": "u", "first_name": "Ada \"X\"", "last_name": "Müller\\", "structure_level": "😀"});
    let slide = rendered(&[("users/user:1", user)], &json!({"name": "users/user", "id": 1}));
    assert!(slide.json.is_ascii());
    assert_eq!(data_of(&slide), json!({"user": "Ada \"X\" Müller\\ (😀)"}));
}

#[test]
fn only_what_a_slide_was_rendered_from_is_a_dependency() {
    let elements: [(&str, Value); 2] = [
        ("topics/topic:1", json!({"id": 1, "title": "T", "agenda_item_id": 7})),
        ("agenda/item:7", json!({"id": 7, "item_number": "3"})),
    ];
    let slide = rendered(&elements, &json!({"name": "topics/topic", "id": 1}));
    let keys: Vec<String> = slide.dependencies.elements().map(|key| key.to_string()).collect();
    assert_eq!(keys, ["agenda/item:7", "topics/topic:1"]);

    let slide = rendered(&[], &json!({"name": "core/countdown", "id": 3}));
    let keys: Vec<String> = slide.dependencies.elements().map(|key| key.to_string()).collect();
    assert_eq!(keys, ["core/countdown:3"], "what is missing is a dependency too");
}

#[test]
fn a_slide_reads_no_more_than_it_may() {
    let motion = json!({"id": 2, "title": "t", "text": "x".repeat(1 << 20), "amendment_paragraphs": ["p"]});
    let ids = vec![2; 40];
    let elements = [("motions/motion:1", json!({"id": 1, "amendments_id": ids})), ("motions/motion:2", motion)];
    check_internal(
        &elements,
        json!({"name": "motions/motion", "id": 1}),
        "reads more than 33554432 bytes of elements, at motions/motion:2, \
         needed through `amendments_id` of motions/motion:1",
    );
}
