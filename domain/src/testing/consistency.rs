//! Is a meeting consistent: does every reference lead somewhere, and do the copies of a value agree?

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ids::{ChangeId, ElementKey};
use crate::meeting::Meeting;
use crate::ports::element_store::{Bounds, RawElement, Snapshot};

/// A meeting as plain JSON: element key to element.
pub type MeetingMap = BTreeMap<String, Value>;

/// Returns every inconsistency in the meeting, in one sentence each.
///
/// A field that looks like a reference (`…_id`) and that this check does not know is a problem too, so that no new kind
/// of reference is overlooked.
#[must_use]
pub fn problems(meeting: &MeetingMap) -> Vec<String> {
    let mut problems: Vec<String> =
        load(meeting).problems.into_iter().map(|p| format!("{}: {}", p.key, p.text)).collect();
    for (key, element) in meeting {
        if key.parse::<ElementKey>().is_err() {
            problems.push(format!("{key}: is not an element key"));
            continue;
        }
        let collection = key.split(':').next().unwrap_or_default();
        if collection != "core/config" {
            check_references(meeting, key, collection, element, &mut problems);
        }
        check_copies(meeting, key, collection, element, &mut problems);
    }
    problems
}

/// The meeting as the service reads it, with a change id of its own choice.
#[must_use]
pub fn load(meeting: &MeetingMap) -> crate::meeting::Built {
    let elements = meeting
        .iter()
        .map(|(key, element)| RawElement {
            key: key.clone().into_bytes(),
            json: Some(element.to_string().into_bytes()),
        })
        .collect();
    Meeting::load(Snapshot { bounds: Bounds { lowest: ChangeId(1), highest: ChangeId(1) }, elements }, None)
}

fn check_references(meeting: &MeetingMap, key: &str, collection: &str, value: &Value, problems: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name.ends_with("_id") {
                    check_reference(meeting, key, collection, name, value, problems);
                } else if !is_free_form(name) {
                    check_references(meeting, key, collection, value, problems);
                }
            }
            check_named_element(meeting, key, fields, problems);
        }
        Value::Array(entries) => {
            entries.iter().for_each(|entry| check_references(meeting, key, collection, entry, problems));
        }
        _ => {}
    }
}

/// Returns whether the field has free-form content, whose references may lead to deleted elements.
fn is_free_form(field: &str) -> bool {
    matches!(field, "elements_history" | "notes" | "pdf_information")
}

fn check_reference(
    meeting: &MeetingMap,
    key: &str,
    collection: &str,
    field: &str,
    value: &Value,
    problems: &mut Vec<String>,
) {
    let Some(target) = target(collection, field) else {
        problems.push(format!("{key}: field {field} is a reference of an unknown kind"));
        return;
    };
    let ids = match value {
        Value::Array(ids) => ids.iter().collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
        id => vec![id],
    };
    for id in ids {
        if !meeting.contains_key(&format!("{target}:{id}")) {
            problems.push(format!("{key}: field {field} names {target}:{id}, which does not exist"));
        }
    }
}

/// `{"collection": …, "id": …}` and the entries of a projector, `{"name": …, "id": …}`.
fn check_named_element(meeting: &MeetingMap, key: &str, fields: &Map<String, Value>, problems: &mut Vec<String>) {
    let Some(Value::String(collection)) = fields.get("collection").or_else(|| fields.get("name")) else { return };
    let Some(id) = fields.get("id") else { return };
    // A slide whose name differs from the collection of its element.
    let named = format!("{collection}:{id}");
    if named.parse::<ElementKey>().is_ok() && !meeting.contains_key(&named) {
        problems.push(format!("{key}: names {named}, which does not exist"));
    }
}

