use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::meeting::view_in;
use crate::restriction::view::View;
use crate::testing::oracle::Elements;
use crate::testing::strategies::{LOWEST, VIEWERS, cases, meeting, snapshot};

fn load(elements: &Elements) -> Meeting {
    Meeting::load(snapshot(elements, LOWEST), None).meeting
}

fn user(id: u64) -> Option<UserId> {
    (id != 0).then_some(UserId(id))
}

fn view_of(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> View {
    view_in(meeting, viewer, key)
}

/// A meeting in which Delegates (3) have these permissions, with further elements.
fn scene(permissions: &[&str], others: &[(&str, Value)]) -> Meeting {
    let mut elements = Elements::from([
        ("users/group:2".to_owned(), json!({ "id": 2, "name": "Admin", "permissions": [] })),
        ("users/group:3".to_owned(), json!({ "id": 3, "name": "Delegates", "permissions": permissions })),
        ("users/group:4".to_owned(), json!({ "id": 4, "name": "Staff", "permissions": [] })),
        ("users/user:1".to_owned(), json!({ "id": 1, "groups_id": [2] })),
        ("users/user:5".to_owned(), json!({ "id": 5, "groups_id": [3] })),
    ]);
    elements.extend(others.iter().map(|(key, element)| ((*key).to_owned(), element.clone())));
    load(&elements)
}

#[track_caller]
fn check(meeting: &Meeting, id: u64, key: &str, expected: &[&str]) {
    let explanation = explain(meeting, user(id), key.parse().expect(key));
    assert_eq!(explanation.lines(meeting), expected, "user {id} and {key}");
}

/// (spec: inspector.md#explanation)
#[test]
fn a_hidden_element_is_explained_by_what_its_rule_asked_for_in_vain() {
    let motion = json!({ "id": 3, "state_id": 2, "state_restriction": ["motions.can_see_internal", "is_submitter"],
        "submitters": [{ "user_id": 9 }], "comments": [] });
    let state = ("motions/state:2", json!({ "id": 2, "name": "in review" }));
    let meeting = scene(&["motions.can_see"], &[("motions/motion:3", motion), state]);
    check(
        &meeting,
        5,
        "motions/motion:3",
        &[
            "motions/motion:3 is hidden from user 5 (Delegates (3)).",
            "The rule (restriction.md#motions) asked:",
            "  the permission motions.can_see? yes, by Delegates (3)",
            "  the permission motions.can_manage? no",
            "  one of motions.can_see_internal (state_restriction of the state \"in review\")? no",
            "  one of the users whom the element is about? no",
            "It would be visible with motions.can_manage, or with motions.can_see_internal, or to user 9, whom it is about.",
        ],
    );
    check(
        &meeting,
        1,
        "motions/motion:3",
        &[
            "motions/motion:3 is visible to user 1 (Admin (2)), with all fields.",
            "The rule (restriction.md#motions) asked:",
            "  the permission motions.can_see? yes, as superadmin",
            "  the permission motions.can_manage? yes, as superadmin",
        ],
    );
}

/// (spec: inspector.md#explanation)
#[test]
fn a_remedy_may_take_several_rights() {
    let item = json!({ "id": 1, "is_hidden": true, "is_internal": false, "comment": "", "duration": 5 });
    let meeting = scene(&[], &[("agenda/item:1", item)]);
    let explanation = explain(&meeting, user(5), "agenda/item:1".parse().expect("a key"));
    let both = [Permission::AgendaCanSee, Permission::AgendaCanManage].map(Grant::Permission);
    assert_eq!(explanation.remedies, [Remedy::from(both)]);
}

/// (spec: inspector.md#explanation)
#[test]
fn a_missing_field_is_explained_by_what_would_show_it() {
    let item = json!({ "id": 1, "is_hidden": false, "is_internal": false, "comment": "secret", "duration": 5 });
    let meeting = scene(&["agenda.can_see"], &[("agenda/item:1", item)]);
    check(
        &meeting,
        5,
        "agenda/item:1",
        &[
            "agenda/item:1 is visible in part to user 5 (Delegates (3)).",
            "The rule (restriction.md#agenda-items) asked:",
            "  the permission agenda.can_manage? no",
            "  the permission agenda.can_see_internal_items? no",
            "  the permission agenda.can_see? yes, by Delegates (3)",
            "The field `comment` is removed.",
            "  It would be shown with agenda.can_manage.",
            "The field `duration` is removed.",
            "  It would be shown with agenda.can_see_internal_items.",
        ],
    );
}

/// (spec: inspector.md#explanation)
#[test]
fn groups_that_an_element_names_are_told_by_name() {
    let group = json!({ "id": 7, "read_groups_id": [4], "write_groups_id": [] });
    check(
        &scene(&[], &[("chat/chat-group:7", group)]),
        5,
        "chat/chat-group:7",
        &[
            "chat/chat-group:7 is hidden from user 5 (Delegates (3)).",
            "The rule (restriction.md#chat) asked:",
            "  the permission chat.can_manage? no",
            "  one of the groups Staff (4) (read_groups_id, write_groups_id)? no",
            "It would be visible with chat.can_manage, or with membership in Staff (4).",
        ],
    );
}

/// (spec: inspector.md#remedies)
#[test]
fn a_remedy_may_be_another_user_or_another_configuration() {
    let note = json!({ "id": 4, "user_id": 9 });
    let notes = |user: u64| json!({ "user_id": user, "note": "secret" });
    let list = json!({ "id": 8, "speakers": [notes(9), { "user_id": 1 }] });
    let meeting = scene(
        &["agenda.can_see_list_of_speakers"],
        &[("users/personal-note:4", note), ("agenda/list-of-speakers:8", list)],
    );
    check(
        &meeting,
        1,
        "users/personal-note:4",
        &[
            "users/personal-note:4 is hidden from user 1 (Admin (2)).",
            "The rule (restriction.md#personal-notes) asked:",
            "  one of the users whom the element is about? no",
            "It would be visible to user 9, whom it is about.",
        ],
    );
    let explanation = explain(&meeting, user(5), "agenda/list-of-speakers:8".parse().expect("a key"));
    assert_eq!(
        explanation.lines(&meeting).last().map(String::as_str),
        Some(
            "  It would be shown with the configuration value agenda_list_of_speakers_speaker_note_for_everyone true, \
             or with agenda.can_manage_list_of_speakers, or to user 9, whom it is about."
        )
    );
}

/// (spec: inspector.md#explanation)
#[test]
fn elements_that_nothing_would_show_are_reported_as_such() {
    let meeting = scene(&[], &[("users/personal-note:4", json!({ "id": 4, "user_id": null }))]);
    let explanation = explain(&meeting, user(1), "users/personal-note:4".parse().expect("a key"));
    let lines = explanation.lines(&meeting);
    assert_eq!(lines.last().map(String::as_str), Some("No further right would make it visible."), "{lines:?}");
}

/// (spec: inspector.md#explanation)
#[test]
fn a_user_is_explained_by_the_elements_that_require_it() {
    let list = json!({ "id": 8, "speakers": [{ "user_id": 9 }] });
    let meeting = scene(
        &["agenda.can_see_list_of_speakers"],
        &[("agenda/list-of-speakers:8", list), ("users/user:9", json!({ "id": 9, "username": "nine" }))],
    );
    let explanation = explain(&meeting, user(5), "users/user:9".parse().expect("a key"));
    assert_eq!(
        explanation.required_by,
        [RequiredBy {
            key: "agenda/list-of-speakers:8".parse().expect("a key"),
            permission: Permission::AgendaCanSeeListOfSpeakers,
            viewer_has_it: true
        }]
    );
    assert_ne!(explanation.verdict, Verdict::Hidden);
}

/// (spec: inspector.md#explanation)
#[test]
fn missing_and_unreadable_elements_are_reported_as_such() {
    let meeting = scene(&[], &[("agenda/item:1", json!({ "id": 1, "is_hidden": "yes" }))]);
    check(&meeting, 5, "agenda/item:2", &["agenda/item:2 does not exist in this meeting."]);
    check(
        &meeting,
        1,
        "agenda/item:1",
        &["agenda/item:1 is hidden from everybody: a field that its rule needs has the wrong type (see the log)."],
    );
    let stranger = explain(&meeting, user(77), "users/group:3".parse().expect("a key"));
    assert_eq!(
        stranger.lines(&meeting)[0],
        "users/group:3 is visible to user 77, who does not exist and so is in no group, with all fields."
    );
}

proptest! {
    #![proptest_config(cases(300))]

    /// (spec: inspector.md#same-rules)
    #[test]
    fn an_explanation_says_hidden_exactly_where_the_view_is_hidden(elements in meeting()) {
        let meeting = load(&elements);
        for id in VIEWERS {
            let viewer = Viewer::resolve(&meeting, user(id));
            for key in meeting.keys() {
                let view = view_of(&meeting, &viewer, key);
                let entry = meeting.entry(key).expect("of the meeting");
                let explained = explain_rule(&viewer, &entry.element, entry.required_by);
                prop_assert_eq!(&explained.view, &view, "user {} and {}", id, key);
                let explanation = explain(&meeting, user(id), key);
                let is_hidden = matches!(explanation.verdict, Verdict::Hidden | Verdict::Unreadable);
                prop_assert_eq!(is_hidden, view.is_hidden(), "user {} and {}", id, key);
                prop_assert!(view != View::Whole || explanation.verdict == Verdict::Whole, "user {id} and {key}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// (spec: inspector.md#remedies)
    #[test]
    fn a_remedy_shows_the_element_and_no_part_of_it_would(elements in meeting()) {
        let meeting = load(&elements);
        for id in VIEWERS {
            let viewer = Viewer::resolve(&meeting, user(id));
            for key in meeting.keys() {
                let view_with = |grants: &Remedy| view_of(&meeting, &remedies::with(&viewer, grants), key);
                let explanation = explain(&meeting, user(id), key);
                for remedy in &explanation.remedies {
                    check_remedy(remedy, |grants| !view_with(grants).is_hidden())?;
                }
                let element = meeting.get(key).expect("of the meeting");
                for field in &explanation.fields {
                    let whole = value_of(element.json(), &field.name);
                    prop_assert!(whole.is_some(), "{key}: {}", field.name);
                    let is_shown = |grants: &Remedy| {
                        let mut text = String::new();
                        view_with(grants).render(element, &mut text);
                        value_of(&text, &field.name) == whole
                    };
                    prop_assert!(!is_shown(&Remedy::new()), "user {id}, {key}: {}", field.name);
                    for remedy in &field.remedies {
                        check_remedy(remedy, is_shown)?;
                    }
                }
            }
        }
    }
}

/// Fails unless `opens` is true of the remedy, and of nothing that lacks a part of it.
fn check_remedy(remedy: &Remedy, opens: impl Fn(&Remedy) -> bool) -> Result<(), TestCaseError> {
    prop_assert!(opens(remedy), "{remedy:?}");
    for grant in remedy {
        let mut fewer = remedy.clone();
        fewer.remove(grant);
        prop_assert!(!opens(&fewer), "{fewer:?} of {remedy:?}");
    }
    Ok(())
}

/// Returns a field of an element, lists in ascending order; `None` if there is no such field.
fn value_of(element: &str, name: &str) -> Option<Value> {
    let element: Value = serde_json::from_str(element).ok()?;
    let mut value = element.get(name)?.clone();
    if let Some(entries) = value.as_array_mut() {
        entries.sort_by_key(Value::to_string);
    }
    Some(value)
}
