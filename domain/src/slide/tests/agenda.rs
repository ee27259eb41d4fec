//! What does the agenda show? (spec: projector.md#item-list)

use serde_json::{Value, json};

use super::{check, check_internal, data, set};

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

/// (spec: projector.md#item-cycles)
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
