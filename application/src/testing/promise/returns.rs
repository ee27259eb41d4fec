//! Does a returning client lose what it may no longer have, case by case? (spec: stream.md#served-as-another,
//! stream.md#wider)

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::World;
use super::{Coming, check_every_return};
use domain::testing::elements::Dice;
use domain::testing::strategies::{History, Write};

/// Groups 1 (default) and 3 have no permissions, user 5 is in group 3, and anonymous access is on.
fn meeting() -> Value {
    json!({
        "users/group:1": { "permissions": [] },
        "users/group:3": { "permissions": [] },
        "users/user:5": { "groups_id": [3] },
        "users/user:6": { "groups_id": [1] },
        "core/config:2": { "key": "general_system_enable_anonymous", "value": true },
        "core/countdown:1": {},
        "motions/motion:1": {},
        "topics/topic:1": {},
    })
}

fn writes(elements: &Value) -> Vec<Write> {
    let elements = elements.as_object().expect("elements by key");
    let write = |(key, element): (&String, &Value)| {
        let mut element = element.clone();
        if let Some(fields) = element.as_object_mut() {
            let (_, id) = key.split_once(':').expect("a key");
            fields.insert("id".to_owned(), id.parse().expect("an id"));
        }
        Write { key: key.clone(), element: Some(element).filter(|element| !element.is_null()) }
    };
    elements.iter().map(write).collect()
}

/// Makes the changes (`null` deletes) with every number of kept versions, and with every run of changes missed and
/// caught up with in one step. After each change, checks user 5 and anonymous returning with every id, from this
/// instance or from another one, and with any lines held back.
#[track_caller]
fn check(beside: Value, changes: &[Value]) {
    let elements: BTreeMap<_, _> =
        [meeting(), beside].iter().flat_map(writes).map(|write| (write.key, write.element)).collect();
    let history = History {
        initial: elements.into_iter().filter_map(|(key, element)| Some((key, element?))).collect(),
        changes: changes.iter().map(writes).collect(),
    };
    for versions_max in 0..=changes.len() {
        for made in 0..=changes.len() {
            for missed in 0..=changes.len() - made {
                let world = World::new(&history, versions_max);
                world.make_changes(made);
                world.miss_changes(missed);
                world.make_changes(changes.len());
                for user in [5, 0] {
                    if let Err(error) = check_every_return(&world, user, &mut Dice::new(1)) {
                        panic!("user {user}, {versions_max} kept, {made} made, {missed} missed: {error}");
                    }
                }
            }
        }
    }
}

/// Connects user 5 and anonymous to this instance, which then takes the changes at once, as one step or as several, while
/// they hold back lines of another instance that took them one by one. Once they come with what this instance has, and
/// once they lack its last change, so that it has something to send at once.
#[track_caller]
fn check_behind(changes: &[Value]) {
    let first = json!({ "core/tag:7": {} });
    let changes: Vec<&Value> = [&first].into_iter().chain(changes).collect();
    let initial = writes(&meeting()).into_iter().filter_map(|write| Some((write.key, write.element?))).collect();
    let history = History { initial, changes: changes.iter().copied().map(writes).collect() };
    for user in [5, 0] {
        for (is_one_step, lacks) in [(true, 0), (false, 0), (true, 1), (false, 1)] {
            let world = World::new(&history, 100);
            world.make_changes(1);
            let mut coming = Coming::connect(&world, user, world.now() - lacks, world.end()).expect("it is served");
            assert_eq!(coming.lines.len() as u64, lacks);
            coming.take_changes(changes.len() - 1, is_one_step);
            assert!(coming.look(), "it is served");
            if let Err(error) = coming.check() {
                panic!("user {user}, one step {is_one_step}, {lacks} at first: {error}");
            }
        }
    }
}

fn group(permissions: &[&str]) -> Value {
    json!({ "permissions": permissions })
}