/// The collection that a field refers to.
fn target<'a>(collection: &'a str, field: &str) -> Option<&'a str> {
    let is_assignment = collection.starts_with("assignments/");
    Some(match field {
        "groups_id" | "access_groups_id" | "inherited_access_groups_id" | "read_groups_id" | "write_groups_id" => {
            "users/group"
        }
        "user_id"
        | "voted_id"
        | "supporters_id"
        | "delegated_user_id"
        | "vote_delegated_to_id"
        | "vote_delegated_from_users_id" => "users/user",
        "tags_id" => "core/tag",
        "attachments_id" => "mediafiles/mediafile",
        "agenda_item_id" => "agenda/item",
        "list_of_speakers_id" => "agenda/list-of-speakers",
        "parent_id" => collection,
        "category_id" => "motions/category",
        "motion_block_id" => "motions/motion-block",
        "motion_id" | "motions_id" | "amendments_id" | "sort_parent_id" => "motions/motion",
        "state_id" | "recommendation_id" | "next_states_id" | "states_id" | "first_state_id" => "motions/state",
        "workflow_id" => "motions/workflow",
        "statute_paragraph_id" => "motions/statute-paragraph",
        "section_id" => "motions/motion-comment-section",
        "change_recommendations_id" => "motions/motion-change-recommendation",
        "poll_id" | "polls_id" if is_assignment => "assignments/assignment-poll",
        "poll_id" => "motions/motion-poll",
        "option_id" | "options_id" if is_assignment => "assignments/assignment-option",
        "option_id" | "options_id" => "motions/motion-option",
        "assignment_id" => "assignments/assignment",
        "projector_id" | "reference_projector_id" => "core/projector",
        "projectiondefaults_id" => "core/projection-default",
        "chatgroup_id" => "chat/chat-group",
        _ => return None,
    })
}

/// The server copies some values into other elements; rules and slides read the copies.
fn check_copies(meeting: &MeetingMap, key: &str, collection: &str, element: &Value, problems: &mut Vec<String>) {
    let get = |collection: &str, id: &Value| meeting.get(&format!("{collection}:{id}")).unwrap_or(&Value::Null);
    let mut expect = |what: &str, is: &Value, original: &Value| {
        if is != original {
            problems.push(format!("{key}: {what} is {is}, but the original is {original}"));
        }
    };
    match collection {
        "agenda/item" | "agenda/list-of-speakers" => {
            let content = &element["content_object"];
            let object = get(content["collection"].as_str().unwrap_or_default(), &content["id"]);
            let back = if collection == "agenda/item" { "agenda_item_id" } else { "list_of_speakers_id" };
            expect("id, seen from the content object,", &element["id"], &object[back]);
            expect("title_information", &element["title_information"]["title"], &object["title"]);
        }
        "motions/motion" => {
            expect(
                "state_restriction",
                &element["state_restriction"],
                &get("motions/state", &element["state_id"])["restriction"],
            );
        }
        "motions/motion-option" | "assignments/assignment-option" => {
            let poll = get(target(collection, "poll_id").unwrap_or_default(), &element["poll_id"]);
            expect("pollstate", &element["pollstate"], &poll["state"]);
            let listed = poll["options_id"].as_array().is_some_and(|ids| ids.contains(&element["id"]));
            expect("being among options_id of the poll", &Value::Bool(listed), &Value::Bool(true));
        }
        "motions/motion-vote" | "assignments/assignment-vote" => {
            let option = get(target(collection, "option_id").unwrap_or_default(), &element["option_id"]);
            expect("pollstate", &element["pollstate"], &option["pollstate"]);
        }
        "chat/chat-message" => {
            let group = get("chat/chat-group", &element["chatgroup_id"]);
            expect("read_groups_id", &element["read_groups_id"], &group["read_groups_id"]);
            expect("write_groups_id", &element["write_groups_id"], &group["write_groups_id"]);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(meeting: Value, expected: &[&str]) {
        let meeting: MeetingMap = serde_json::from_value(meeting).expect("a map");
        let found = problems(&meeting);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (problem, expected) in found.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_sound_meeting_has_no_problems() {
        check(
            json!({
                "users/group:3": {"id": 3, "permissions": []},
                "users/user:7": {"id": 7, "groups_id": [3], "vote_delegated_to_id": null},
            }),
            &[],
        );
    }

    #[test]
    fn references_that_lead_nowhere_are_problems() {
        check(json!({"users/user:7": {"id": 7, "groups_id": [3]}}), &["groups_id names users/group:3"]);
        check(
            json!({"core/projector:1": {"id": 1, "elements": [{"name": "topics/topic", "id": 4}]}}),
            &["topics/topic:4"],
        );
        check(json!({"users/user:7": {"id": 7, "shoe_id": 1}}), &["unknown kind"]);
    }

    #[test]
    fn unreadable_elements_and_copies_that_differ_are_problems() {
        check(json!({"users/user:7": {"id": 8}}), &["is not the id in the key"]);
        check(json!({"users/user": {"id": 8}}), &["is not of the form", "is not an element key"]);
        check(
            json!({
                "motions/state:1": {"id": 1, "restriction": ["is_submitter"]},
                "motions/motion:1": {"id": 1, "state_id": 1, "state_restriction": []},
            }),
            &["state_restriction is []"],
        );
    }
}
