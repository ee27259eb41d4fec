//! What do polls show before and after their result is published?
//! (spec: projector.md#assignment-poll, projector.md#motion-poll)

use serde_json::{Value, json};

use super::{check, check_internal, data, data_of, rendered, set, user, with};

fn election_entry() -> Value {
    json!({"name": "assignments/assignment-poll", "id": 1})
}

fn vote_entry() -> Value {
    json!({"name": "motions/motion-poll", "id": 1})
}

/// The fields that a slide copies from every poll.
fn copied(state: Value) -> Value {
    json!({"title": "P", "type": "named", "pollmethod": "YNA", "state": state, "onehundred_percent_base": "YN",
        "majority_method": "simple", "entitled_users_at_stop": [1]})
}

fn votes() -> Value {
    json!({"votesvalid": "2.000000", "votesinvalid": "0.000000", "votescast": null})
}

fn of_election() -> Value {
    json!({"min_votes_amount": 1, "max_votes_amount": 2, "description": "d"})
}

fn election(state: Value, options: Value, fields: Value) -> Vec<(&'static str, Value)> {
    let own = json!({"id": 1, "assignment_id": 3, "options_id": options, "voted_id": [1], "amount_global_yes": "1.000000",
        "amount_global_no": 0, "amount_global_abstain": null});
    let poll = [votes(), of_election(), own, fields].into_iter().fold(copied(state), set);
    vec![
        ("assignments/assignment-poll:1", poll),
        ("assignments/assignment:3", json!({"id": 3, "title": "E", "phase": 1})),
        ("users/user:1", user(1, "one")),
        ("users/user:2", user(2, "two")),
    ]
}

fn shown_election(state: Value, poll: Value) -> Value {
    json!({"assignment": {"title": "E"}, "poll": set(set(copied(state), of_election()), poll)})
}

fn option(id: u64, user: Value, weight: Value) -> Value {
    json!({"id": id, "user_id": user, "weight": weight, "yes": "1.000000", "no": "0.000000", "abstain": "-2.000000"})
}

const STATES_BEFORE: [i64; 4] = [1, 2, 3, 5];

#[test]
fn an_election_shows_its_result_when_it_is_published() {
    let one = ("assignments/assignment-option:7", option(7, json!(1), json!(1)));
    for state in STATES_BEFORE {
        let elements = with(&election(json!(state), json!([7]), json!({})), std::slice::from_ref(&one));
        let options = json!({"options": [{"user": {"short_name": "one"}}]});
        check(&elements, election_entry(), shown_election(json!(state), options));
    }
    let slide = rendered(&with(&election(json!(4), json!([7]), json!({})), &[one]), &election_entry());
    let options = r#""options":[{"user":{"short_name":"one"},"yes":1.000000,"no":0.000000,"abstain":-2.000000}]"#;
    assert!(slide.json.contains(options), "exactly the decimal: {}", slide.json);
    let globals = json!({"amount_global_yes": "1.000000", "amount_global_no": null, "amount_global_abstain": null});
    let mut expected = shown_election(json!(4), set(globals, votes()));
    let mut shown = data_of(&slide);
    for poll in [&mut expected, &mut shown] {
        poll["poll"]["options"] = json!(null);
    }
    assert_eq!(shown, expected);
}

#[test]
fn candidates_are_ordered_by_weight_then_user_descending() {
    let options = [
        ("assignments/assignment-option:1", option(1, json!(1), json!(2))),
        ("assignments/assignment-option:2", option(2, json!(1), json!(1))),
        ("assignments/assignment-option:3", option(3, json!(2), json!(1))),
        ("assignments/assignment-option:4", option(4, json!(null), json!(1))),
        ("assignments/assignment-option:5", option(5, json!(77), json!(null))),
    ];
    let elements = with(&election(json!(1), json!([1, 2, 3, 99, 4, 5]), json!({})), &options);
    let shown = data(&elements, &election_entry())["poll"]["options"].clone();
    let names = ["", "two", "one", "", "one"].map(|name| json!({"user": {"short_name": name}}));
    assert_eq!(shown, json!(names), "without a weight first; then 2 before 1 before nobody");
}