#[test]
fn a_user_who_was_served_as_anonymous_in_between() {
    let anonymous_sees = json!({ "users/group:1": { "permissions": ["core.can_see_projector"] } });
    let user = json!({ "groups_id": [3] });
    // Received the countdown as anonymous, and returns as a user who may not see it.
    check(
        anonymous_sees.clone(),
        &[json!({ "core/countdown:7": {}, "users/user:5": null }), json!({ "users/user:5": user })],
    );
    // The same with elements that existed before.
    check(anonymous_sees.clone(), &[json!({ "users/user:5": null }), json!({ "users/user:5": user })]);
    // The user does not exist at first, and is deleted later.
    check(
        json!({ "users/user:5": null, "users/group:1": { "permissions": ["core.can_see_projector"] } }),
        &[json!({ "users/user:5": user }), json!({ "users/user:5": null }), json!({ "users/user:5": user })],
    );
    // Anonymous access is switched on later.
    let anonymous = |value: bool| json!({ "key": "general_system_enable_anonymous", "value": value });
    check(
        anonymous_sees,
        &[
            json!({ "users/user:5": null, "core/config:2": anonymous(false) }),
            json!({ "core/config:2": anonymous(true) }),
            json!({ "core/config:2": anonymous(false), "users/user:5": user }),
        ],
    );
}

#[test]
fn a_group_that_gained_permissions_and_lost_them() {
    let rights = ["core.can_see_projector", "motions.can_see"];
    check(json!({}), &[json!({ "users/group:3": group(&rights) }), json!({ "users/group:3": group(&[]) })]);
    // The group is created and deleted.
    check(
        json!({ "users/group:3": null }),
        &[json!({ "users/group:3": group(&rights) }), json!({ "users/group:3": null })],
    );
    // One permission after the other, with elements written in between.
    check(
        json!({}),
        &[
            json!({ "users/group:3": group(&["motions.can_see"]), "users/group:1": group(&rights) }),
            json!({ "users/group:3": group(&["core.can_see_projector"]), "motions/motion:2": {} }),
            json!({ "users/group:3": group(&[]), "users/group:1": group(&[]), "core/countdown:2": {} }),
        ],
    );
}

#[test]
fn a_user_who_was_moved_between_groups() {
    let sees = json!({ "users/group:4": { "permissions": ["agenda.can_see", "users.can_see_name"] } });
    let in_group = |id: u64| json!({ "users/user:5": { "groups_id": [id] } });
    check(sees.clone(), &[in_group(4), in_group(3)]);
    // With an unreadable user element in between.
    check(sees, &[in_group(4), json!({ "users/user:5": { "groups_id": "4" } }), in_group(3)]);
}

#[test]
fn a_configuration_value_that_showed_the_notes_of_speakers() {
    const NOTES: &str = "agenda_list_of_speakers_speaker_note_for_everyone";
    let beside = |config: Value| {
        json!({
            "core/config:1": config,
            "users/group:1": { "permissions": ["agenda.can_see_list_of_speakers"] },
            "users/group:3": { "permissions": ["agenda.can_see_list_of_speakers"] },
            "agenda/list-of-speakers:1": { "speakers": [{ "user_id": 6, "note": "x" }] },
        })
    };
    let shows = json!({ "key": NOTES, "value": true });
    let renamed = json!({ "key": "general_event_name", "value": true });
    for hides in [json!({ "key": NOTES, "value": false }), json!({}), renamed, json!({ "key": 1 }), Value::Null] {
        check(beside(shows.clone()), &[json!({ "core/config:1": hides })]);
        check(beside(hides.clone()), &[json!({ "core/config:1": shows }), json!({ "core/config:1": hides })]);
    }
    // Another element has the same name: the one with the lower id counts.
    check(
        beside(json!({ "key": NOTES, "value": false })),
        &[
            json!({ "core/config:7": shows }),
            json!({ "core/config:1": {} }),
            json!({ "core/config:7": { "key": "general_event_name", "value": true } }),
        ],
    );
}

