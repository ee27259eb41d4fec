//! What do motions and motion blocks show? (spec: projector.md#motion, projector.md#motion-block)

use serde_json::{Value, json};

use super::{check, check_error, check_internal, config, data, set, user, with};

type Elements = Vec<(&'static str, Value)>;

fn entry() -> Value {
    json!({"name": "motions/motion", "id": 1})
}

/// Motion 1 alone, with these fields.
pub(super) fn motion(fields: Value) -> Elements {
    let motion = json!({"id": 1, "identifier": "A1", "title": "M1", "text": "text", "reason": "reason",
        "modified_final_version": "final"});
    vec![("motions/motion:1", set(motion, fields))]
}

/// What motion 1 alone shows, without configuration.
pub(super) fn shown(fields: Value) -> Value {
    let shown = json!({"identifier": "A1", "title": "M1", "amendment_paragraphs": null, "submitters": [],
        "is_child": false, "base_statute": null, "base_motion": null, "change_recommendations": [], "amendments": [],
        "show_meta_box": true, "line_length": null, "preamble": null, "line_numbering_mode": null,
        "show_referring_motions": true, "recommendation_referencing_motions": null, "text": "text", "reason": "reason"});
    set(shown, fields)
}

fn configs(values: &[(&str, Value)]) -> Elements {
    const KEYS: [&str; 3] = ["core/config:1", "core/config:2", "core/config:3"];
    let elements = KEYS.iter().zip(values).zip(1..);
    elements.map(|((element, (key, value)), id)| (*element, config(id, key, value.clone()))).collect()
}

fn state(id: u64, fields: Value) -> Value {
    set(json!({"id": id, "recommendation_label": format!("R{id}"), "css_class": "blue"}), fields)
}

fn without(mut value: Value, names: &[&str]) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
    value
}

#[test]
fn a_motion_without_anything_around_it() {
    check(&motion(json!({})), entry(), shown(json!({})));
    let bare = json!({"identifier": null, "title": null, "text": null, "reason": null});
    check(&[("motions/motion:1", json!({"id": 1}))], entry(), shown(bare));
}

#[test]
fn submitters_are_ordered_by_weight() {
    let people = [("users/user:1", user(1, "one")), ("users/user:2", user(2, "two"))];
    let list = json!([{"user_id": 2, "weight": 3}, {"user_id": 1, "weight": null}, {"user_id": 2}]);
    let elements = with(&motion(json!({"submitters": list})), &people);
    check(&elements, entry(), shown(json!({"submitters": ["one", "two", "two"]})));
    let elements = motion(json!({"submitters": [{"user_id": 9, "weight": 1}]}));
    check_error(&elements, entry(), "users/user with id 9 does not exist");
}

#[test]
fn the_configuration_decides_what_is_shown() {
    let check_config = |key: &str, value: Value, expected: Value| {
        check(&with(&motion(json!({})), &configs(&[(key, value)])), entry(), expected);
    };
    check_config("motions_line_length", json!(85), shown(json!({"line_length": 85})));
    check_config("motions_preamble", json!("We decide"), shown(json!({"preamble": "We decide"})));
    check_config("motions_default_line_numbering", json!("outside"), shown(json!({"line_numbering_mode": "outside"})));
    check_config("motions_disable_sidebox_on_projector", json!(true), shown(json!({"show_meta_box": false})));
    check_config("motions_disable_sidebox_on_projector", json!(false), shown(json!({})));
    check_config("motions_disable_text_on_projector", json!(true), without(shown(json!({})), &["text"]));
    check_config("motions_disable_reason_on_projector", json!(true), without(shown(json!({})), &["reason"]));
    let hidden = without(shown(json!({"show_referring_motions": false})), &["recommendation_referencing_motions"]);
    check_config("motions_hide_referring_motions", json!(true), hidden);
}

