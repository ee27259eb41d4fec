//! Do the rules of users/user, users/personal-note and of the required users hold?

use serde_json::{Map, Value, json};

use super::{ADMIN, ANONYMOUS, COLLEAGUE, DELEGATE, GUEST, STRANGER, Scene};

const LITTLE: &[&str] = &[
    "id",
    "username",
    "title",
    "first_name",
    "last_name",
    "structure_level",
    "number",
    "about_me",
    "groups_id",
    "is_present",
    "is_committee",
    "vote_weight",
    "gender",
];
const OWN: &[&str] = &["email", "vote_delegated_to_id", "vote_delegated_from_users_id"];
const MANY: &[&str] = &[
    "email",
    "last_email_send",
    "comment",
    "is_active",
    "auth_type",
    "vote_delegated_to_id",
    "vote_delegated_from_users_id",
];
const ALL: &[&str] = &[
    "email",
    "last_email_send",
    "comment",
    "is_active",
    "auth_type",
    "vote_delegated_to_id",
    "vote_delegated_from_users_id",
    "default_password",
];
const NAME: &str = "users.can_see_name";
const EXTRA: &str = "users.can_see_extra_data";
const MANAGE: &str = "users.can_manage";

fn key(user: u64) -> String {
    format!("users/user:{user}")
}

/// A user who has every field but `gender`.
fn user(id: u64) -> Value {
    let fields = LITTLE.iter().chain(ALL).filter(|field| **field != "gender");
    let mut user: Map<String, Value> = fields.map(|field| ((*field).to_owned(), json!(format!("{field}-ä")))).collect();
    user.extend([
        ("id".to_owned(), json!(id)),
        ("groups_id".to_owned(), json!([3])),
        ("vote_delegated_from_users_id".to_owned(), Value::Null),
        ("is_active".to_owned(), json!(true)),
        ("session_auth_hash".to_owned(), json!("secret")),
        ("password".to_owned(), json!("secret")),
    ]);
    Value::Object(user)
}

fn scene() -> Scene {
    Scene::new().with(user(DELEGATE), "users/user").with(user(COLLEAGUE), "users/user")
}

/// The viewer sees exactly the fields of *little* and these of the other; none at all if `more` is `None`.
#[track_caller]
fn check(scene: &Scene, viewer: u64, seen: u64, more: Option<&[&str]>) {
    let element = &scene.elements[&key(seen)];
    let expected = more.map(|more| {
        LITTLE.iter().chain(more).map(|field| ((*field).to_owned(), element[*field].clone())).collect::<Value>()
    });
    scene.check(viewer, &key(seen), expected);
}

/// (spec: restriction.md#users, restriction.md#user-fields)
#[test]
fn the_field_set_follows_from_permissions_and_from_being_oneself() {
    for (permissions, own, other) in [
        (&[][..], Some(OWN), None),
        (&[EXTRA, MANAGE], Some(OWN), None),
        (&[NAME], Some(OWN), Some(&[][..])),
        (&[NAME, MANAGE], Some(OWN), Some(&[])),
        (&[NAME, EXTRA], Some(MANY), Some(MANY)),
        (&[NAME, EXTRA, MANAGE], Some(ALL), Some(ALL)),
    ] {
        let scene = scene().delegates_may(permissions);
        check(&scene, DELEGATE, DELEGATE, own);
        check(&scene, DELEGATE, COLLEAGUE, other);
        check(&scene, ADMIN, DELEGATE, Some(ALL));
        check(&scene, GUEST, DELEGATE, None);
        check(&scene, ANONYMOUS, DELEGATE, None);
        check(&scene, STRANGER, DELEGATE, None);
        let anonymous = scene.permits(1, permissions);
        check(&anonymous, ANONYMOUS, DELEGATE, other);
    }
}

#[test]
fn a_user_is_seen_by_their_proxies() {
    let delegated = |permissions: &[&str]| {
        scene().delegates_may(permissions).with_user_field(
            DELEGATE,
            "vote_delegated_from_users_id",
            json!([GUEST, COLLEAGUE]),
        )
    };
    check(&delegated(&[]), DELEGATE, COLLEAGUE, Some(&[]));
    check(&delegated(&[]), DELEGATE, GUEST, Some(&[]));
    check(&delegated(&[]), COLLEAGUE, DELEGATE, None);
    check(&delegated(&[NAME, EXTRA]), DELEGATE, COLLEAGUE, Some(MANY));
    let to_oneself = scene().with_user_field(DELEGATE, "vote_delegated_from_users_id", json!([DELEGATE]));
    check(&to_oneself, DELEGATE, DELEGATE, Some(OWN));
}

/// The element makes just these users visible, to everybody who has the permission, and to nobody without.
#[track_caller]
fn check_required(collection: &str, element: Value, permission: &str, users: &[u64]) {
    let scene = scene().with(element, collection);
    for user in [COLLEAGUE, GUEST, ADMIN] {
        let seen = users.contains(&user).then_some(&[][..]);
        check(&scene.clone().delegates_may(&[permission]), DELEGATE, user, seen);
        check(&scene.clone().permits(1, &[permission]), ANONYMOUS, user, seen);
        check(&scene, DELEGATE, user, None);
        check(&scene, ANONYMOUS, user, None);
        let opening = if seen.is_some() { vec![permission, NAME] } else { vec![NAME] };
        scene.check_opened_by(&key(user), &[], &opening);
    }
    check(&scene.clone().delegates_may(&[permission]), DELEGATE, DELEGATE, Some(OWN));
    check(&scene, ADMIN, COLLEAGUE, Some(ALL));
}