#[test]
fn a_user_who_received_a_delegation_and_lost_it() {
    let voted = json!({
        "users/group:3": { "permissions": ["motions.can_see"] },
        "motions/motion-poll:1": { "state": 2, "voted_id": [6] },
    });
    let given = |users: &[u64]| json!({ "users/user:5": { "groups_id": [3], "vote_delegated_from_users_id": users } });
    check(json!({}), &[given(&[6]), given(&[])]);
    check(voted, &[given(&[6]), given(&[])]);
}

/// (spec: restriction.md#no-longer-required)
#[test]
fn users_who_were_required_for_a_while() {
    let may = |permission: &str| json!({ "users/group:3": { "permissions": [permission] } });
    let speaks = json!({ "speakers": [{ "user_id": 6 }] });
    for (permission, key, requires) in [
        ("agenda.can_see_list_of_speakers", "agenda/list-of-speakers:1", speaks),
        ("motions.can_see", "motions/motion:1", json!({ "submitters": [{ "user_id": 6 }] })),
        ("motions.can_see", "motions/motion-poll:1", json!({ "state": 4, "voted_id": [6] })),
        ("assignments.can_see", "assignments/assignment:1", json!({ "assignment_related_users": [{ "user_id": 6 }] })),
        ("assignments.can_see", "assignments/assignment-option:1", json!({ "user_id": 6 })),
        ("assignments.can_see", "assignments/assignment-poll:1", json!({ "state": 4, "voted_id": [6] })),
    ] {
        check(may(permission), &[json!({ key: requires }), json!({ key: {} })]);
        check(may(permission), &[json!({ key: requires }), json!({ key: null })]);
    }
    // Required through a permission that is gained and lost, and by two elements in turn.
    let both = may("agenda.can_see_list_of_speakers");
    check(
        json!({ "agenda/list-of-speakers:1": { "speakers": [{ "user_id": 6 }] } }),
        &[both.clone(), json!({ "agenda/list-of-speakers:1": null }), json!({ "users/group:3": group(&[]) })],
    );
    check(
        both,
        &[
            json!({ "agenda/list-of-speakers:1": { "speakers": [{ "user_id": 6 }] } }),
            json!({ "agenda/list-of-speakers:1": {}, "agenda/list-of-speakers:2": { "speakers": [{ "user_id": 6 }] } }),
            json!({ "agenda/list-of-speakers:2": {} }),
        ],
    );
}

#[test]
fn elements_that_were_visible_for_a_while() {
    let rights =
        json!({ "users/group:3": { "permissions": ["motions.can_see", "agenda.can_see", "mediafiles.can_see"] } });
    let restricted = json!({ "state_restriction": ["motions.can_manage"] });
    for (key, hidden, shown) in [
        ("motions/motion:1", restricted, json!({})),
        ("motions/motion-vote:1", json!({ "pollstate": 2 }), json!({ "pollstate": 2, "user_id": 5 })),
        ("agenda/item:1", json!({ "is_hidden": true }), json!({ "is_hidden": false })),
        ("mediafiles/mediafile:1", json!({}), json!({ "inherited_access_groups_id": [3] })),
        ("chat/chat-group:1", json!({}), json!({ "read_groups_id": [3, 1] })),
        ("users/personal-note:1", json!({ "user_id": 6 }), json!({ "user_id": 5 })),
    ] {
        let mut beside = rights.clone();
        beside[key] = hidden.clone();
        check(beside, &[json!({ key: shown }), json!({ key: hidden })]);
        check(rights.clone(), &[json!({ key: shown }), json!({ key: null })]);
    }
}

/// (spec: stream.md#wider)
#[test]
fn what_another_instance_showed_while_this_one_was_behind() {
    check_behind(&[json!({ "core/tag:9": {} }), json!({ "core/tag:9": null })]);
    check_behind(&[json!({ "core/tag:9": {}, "core/tag:8": {} }), json!({ "core/tag:9": null })]);
    let sees = json!({ "users/group:3": group(&["core.can_see_projector"]), "users/group:1": group(&["core.can_see_projector"]) });
    check_behind(&[sees, meeting()]);
}
