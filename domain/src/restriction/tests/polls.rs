//! Do the rules of the polls, their options and their votes hold, for motions and for elections?

use serde_json::{Value, json};

use super::{ADMIN, ANONYMOUS, COLLEAGUE, DELEGATE, GUEST, STRANGER, Scene};

struct Kind {
    app: &'static str,
    name: &'static str,
    see: &'static str,
    manage: &'static str,
    withheld: &'static [&'static str],
}

const KINDS: [Kind; 2] = [
    Kind { app: "motions", name: "motion", see: "motions.can_see", manage: "motions.can_manage_polls", withheld: &[] },
    Kind {
        app: "assignments",
        name: "assignment",
        see: "assignments.can_see",
        manage: "assignments.can_manage",
        withheld: &["amount_global_yes", "amount_global_no", "amount_global_abstain"],
    },
];

impl Kind {
    fn collection(&self, part: &str) -> String {
        format!("{}/{}-{part}", self.app, self.name)
    }

    fn key(&self, part: &str) -> String {
        format!("{}:1", self.collection(part))
    }

    /// The states in which a poll can be, with what a wrong one counts as.
    fn with_state(mut element: Value, field: &str, state: &Value) -> Value {
        // A state that is `{}` stands for one that is missing.
        if *state != json!({}) {
            element[field] = state.clone();
        }
        element
    }
}

const SPEAKERS: &str = "agenda.can_manage_list_of_speakers";

fn open_states() -> [Value; 8] {
    [json!(1), json!(2), json!(0), json!(5), json!(-4), json!(34), Value::Null, json!({})]
}

fn poll() -> Value {
    json!({
        "id": 1, "title": "ä", "voted_id": [COLLEAGUE, 9, DELEGATE], "votescast": "3.000000", "votesvalid": "2.000000",
        "votesinvalid": "1.000000", "amount_global_yes": "1.0", "amount_global_no": 2, "amount_global_abstain": null,
    })
}

/// What of the fields about the result is seen: of those named in `seen`, `votescast` counted if `counts`.
#[track_caller]
fn check_poll(kind: &Kind, state: &Value, permissions: &[&str], seen: &[&str], counts: bool) {
    let key = kind.key("poll");
    let poll = Kind::with_state(poll(), "state", state);
    let scene = Scene::new()
        .with(poll.clone(), &kind.collection("poll"))
        .delegates_may(permissions)
        .permits(1, permissions)
        .with_user_field(DELEGATE, "vote_delegated_from_users_id", json!([GUEST, 9, 8, COLLEAGUE]));
    let mut expected = poll;
    let always = if kind.withheld.is_empty() {
        &["amount_global_yes", "amount_global_no", "amount_global_abstain"][..]
    } else {
        &[]
    };
    expected.as_object_mut().expect("an object").retain(|field, _| {
        seen.contains(&field.as_str())
            || always.contains(&field.as_str())
            || !(field.starts_with("vote") || field.starts_with("amount_global"))
    });
    if seen.contains(&"voted_id") {
        expected["voted_id"] = json!([DELEGATE, 9, COLLEAGUE]);
    }
    if counts {
        expected["votescast"] = json!(3);
    }
    scene.check(ANONYMOUS, &key, Some(expected.clone()));

    let mut of = |user, has_voted: bool, for_delegations: Value| {
        expected["user_has_voted"] = json!(has_voted);
        expected["user_has_voted_for_delegations"] = for_delegations;
        scene.check(user, &key, Some(expected.clone()));
    };
    of(DELEGATE, true, json!([9, COLLEAGUE]));
    of(COLLEAGUE, true, json!([]));
    of(GUEST, false, json!([]));
}

/// (spec: restriction.md#polls)
#[test]
fn what_is_seen_of_a_poll_depends_on_its_state_and_on_managing() {
    let everything = [
        "voted_id",
        "votescast",
        "votesvalid",
        "votesinvalid",
        "amount_global_yes",
        "amount_global_no",
        "amount_global_abstain",
    ];
    let global = ["amount_global_yes", "amount_global_no", "amount_global_abstain"];
    for kind in &KINDS {
        for state in &open_states() {
            check_poll(kind, state, &[kind.see, kind.manage, SPEAKERS], &global, true);
            check_poll(kind, state, &[kind.see, kind.manage], &global, true);
            check_poll(kind, state, &[kind.see, SPEAKERS], &[], true);
            check_poll(kind, state, &[kind.see], &[], false);
        }
        check_poll(kind, &json!(3), &[kind.see, kind.manage, SPEAKERS], &everything, false);
        check_poll(kind, &json!(3), &[kind.see, kind.manage], &everything, false);
        check_poll(kind, &json!(3), &[kind.see, SPEAKERS], &["votescast"], false);
        check_poll(kind, &json!(3), &[kind.see], &[], false);
        for permissions in
            [&[kind.see, kind.manage, SPEAKERS][..], &[kind.see, kind.manage], &[kind.see, SPEAKERS], &[kind.see]]
        {
            check_poll(kind, &json!(4), permissions, &everything, false);
        }
    }
}

