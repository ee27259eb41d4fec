//! How is a projector rendered as a whole?

use serde_json::{Value, json};

use super::{projector, topic};
use crate::ids::ProjectorId;
use crate::projector::render_projector;
use crate::slide::tests::meeting;

#[track_caller]
fn check(element: Value, expected: Option<Value>, diagnostics: &[&str]) {
    let elements = [("core/projector:1", element), ("topics/topic:1", topic(1, "T"))];
    let rendered = render_projector(&meeting(&elements), ProjectorId(1));
    let shown = rendered.json.map(|json| serde_json::from_str::<Value>(&json).expect("JSON"));
    assert_eq!(shown, expected);
    assert_eq!(rendered.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>(), diagnostics);
}

/// (spec: projector.md#projector-elements)
#[test]
fn every_entry_gives_one_slide_in_order() {
    check(projector(1, json!([])), Some(json!([])), &[]);
    check(json!({"id": 1}), Some(json!([])), &[]);
    check(json!({"id": 1, "elements": null}), Some(json!([])), &[]);
    let entries = json!([{"name": "topics/topic", "id": 1}, {"name": "x"}, 5, {"name": "core/clock", "stable": true}]);
    let expected = json!([
        {"data": {"title": "T", "text": "", "item_number": ""}, "element": {"name": "topics/topic", "id": 1}},
        {"data": {"error": "unknwown slide x"}, "element": {"name": "x"}},
        {"data": {"error": "unknwown slide None"}, "element": 5},
        {"data": {}, "element": {"name": "core/clock", "stable": true}},
    ]);
    check(projector(1, entries), Some(expected), &[]);
}

#[test]
fn a_projector_that_cannot_be_read_does_not_exist() {
    check(json!(5), None, &[]);
    check(json!(null), None, &[]);
    assert_eq!(render_projector(&meeting(&[]), ProjectorId(1)).json, None);
}

#[test]
fn elements_that_are_no_list_are_logged() {
    for elements in [json!({}), json!("x"), json!(5)] {
        let problem = "projector 1, entry 0 of `elements`: field `elements` is not a list";
        check(projector(1, elements), Some(json!([])), &[problem]);
    }
}

#[test]
fn what_is_wrong_with_a_slide_is_logged_with_its_place() {
    let entries = json!([{"name": "core/clock"}, {"name": "topics/topic", "id": 1.5}]);
    let expected = json!([
        {"data": {}, "element": {"name": "core/clock"}},
        {"data": {"error": "Internal error"}, "element": {"name": "topics/topic", "id": 1.5}},
    ]);
    let problem =
        "projector 1, entry 1 of `elements`: field `id` of the entry is neither an integer nor a string".to_owned();
    check(projector(1, entries), Some(expected), &[&problem]);
}

#[test]
fn a_projector_shows_a_limited_number_of_slides() {
    let clock = json!({"name": "core/clock"});
    let slide = |data: Value| json!({"data": data, "element": clock});
    let entries = vec![clock.clone(); 258];
    let mut expected = vec![slide(json!({})); 256];
    expected.extend([slide(json!({"error": "Internal error"})), slide(json!({"error": "Internal error"}))]);
    let problem = "projector 1, entry 256 of `elements`: only 256 slides are rendered, of 258";
    check(projector(1, json!(entries)), Some(json!(expected)), &[problem]);
}

#[test]
fn a_projector_shows_a_limited_amount_of_slides() {
    let message = json!({"id": 1, "message": "x".repeat(12 << 20)});
    let entries = vec![json!({"name": "core/projector-message", "id": 1}); 5];
    let elements = [("core/projector:1", projector(1, json!(entries))), ("core/projector-message:1", message.clone())];
    let rendered = render_projector(&meeting(&elements), ProjectorId(1));
    let shown: Vec<Value> = serde_json::from_str(&rendered.json.expect("it exists")).expect("JSON");
    let is_whole: Vec<bool> = shown.iter().map(|slide| slide["data"] == message).collect();
    assert_eq!(is_whole, [true, true, true, false, false]);
    assert_eq!(shown[3], json!({"data": {"error": "Internal error"}, "element": entries[3]}));
    let problems: Vec<String> = rendered.diagnostics.iter().map(ToString::to_string).collect();
    let problem = "projector 1, entry 3 of `elements`: only 33554432 bytes of slides are rendered, 3 slides of 5";
    assert_eq!(problems, [problem]);
}