fn named(field: &str, users: &[Value]) -> Value {
    let entries: Vec<_> = users.iter().map(|user| json!({ "id": 1, "user_id": user })).collect();
    json!({ "id": 1, field: entries, "user_id": null })
}

/// (spec: restriction.md#required-users)
#[test]
fn elements_require_the_users_they_show_by_name() {
    let users = [json!(COLLEAGUE), Value::Null, json!(GUEST), json!(GUEST)];
    let both = &[COLLEAGUE, GUEST];
    check_required("agenda/list-of-speakers", named("speakers", &users), "agenda.can_see_list_of_speakers", both);
    check_required("assignments/assignment", named("assignment_related_users", &users), "assignments.can_see", both);
    check_required(
        "assignments/assignment-option",
        json!({ "id": 1, "user_id": GUEST }),
        "assignments.can_see",
        &[GUEST],
    );
    check_required("motions/motion", named("submitters", &users), "motions.can_see", both);
    let mut motion = named("submitters", &users[..2]);
    motion["supporters_id"] = json!([GUEST]);
    check_required("motions/motion", motion, "motions.can_see", both);
    check_required("motions/motion", json!({ "id": 1, "supporters_id": [GUEST] }), "motions.can_see", &[GUEST]);
    // Other elements with the same fields require nobody.
    check_required("motions/motion-option", json!({ "id": 1, "user_id": GUEST }), "motions.can_see", &[]);
    check_required("motions/motion-vote", json!({ "id": 1, "user_id": GUEST, "pollstate": 4 }), "motions.can_see", &[]);
    check_required("motions/motion-block", named("submitters", &users), "motions.can_see", &[]);
}

#[test]
fn published_polls_that_are_not_anonymous_require_their_voters() {
    for (collection, permission) in
        [("motions/motion-poll", "motions.can_see"), ("assignments/assignment-poll", "assignments.can_see")]
    {
        let poll = |state: u64, anonymous: Value| json!({ "id": 1, "state": state, "voted_id": [GUEST, COLLEAGUE], "is_pseudoanonymized": anonymous });
        check_required(collection, poll(4, json!(false)), permission, &[COLLEAGUE, GUEST]);
        check_required(collection, poll(4, Value::Null), permission, &[COLLEAGUE, GUEST]);
        check_required(collection, poll(4, json!(true)), permission, &[]);
        check_required(collection, poll(4, json!("no")), permission, &[]);
        for state in [0, 1, 2, 3, 5] {
            check_required(collection, poll(state, json!(false)), permission, &[]);
        }
    }
}

#[test]
fn an_element_requires_its_users_whether_or_not_it_is_seen_itself() {
    let mut motion = named("submitters", &[json!(GUEST)]);
    motion["state_restriction"] = json!(["motions.can_manage"]);
    check_required("motions/motion", motion.clone(), "motions.can_see", &[GUEST]);
    // Even if nobody can see it: the table does not need this field.
    motion["state_restriction"] = json!(7);
    check_required("motions/motion", motion, "motions.can_see", &[GUEST]);
    let option = json!({ "id": 1, "user_id": GUEST, "pollstate": "4" });
    check_required("assignments/assignment-option", option, "assignments.can_see", &[GUEST]);
}

#[test]
fn an_unreadable_element_requires_nobody() {
    let half = json!([{ "user_id": GUEST }, { "user_id": "7" }]);
    for (collection, element, permission) in [
        ("agenda/list-of-speakers", json!({ "id": 1, "speakers": half }), "agenda.can_see_list_of_speakers"),
        (
            "agenda/list-of-speakers",
            json!({ "id": 1, "speakers": { "user_id": GUEST } }),
            "agenda.can_see_list_of_speakers",
        ),
        ("motions/motion", json!({ "id": 1, "submitters": half, "supporters_id": [GUEST] }), "motions.can_see"),
        (
            "motions/motion",
            json!({ "id": 1, "submitters": [{ "user_id": GUEST }], "supporters_id": 7 }),
            "motions.can_see",
        ),
        ("motions/motion-poll", json!({ "id": 1, "state": "4", "voted_id": [GUEST] }), "motions.can_see"),
        ("motions/motion-poll", json!({ "id": 1, "state": 4, "voted_id": [GUEST, "x"] }), "motions.can_see"),
        ("assignments/assignment", json!({ "id": 1, "assignment_related_users": half }), "assignments.can_see"),
        ("assignments/assignment-option", json!({ "id": 1, "user_id": [GUEST] }), "assignments.can_see"),
        // Not the element that its key names.
        ("assignments/assignment-option", json!({ "id": "1", "user_id": GUEST }), "assignments.can_see"),
    ] {
        let mut scene = scene();
        scene.elements.insert(format!("{collection}:1"), element);
        check(&scene.delegates_may(&[permission]), DELEGATE, GUEST, None);
    }
}

/// (spec: restriction.md#personal-notes)
#[test]
fn personal_notes_are_only_for_their_user() {
    let key = "users/personal-note:1";
    let note = |user: Value| Scene::new().with(json!({ "id": 1, "user_id": user, "notes": {} }), "users/personal-note");
    let scene = note(json!(DELEGATE));
    scene.check_whole(DELEGATE, key);
    for user in [COLLEAGUE, ADMIN, ANONYMOUS] {
        scene.check_hidden(user, key);
    }
    scene.check_opened_by(key, &[], &crate::permission::Permission::ALL.map(crate::permission::Permission::name));
    for nobody in [Value::Null, json!(0)] {
        for user in [ANONYMOUS, DELEGATE, ADMIN] {
            note(nobody.clone()).check_hidden(user, key);
        }
    }
}