#[test]
fn polls_options_and_votes_need_their_permission() {
    for kind in &KINDS {
        for part in ["poll", "option", "vote"] {
            let key = kind.key(part);
            let published = json!({ "id": 1, "state": 4, "pollstate": 4, "user_id": DELEGATE, "voted_id": [] });
            let scene = Scene::new().with(published, &kind.collection(part));
            scene.check_opened_by(&key, &[], &[kind.see]);
            for user in [ANONYMOUS, GUEST, STRANGER] {
                scene.check_hidden(user, &key);
            }
            assert!(scene.seen(ADMIN, &key).is_some(), "{key}");
        }
    }
}

#[test]
fn a_missing_list_of_voters_becomes_an_empty_list() {
    for kind in &KINDS {
        for mut poll in [json!({ "id": 1, "state": 4 }), json!({ "id": 1, "state": 4, "voted_id": null })] {
            let scene = Scene::new().with(poll.clone(), &kind.collection("poll")).permits(1, &[kind.see]);
            poll["voted_id"] = json!([]);
            scene.check(ANONYMOUS, &kind.key("poll"), Some(poll.clone()));
            poll["user_has_voted"] = json!(false);
            poll["user_has_voted_for_delegations"] = json!([]);
            scene.check(ADMIN, &kind.key("poll"), Some(poll));
        }
        let open = Scene::new().with(json!({ "id": 1, "state": 2 }), &kind.collection("poll"));
        let open = open.permits(1, &[kind.see, kind.manage]);
        open.check(ANONYMOUS, &kind.key("poll"), Some(json!({ "id": 1, "state": 2, "votescast": 0 })));
    }
}

#[test]
fn fields_about_own_votes_replace_those_of_the_poll() {
    let poll =
        json!({ "id": 1, "state": 1, "user_has_voted": 1, "user_has_voted_for_delegations": 2, "voted_id": [ADMIN] });
    let scene = Scene::new().with(poll, "motions/motion-poll");
    let expected = json!({
        "id": 1, "state": 1, "user_has_voted": true, "user_has_voted_for_delegations": [], "votescast": 1,
    });
    scene.check(ADMIN, "motions/motion-poll:1", Some(expected));
}

/// (spec: restriction.md#options)
#[test]
fn results_of_options_are_for_managers_until_they_are_published() {
    for kind in &KINDS {
        let key = kind.key("option");
        let option = json!({ "id": 1, "yes": "1.000000", "no": 2, "abstain": null, "weight": 3 });
        for state in open_states().into_iter().chain([json!(3), json!(4)]) {
            let option = Kind::with_state(option.clone(), "pollstate", &state);
            let scene = Scene::new().with(option, &kind.collection("option"));
            let scene = scene.permits(1, &[kind.see]).delegates_may(&[kind.see, kind.manage]);
            scene.check_whole(DELEGATE, &key);
            scene.check_whole(ADMIN, &key);
            let removed: &[&str] = if state == json!(4) { &[] } else { &["yes", "no", "abstain"] };
            scene.check(ANONYMOUS, &key, scene.without(&key, removed));
            scene.check(GUEST, &key, scene.without(&key, removed));
        }
    }
}

/// (spec: restriction.md#votes)
#[test]
fn votes_are_for_managers_and_their_voters_until_they_are_published() {
    for kind in &KINDS {
        let key = kind.key("vote");
        for state in open_states().into_iter().chain([json!(3), json!(4)]) {
            let scene = |user: Value, delegated_user: Value| {
                let vote = json!({ "id": 1, "user_id": user, "delegated_user_id": delegated_user, "user_token": "ä" });
                let vote = Kind::with_state(vote, "pollstate", &state);
                Scene::new().with(vote, &kind.collection("vote")).permits(1, &[kind.see]).delegates_may(&[kind.see])
            };
            let is_published = state == json!(4);
            for scene in [scene(json!(DELEGATE), Value::Null), scene(json!(9), json!(DELEGATE))] {
                let own = scene.without(&key, if is_published { &[] } else { &["user_token"] });
                scene.check(DELEGATE, &key, own);
                for other in [COLLEAGUE, GUEST, ANONYMOUS] {
                    scene.check(other, &key, scene.without(&key, &[]).filter(|_| is_published));
                }
                scene.check_hidden(STRANGER, &key);
                let removed: &[&str] = if state == json!(3) || is_published { &[] } else { &["user_token"] };
                scene.check(ADMIN, &key, scene.without(&key, removed));
                let managed = scene.delegates_may(&[kind.see, kind.manage]);
                managed.check(COLLEAGUE, &key, managed.without(&key, removed));
            }
            // Anonymous never is the nobody who cast an anonymised vote.
            for scene in [scene(Value::Null, Value::Null), scene(json!(0), json!(0))] {
                for user in [ANONYMOUS, DELEGATE] {
                    scene.check(user, &key, scene.without(&key, &[]).filter(|_| is_published));
                }
            }
        }
    }
}
