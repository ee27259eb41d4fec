//! What does a motion show of what it amends, and of what amends it? (spec: projector.md#motion)

use serde_json::{Value, json};

use super::motions::{motion, shown};
use super::{check, check_internal, data, with};

fn entry() -> Value {
    json!({"name": "motions/motion", "id": 1})
}

/// A statute paragraph, a parent and an amendment, for all combinations.
fn around() -> [(&'static str, Value); 3] {
    [
        ("motions/statute-paragraph:4", json!({"id": 4, "title": "S", "text": "s", "weight": 1})),
        ("motions/motion:8", json!({"id": 8, "identifier": "P", "title": "Parent", "text": "p", "reason": "r"})),
        ("motions/motion:9", json!({"id": 9, "identifier": "Ä", "title": "Amendment"})),
    ]
}

#[test]
fn every_combination_of_what_a_motion_amends() {
    let amendment = json!([{"id": 9, "identifier": "Ä", "title": "Amendment", "amendment_paragraphs": null,
        "change_recommendations": [], "merge_amendment_into_diff": 0, "merge_amendment_into_final": 0}]);
    let base = json!({"identifier": "P", "title": "Parent", "text": "p"});
    for (statute, parent, paragraphs) in [
        (false, false, false),
        (false, false, true),
        (false, true, false),
        (false, true, true),
        (true, false, false),
        (true, false, true),
        (true, true, false),
        (true, true, true),
    ] {
        let either = |is: bool, value: Value| if is { value } else { json!(null) };
        let fields = json!({"statute_paragraph_id": either(statute, json!(4)), "parent_id": either(parent, json!(8)),
            "amendment_paragraphs": either(paragraphs, json!(["a", null])), "amendments_id": [9]});
        let expected = json!({
            "amendment_paragraphs": either(paragraphs, json!(["a", null])),
            "is_child": parent,
            "base_statute": either(statute, json!({"title": "S", "text": "s"})),
            "base_motion": either(!statute && parent && paragraphs, base.clone()),
            "amendments": if statute || (parent && paragraphs) { json!([]) } else { amendment.clone() },
        });
        check(&with(&motion(fields), &around()), entry(), shown(expected));
    }
}

#[test]
fn what_is_amended_must_exist() {
    check_internal(
        &motion(json!({"statute_paragraph_id": 4})),
        entry(),
        "motions/statute-paragraph:4 does not exist, needed through `statute_paragraph_id` of motions/motion:1",
    );
    check_internal(
        &motion(json!({"parent_id": 8, "amendment_paragraphs": []})),
        entry(),
        "motions/motion:8 does not exist, needed through `parent_id` of motions/motion:1",
    );
    check_internal(
        &motion(json!({"amendments_id": [-3]})),
        entry(),
        "motions/motion:-3 does not exist, needed through `amendments_id` of motions/motion:1",
    );
    // A motion may be its own parent.
    let itself = data(&motion(json!({"parent_id": 1, "amendment_paragraphs": ["a"]})), &entry());
    assert_eq!(itself["base_motion"], json!({"identifier": "A1", "title": "M1", "text": "text"}));
}

#[test]
fn change_recommendations_are_those_that_exist_and_are_not_internal() {
    let recommendation = |id: u64, internal: Value| json!({"id": id, "internal": internal, "text": "<p>ü</p>"});
    let recommendations = [
        ("motions/motion-change-recommendation:5", recommendation(5, json!(false))),
        ("motions/motion-change-recommendation:6", recommendation(6, json!(true))),
        ("motions/motion-change-recommendation:7", recommendation(7, json!(null))),
    ];
    let elements = with(&motion(json!({"change_recommendations_id": [7, 6, 99, 5]})), &recommendations);
    let expected = json!([recommendation(7, json!(null)), recommendation(5, json!(false))]);
    check(&elements, entry(), shown(json!({"change_recommendations": expected})));

    // The amendments of an amendment belong only to that amendment.
    let amendment = json!({"id": 9, "change_recommendations_id": [6, 5]});
    let elements = with(&motion(json!({"amendments_id": [9]})), &[("motions/motion:9", amendment)]);
    let slide = data(&with(&elements, &recommendations), &entry());
    assert_eq!(slide["change_recommendations"], json!([]));
    assert_eq!(slide["amendments"][0]["change_recommendations"], json!([recommendation(5, json!(false))]));

    let wrong = [("motions/motion-change-recommendation:5", recommendation(5, json!("no")))];
    check_internal(
        &with(&motion(json!({"change_recommendations_id": [5]})), &wrong),
        entry(),
        "motions/motion-change-recommendation:5: field `internal` is not a boolean, \
         needed through `change_recommendations_id` of motions/motion:1",
    );
}

/// `into_diff` and `into_final` of an amendment in a state with the first number and a recommendation with the second.
#[track_caller]
fn check_merged(state: Value, recommendation: Value, expected: (u64, u64)) {
    let id = |of: &Value, id: u64| if of == "none" { json!(null) } else { json!(id) };
    let amendment = json!({"id": 9, "state_id": id(&state, 1), "recommendation_id": id(&recommendation, 2)});
    let elements = with(
        &motion(json!({"amendments_id": [9]})),
        &[
            ("motions/motion:9", amendment),
            ("motions/state:1", json!({"id": 1, "merge_amendment_into_final": state})),
            ("motions/state:2", json!({"id": 2, "merge_amendment_into_final": recommendation})),
        ],
    );
    let shown = data(&elements, &entry())["amendments"][0].clone();
    let expected = (json!(expected.0), json!(expected.1));
    assert_eq!((&shown["merge_amendment_into_diff"], &shown["merge_amendment_into_final"]), (&expected.0, &expected.1));
}

#[test]
fn state_and_recommendation_decide_where_an_amendment_is_merged() {
    for recommendation in [json!("none"), json!(-1), json!(0), json!(1)] {
        check_merged(json!("none"), recommendation.clone(), (0, 0));
        check_merged(json!(-1), recommendation.clone(), (0, 0));
        check_merged(json!(1), recommendation.clone(), (1, 1));
        let recommended = u64::from(recommendation == json!(1));
        check_merged(json!(0), recommendation.clone(), (recommended, 0));
        check_merged(json!(null), recommendation, (recommended, 0));
    }
}

#[test]
fn states_of_amendments_must_exist() {
    for (field, id) in [("state_id", 7), ("recommendation_id", 8)] {
        let mut amendment = json!({"id": 9, "state_id": 1});
        amendment[field] = json!(id);
        let state = ("motions/state:1", json!({"id": 1, "merge_amendment_into_final": 0}));
        let elements = with(&motion(json!({"amendments_id": [9]})), &[("motions/motion:9", amendment), state]);
        check_internal(
            &elements,
            entry(),
            &format!(
                "motions/state:{id} does not exist, needed through `amendments_id` of motions/motion:1 → \
                 `{field}` of motions/motion:9"
            ),
        );
    }
}
