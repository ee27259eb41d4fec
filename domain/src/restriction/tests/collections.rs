//! Are the collections with the short rules seen by those they should be seen by, and by nobody else?

use serde_json::{Value, json};

use super::{ADMIN, ANONYMOUS, DELEGATE, GUEST, STRANGER, Scene};

/// (spec: restriction.md#everyone)
#[test]
fn what_is_for_everyone_is_whole_for_everyone() {
    for collection in ["core/config", "core/tag", "users/group"] {
        let scene = Scene::new().with(json!({ "id": 130, "key": "a", "value": 1, "name": "ä" }), collection);
        for user in [ANONYMOUS, DELEGATE, GUEST, ADMIN, STRANGER] {
            scene.check_whole(user, &format!("{collection}:130"));
        }
    }
}

/// Checks that everybody with the permission, through any group, sees the element whole, and nobody else sees it.
#[track_caller]
fn check_whole_with(collection: &str, permission: &str) {
    let key = format!("{collection}:130");
    let scene = Scene::new().with(json!({ "id": 130, "name": "ä", "user_id": 5 }), collection);
    scene.check_opened_by(&key, &[], &[permission]);
    for user in [ANONYMOUS, GUEST, STRANGER] {
        scene.check_hidden(user, &key);
    }
    scene.check_whole(ADMIN, &key);

    let by_own_group = scene.clone().delegates_may(&[permission]);
    by_own_group.check_whole(DELEGATE, &key);
    by_own_group.check_hidden(GUEST, &key);
    by_own_group.check_hidden(ANONYMOUS, &key);

    let by_default_group = scene.clone().permits(1, &[permission]);
    by_default_group.check_whole(ANONYMOUS, &key);
    by_default_group.check_whole(GUEST, &key);
    by_default_group.check_hidden(DELEGATE, &key);
    by_default_group.check_hidden(STRANGER, &key);

    let by_second_group = by_own_group.with_user_field(GUEST, "groups_id", json!([4, 3]));
    by_second_group.check_whole(GUEST, &key);
}

/// (spec: restriction.md#projectors, restriction.md#topics, restriction.md#motion-settings, restriction.md#assignments)
#[test]
fn simple_collections_are_seen_with_their_permission() {
    for collection in ["core/projector", "core/projection-default", "core/projector-message", "core/countdown"] {
        check_whole_with(collection, "core.can_see_projector");
    }
    for collection in ["motions/category", "motions/statute-paragraph", "motions/workflow", "motions/state"] {
        check_whole_with(collection, "motions.can_see");
    }
    check_whole_with("topics/topic", "agenda.can_see");
    check_whole_with("assignments/assignment", "assignments.can_see");
}

/// (spec: restriction.md#has)
#[test]
fn a_group_that_is_missing_grants_nothing_but_the_second_group_need_not_exist() {
    let mut scene = Scene::new().with(json!({ "id": 1 }), "topics/topic").delegates_may(&["agenda.can_see"]);
    scene.check_whole(DELEGATE, "topics/topic:1");
    scene.elements.remove("users/group:3");
    scene.elements.remove("users/group:2");
    scene.check_hidden(DELEGATE, "topics/topic:1");
    scene.check_whole(ADMIN, "topics/topic:1");
}

/// (spec: restriction.md#groups)
#[test]
fn a_user_without_groups_is_in_the_default_group() {
    let scene = Scene::new().with(json!({ "id": 1 }), "topics/topic").permits(1, &["agenda.can_see"]);
    for groups in [json!([]), Value::Null] {
        scene.clone().with_user_field(GUEST, "groups_id", groups).check_whole(GUEST, "topics/topic:1");
    }
    let mut without_field = scene;
    without_field.elements.insert(format!("users/user:{GUEST}"), json!({ "id": GUEST }));
    without_field.check_whole(GUEST, "topics/topic:1");
}

/// (spec: restriction.md#superadmin)
#[test]
fn a_user_of_the_second_group_sees_everything_anonymous_never() {
    let scene = Scene::new().with(json!({ "id": 1 }), "topics/topic").permits(1, &[]).with_user_field(
        GUEST,
        "groups_id",
        json!([1, 2]),
    );
    scene.check_whole(GUEST, "topics/topic:1");
    scene.check_hidden(ANONYMOUS, "topics/topic:1");
}

/// (spec: restriction.md#unknown-collections)
#[test]
fn unknown_collections_are_hidden_from_everyone() {
    let meeting = super::meeting(&Scene::new().with(json!({ "id": 1 }), "plugin/thing").elements);
    assert_eq!(meeting.len(), Scene::new().elements.len());
}

/// (spec: restriction.md#mediafiles)
#[test]
fn mediafiles_are_seen_by_those_with_access() {
    let key = "mediafiles/mediafile:1";
    let scene = |access: Value| {
        Scene::new()
            .with(json!({ "id": 1, "inherited_access_groups_id": access }), "mediafiles/mediafile")
            .delegates_may(&["mediafiles.can_see"])
            .permits(1, &["mediafiles.can_see"])
    };
    for (access, delegate_sees, anonymous_sees) in [
        (json!(true), true, true),
        (json!(false), false, false),
        (Value::Null, false, false),
        (json!([]), false, false),
        (json!([3]), true, false),
        (json!([1]), false, true),
        (json!([4, 1, 3]), true, true),
        (json!([2]), false, false),
    ] {
        let scene = scene(access);
        for (user, sees) in [(DELEGATE, delegate_sees), (ANONYMOUS, anonymous_sees), (GUEST, anonymous_sees)] {
            scene.check(user, key, sees.then(|| scene.elements[key].clone()));
        }
        scene.check_whole(ADMIN, key);
        scene.check_hidden(STRANGER, key);
    }
    scene(json!(true)).check_opened_by(key, &[], &["mediafiles.can_see"]);
    scene(json!([3])).check_opened_by(key, &[], &["mediafiles.can_see"]);
}

/// (spec: restriction.md#in, restriction.md#chat)
#[test]
fn chat_is_seen_by_its_groups_and_its_managers() {
    for collection in ["chat/chat-group", "chat/chat-message"] {
        let key = format!("{collection}:1");
        let scene = |read: Value, write: Value| {
            Scene::new().with(json!({ "id": 1, "read_groups_id": read, "write_groups_id": write }), collection)
        };
        scene(json!([]), json!([])).check_opened_by(&key, &[], &["chat.can_manage"]);
        scene(Value::Null, Value::Null).check_hidden(DELEGATE, &key);
        for scene in [scene(json!([3]), json!([])), scene(Value::Null, json!([4, 3]))] {
            scene.check_whole(DELEGATE, &key);
            scene.check_hidden(GUEST, &key);
            scene.check_hidden(ANONYMOUS, &key);
            scene.check_hidden(STRANGER, &key);
            scene.check_whole(ADMIN, &key);
        }
        for scene in [scene(json!([1]), json!([])), scene(json!([]), json!([1]))] {
            scene.check_whole(ANONYMOUS, &key);
            scene.check_whole(GUEST, &key);
            scene.check_hidden(DELEGATE, &key);
        }
    }
}
