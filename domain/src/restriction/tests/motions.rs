//! Do the rules of the motions hold?

use serde_json::{Value, json};

use super::{ADMIN, ANONYMOUS, COLLEAGUE, DELEGATE, GUEST, STRANGER, Scene, meeting, seen_text, viewer};

const MOTION: &str = "motions/motion:1";
const SEE: &str = "motions.can_see";

fn motion(restriction: Value) -> Scene {
    let submitters =
        json!([{ "id": 1, "user_id": null }, { "id": 2 }, { "id": 3, "user_id": 0 }, { "user_id": DELEGATE }]);
    let motion = json!({ "id": 1, "state_restriction": restriction, "submitters": submitters, "comments": [] });
    Scene::new().with(motion, "motions/motion").delegates_may(&[SEE]).permits(1, &[SEE])
}

/// (spec: restriction.md#motions)
#[test]
fn a_motion_is_open_to_those_its_state_names() {
    const INTERNAL: &str = "motions.can_see_internal";
    const METADATA: &str = "motions.can_manage_metadata";
    const MANAGE: &str = "motions.can_manage";
    let everything = crate::permission::Permission::ALL.map(crate::permission::Permission::name);
    for (restriction, opening) in [
        (json!([]), &everything[..]),
        (Value::Null, &everything),
        (json!([INTERNAL]), &[INTERNAL, MANAGE]),
        (json!([METADATA]), &[METADATA, MANAGE]),
        (json!([MANAGE]), &[MANAGE]),
        (json!([METADATA, "x", INTERNAL]), &[INTERNAL, METADATA, MANAGE]),
        // Only these three permissions are asked for, whatever else the state names.
        (json!([SEE]), &[MANAGE]),
        (json!(["users.can_manage", "is_supporter", ""]), &[MANAGE]),
    ] {
        let scene = motion(restriction);
        scene.check_opened_by(MOTION, &[SEE], opening);
        scene.check_opened_by(MOTION, &[], if opening.len() > 3 { &[SEE] } else { &[] });
        scene.check_whole(ADMIN, MOTION);
        scene.check_hidden(STRANGER, MOTION);
    }
}

#[test]
fn a_motion_is_open_to_its_submitters_if_its_state_names_them() {
    let scene = motion(json!(["is_submitter", "motions.can_manage"]));
    scene.check_whole(DELEGATE, MOTION);
    for user in [COLLEAGUE, GUEST, ANONYMOUS] {
        scene.check_hidden(user, MOTION);
    }
    scene.clone().delegates_may(&[]).check_hidden(DELEGATE, MOTION);
    motion(json!(["motions.can_manage"])).check_hidden(DELEGATE, MOTION);
}

#[test]
fn comments_that_are_hidden_leave_no_trace() {
    let text = |comments: Value| {
        let meeting = meeting(
            &motion(json!([])).with(json!({ "id": 1, "comments": comments, "z": 1 }), "motions/motion").elements,
        );
        seen_text(&meeting, &viewer(&meeting, DELEGATE), MOTION.parse().expect("a key")).expect("visible")
    };
    assert_eq!(text(json!([{ "id": 1, "read_groups_id": [] }])), text(json!([])));
    // Not a second field beside one that is null.
    assert_eq!(text(json!(null)), text(json!([])));
}

/// (spec: restriction.md#motion-comments)
#[test]
fn of_the_comments_only_those_of_the_users_groups_are_kept() {
    let comments = [
        json!({ "id": 1, "read_groups_id": [3], "comment": "ä" }),
        json!({ "id": 2, "read_groups_id": [1, 4] }),
        json!({ "id": 3, "read_groups_id": [] }),
        json!({ "id": 4 }),
        json!({ "id": 5, "read_groups_id": null }),
        json!({ "id": 6, "read_groups_id": [4, 3, 1] }),
    ];
    let with =
        |scene: Scene, comments: Value| scene.with(json!({ "id": 1, "comments": comments, "z": 1 }), "motions/motion");
    let scene = with(motion(json!([])), json!(comments));
    let kept = |entries: &[usize]| {
        let kept: Vec<_> = entries.iter().map(|entry| &comments[*entry]).collect();
        Some(json!({ "id": 1, "comments": kept, "z": 1 }))
    };
    scene.check(DELEGATE, MOTION, kept(&[0, 5]));
    scene.check(GUEST, MOTION, kept(&[1, 5]));
    scene.check(ANONYMOUS, MOTION, kept(&[1, 5]));
    scene.check_whole(ADMIN, MOTION);
    // For managers too.
    scene.delegates_may(&[SEE, "motions.can_manage"]).check(DELEGATE, MOTION, kept(&[0, 5]));

    for user in [DELEGATE, ANONYMOUS, ADMIN] {
        with(motion(json!([])), Value::Null).check(user, MOTION, kept(&[]));
        motion(json!([])).with(json!({ "id": 1, "z": 1 }), "motions/motion").check(user, MOTION, kept(&[]));
    }
}

/// (spec: restriction.md#motion-blocks)
#[test]
fn internal_blocks_and_change_recommendations_are_for_managers() {
    for collection in ["motions/motion-block", "motions/motion-change-recommendation"] {
        let key = format!("{collection}:64");
        let scene = |internal: Value| Scene::new().with(json!({ "id": 64, "internal": internal }), collection);
        for open in [json!(false), Value::Null] {
            let scene = scene(open);
            scene.check_opened_by(&key, &[], &[SEE]);
            scene.permits(1, &[SEE]).check_whole(ANONYMOUS, &key);
        }
        scene(json!(true)).check_opened_by(&key, &[SEE], &["motions.can_manage"]);
        scene(json!(true)).check_opened_by(&key, &[], &[]);
        scene(json!(true)).check_whole(ADMIN, &key);
        Scene::new().with(json!({ "id": 64 }), collection).delegates_may(&[SEE]).check_whole(DELEGATE, &key);
    }
}

/// (spec: restriction.md#comment-sections)
#[test]
fn comment_sections_are_for_their_readers_and_managers() {
    let key = "motions/motion-comment-section:1";
    let scene = |groups: Value| {
        let section = json!({ "id": 1, "read_groups_id": groups, "write_groups_id": [1, 3] });
        Scene::new().with(section, "motions/motion-comment-section").permits(1, &[SEE])
    };
    for closed in [json!([]), Value::Null, json!([4, 2])] {
        scene(closed.clone()).check_opened_by(key, &[SEE], &["motions.can_manage"]);
        scene(closed.clone()).check_hidden(ANONYMOUS, key);
        scene(closed).check_whole(ADMIN, key);
    }
    scene(json!([4, 3])).check_opened_by(key, &[], &[SEE]);
    scene(json!([3])).check_hidden(ANONYMOUS, key);
    scene(json!([1])).check_whole(ANONYMOUS, key);
    scene(json!([1])).check_whole(GUEST, key);
    scene(json!([1])).delegates_may(&[SEE]).check_hidden(DELEGATE, key);
}