#[test]
fn the_final_version_is_shown_in_final_mode() {
    let mode = |mode: Value| set(entry(), json!({"mode": mode}));
    let last = || shown(json!({"modified_final_version": "final"}));
    let by_config = with(&motion(json!({})), &configs(&[("motions_recommendation_text_mode", json!("final"))]));
    check(&motion(json!({})), mode(json!("final")), last());
    check(&motion(json!({})), mode(json!("original")), shown(json!({})));
    check(&by_config, entry(), last());
    check(&by_config, mode(json!("")), last());
    check(&by_config, mode(json!(null)), last());
    check(&by_config, mode(json!("diff")), shown(json!({})));
    check_internal(&by_config, mode(json!(5)), "the entry: field `mode` is not a string");
}

#[test]
fn a_recommendation_has_a_label_and_a_recommender() {
    let base = with(&motion(json!({"recommendation_id": 3})), &[("motions/state:3", state(3, json!({})))]);
    let recommended = |recommender: Value| json!({"recommendation": "R3", "recommender": recommender});
    check(&base, entry(), shown(recommended(json!(null))));

    let recommenders = [
        ("motions_recommendations_by", json!("Board")),
        ("motions_statute_recommendations_by", json!("Statute board")),
    ];
    let named = with(&base, &configs(&recommenders));
    check(&named, entry(), shown(recommended(json!("Board"))));

    let statute = ("motions/statute-paragraph:4", json!({"id": 4, "title": "S", "text": "s", "weight": 1}));
    let fields = json!({"recommendation_id": 3, "statute_paragraph_id": 4});
    let named = with(&with(&named, &motion(fields)), &[statute]);
    let expected = set(recommended(json!("Statute board")), json!({"base_statute": {"title": "S", "text": "s"}}));
    check(&named, entry(), shown(expected));

    let disabled = with(&base, &configs(&[("motions_disable_recommendation_on_projector", json!(true))]));
    check(&disabled, entry(), shown(json!({})));
    check_internal(
        &motion(json!({"recommendation_id": 3})),
        entry(),
        "motions/state:3 does not exist, needed through `recommendation_id` of motions/motion:1",
    );
}

/// Motion 1 with a recommendation whose extension is shown; motions 2 and 130 exist too.
fn extended(extension: Value) -> Elements {
    let others = [
        ("motions/state:3", state(3, json!({"show_recommendation_extension_field": true}))),
        ("motions/motion:2", json!({"id": 2, "title": "M2", "identifier": null, "text": "t"})),
        ("motions/motion:130", json!({"id": 130, "title": "M130", "identifier": "A130"})),
    ];
    with(&motion(json!({"recommendation_id": 3, "recommendation_extension": extension})), &others)
}

#[test]
fn motions_named_by_the_recommendation_are_told() {
    let two = json!({"title": "M2", "identifier": null});
    let many = json!({"title": "M130", "identifier": "A130"});
    let long = format!("{}[motion:130]", "x[motion:77] ".repeat(5_000));
    for (extension, referenced) in [
        (json!(null), json!({})),
        (json!(""), json!({})),
        (json!("[motion:2]"), json!({"2": two})),
        (json!("if [motion:130] and [motion:2], or [motion:2]"), json!({"2": two, "130": many})),
        (json!("[motion:77] [motion:0] [motion:99999999999999999999] [motion:x]"), json!({})),
        (json!("ü[motion:2]😀"), json!({"2": two})),
        (json!(long), json!({"130": many})),
    ] {
        let expected = json!({"recommendation": "R3", "recommender": null, "recommendation_extension": extension,
            "referenced_motions": referenced});
        check(&extended(extension), entry(), shown(expected));
    }
    let itself = data(&extended(json!("[motion:1]")), &entry());
    assert_eq!(itself["referenced_motions"], json!({"1": {"title": "M1", "identifier": "A1"}}));
    assert_eq!(itself["recommendation_referencing_motions"], json!([{"title": "M1", "identifier": "A1"}]));
    let problem = "motions/motion:1: field `recommendation_extension` is not a string";
    check_internal(&extended(json!(5)), entry(), problem);
}