#[test]
fn an_election_without_candidates_shows_none() {
    for options in [json!([]), json!(null), json!([99])] {
        let elements = election(json!(1), options, json!({}));
        check(&elements, election_entry(), shown_election(json!(1), json!({"options": []})));
    }
}

#[test]
fn only_the_number_zero_is_no_amount() {
    for (amount, expected) in [
        (json!(0), json!(null)),
        (json!(0.0), json!(null)),
        (json!("0"), json!("0")),
        (json!("0.000000"), json!("0.000000")),
        (json!(3), json!(3)),
        (json!(null), json!(null)),
    ] {
        for name in ["amount_global_yes", "amount_global_no", "amount_global_abstain"] {
            let mut fields = json!({});
            fields[name] = amount.clone();
            let shown = data(&election(json!(4), json!([]), fields), &election_entry());
            assert_eq!(shown["poll"][name], expected, "{name}: {amount}");
        }
    }
}

#[test]
fn elections_with_something_missing_are_internal_errors() {
    for (fields, problem) in [
        (
            json!({"assignment_id": 9}),
            "assignments/assignment:9 does not exist, needed through `assignment_id` of assignments/assignment-poll:1",
        ),
        (
            json!({"assignment_id": null}),
            "assignments/assignment does not exist, needed through `assignment_id` of assignments/assignment-poll:1",
        ),
        (json!({"state": "4"}), "assignments/assignment-poll:1: field `state` is not an integer"),
        (json!({"options_id": {}}), "assignments/assignment-poll:1: field `options_id` is not a list of integers"),
    ] {
        check_internal(&election(json!(1), json!([]), fields), election_entry(), problem);
    }
}

fn vote(state: Value, options: Value, fields: Value) -> Vec<(&'static str, Value)> {
    let own = json!({"id": 1, "motion_id": 3, "options_id": options, "voted_id": [1]});
    let poll = [votes(), own, fields].into_iter().fold(copied(state), set);
    let motion = json!({"id": 3, "title": "M", "identifier": "1", "text": "t"});
    vec![("motions/motion-poll:1", poll), ("motions/motion:3", motion)]
}

fn shown_vote(state: Value, poll: Value) -> Value {
    json!({"motion": {"title": "M", "identifier": "1"}, "poll": set(copied(state), poll)})
}

#[test]
fn a_vote_shows_its_result_when_it_is_published() {
    let options = [
        ("motions/motion-option:7", json!({"id": 7, "yes": "3.000000", "no": "", "abstain": null})),
        ("motions/motion-option:8", json!({"id": 8, "yes": "9.000000"})),
    ];
    for state in STATES_BEFORE {
        let elements = with(&vote(json!(state), json!([7]), json!({})), &options);
        check(&elements, vote_entry(), shown_vote(json!(state), json!({})));
    }
    let slide = rendered(&with(&vote(json!(4), json!([7, 8]), json!({})), &options), &vote_entry());
    assert!(slide.json.contains(r#""options":[{"yes":3.000000,"no":null,"abstain":null}],"#), "{}", slide.json);
    let shown = data(&vote(json!(4), json!([]), json!({})), &vote_entry());
    assert_eq!(shown, shown_vote(json!(4), set(votes(), json!({"options": []}))));
}

#[test]
fn votes_with_something_missing_are_internal_errors() {
    for (state, fields, problem) in [
        (
            1,
            json!({"motion_id": 9}),
            "motions/motion:9 does not exist, needed through `motion_id` of motions/motion-poll:1",
        ),
        (
            1,
            json!({"motion_id": null}),
            "motions/motion does not exist, needed through `motion_id` of motions/motion-poll:1",
        ),
        (1, json!({"motion_id": "3"}), "motions/motion-poll:1: field `motion_id` is not an integer"),
        (
            4,
            json!({"options_id": [9]}),
            "motions/motion-option:9 does not exist, needed through `options_id` of motions/motion-poll:1",
        ),
    ] {
        check_internal(&vote(json!(state), json!([]), fields), vote_entry(), problem);
    }
}