#[test]
fn motions_whose_recommendation_refers_to_this_one_are_listed() {
    let referring = |id: u64, recommendation: Value, extension: Value| {
        json!({"id": id, "title": format!("M{id}"), "identifier": null, "recommendation_id": recommendation,
            "recommendation_extension": extension})
    };
    let states = [
        ("motions/state:3", state(3, json!({"show_recommendation_extension_field": true}))),
        ("motions/state:4", state(4, json!({"show_recommendation_extension_field": false}))),
        ("motions/state:5", state(5, json!({"show_recommendation_extension_field": "yes"}))),
    ];
    let others = [
        ("motions/motion:130", referring(130, json!(3), json!("see [motion:1] and [motion:1]"))),
        ("motions/motion:2", referring(2, json!(3), json!("[motion:2][motion:1]"))),
        // None of these: no recommendation, a state that does not show it, no such state, another motion, no text.
        ("motions/motion:11", referring(11, json!(null), json!("[motion:1]"))),
        ("motions/motion:12", referring(12, json!(4), json!("[motion:1]"))),
        ("motions/motion:13", referring(13, json!(77), json!("[motion:1]"))),
        ("motions/motion:14", referring(14, json!(3), json!("[motion:11] [motion:001] motion:1"))),
        ("motions/motion:15", referring(15, json!(3), json!(["[motion:1]"]))),
        ("motions/motion:16", referring(16, json!("3"), json!("[motion:1]"))),
        ("motions/motion:17", referring(17, json!(5), json!("[motion:1]"))),
        ("motions/motion:18", json!("[motion:1]")),
    ];
    let elements = with(&with(&motion(json!({})), &states), &others);
    let expected = json!([{"title": "M2", "identifier": null}, {"title": "M130", "identifier": null}]);
    check(&elements, entry(), shown(json!({"recommendation_referencing_motions": expected})));

    // Hidden from everybody because of another field, it refers all the same.
    let odd = set(referring(20, json!(3), json!("[motion:1]")), json!({"state_restriction": 5}));
    let elements = with(&with(&motion(json!({})), &states), &[("motions/motion:20", odd)]);
    let expected = json!([{"title": "M20", "identifier": null}]);
    check(&elements, entry(), shown(json!({"recommendation_referencing_motions": expected})));
}

fn block(ids: Value) -> Elements {
    vec![("motions/motion-block:1", json!({"id": 1, "title": "B", "motions_id": ids, "internal": true}))]
}

#[test]
fn a_block_shows_its_motions_and_their_recommendations() {
    let entry = json!({"name": "motions/motion-block", "id": 1});
    let others = [
        ("motions/state:4", state(4, json!({}))),
        (
            "motions/motion:5",
            json!({"id": 5, "title": "M5", "recommendation_id": 4, "recommendation_extension": "[motion:2]"}),
        ),
        ("motions/motion:6", json!({"id": 6, "title": "M6", "recommendation_id": null})),
    ];
    let base = with(&extended(json!("[motion:130] [motion:77]")), &others);
    let shown =
        |motions: Value, referenced: Value| json!({"title": "B", "motions": motions, "referenced_motions": referenced});
    check(&with(&base, &block(json!([]))), entry.clone(), shown(json!([]), json!({})));
    check(&with(&base, &block(json!(null))), entry.clone(), shown(json!([]), json!({})));
    let motions = json!([
        {"title": "M6", "identifier": null},
        {"title": "M1", "identifier": "A1", "recommendation": {"name": "R3", "css_class": "blue"},
            "recommendation_extension": "[motion:130] [motion:77]"},
        {"title": "M5", "identifier": null, "recommendation": {"name": "R4", "css_class": "blue"}},
    ]);
    let referenced = json!({"130": {"title": "M130", "identifier": "A130"}});
    check(&with(&base, &block(json!([6, 1, 5]))), entry.clone(), shown(motions, referenced));

    check_internal(
        &with(&base, &block(json!([6, 99]))),
        entry.clone(),
        "motions/motion:99 does not exist, needed through `motions_id` of motions/motion-block:1",
    );
    let lost = ("motions/motion:6", json!({"id": 6, "recommendation_id": 99}));
    check_internal(
        &with(&with(&base, &block(json!([6]))), &[lost]),
        entry.clone(),
        "motions/state:99 does not exist, needed through `motions_id` of motions/motion-block:1 → \
         `recommendation_id` of motions/motion:6",
    );
    let problem = "motions/motion-block:1: field `motions_id` is not a list of integers";
    check_internal(&with(&base, &block(json!(["6"]))), entry, problem);
}
