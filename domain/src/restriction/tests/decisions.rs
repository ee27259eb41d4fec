//! Is it correct to share work by access profile, by block, and by what a change touched?

use proptest::prelude::*;

use super::{COLLEAGUE, DELEGATE, Scene, seen_text, viewer};
use crate::ids::{ElementKey, UserId};
use crate::meeting::{AffectedViewers, Meeting, view_entry, view_in};
use crate::restriction::viewer::Viewer;
use crate::testing::strategies::{History, LOWEST, VIEWERS, cases, history, meeting, snapshot};
use serde_json::json;

/// For each step of the history, the meeting before and after it.
fn steps(history: &History) -> Vec<(Meeting, Meeting)> {
    let mut before = Meeting::load(history.snapshot(), None).meeting;
    let steps = history.changes().into_iter().map(|change| {
        let after = before.apply(change).meeting;
        (std::mem::replace(&mut before, after.clone()), after)
    });
    steps.collect()
}

fn decides_for(meeting: &Meeting, key: ElementKey, user: u64) -> bool {
    match Viewer::affected_by(meeting, key) {
        AffectedViewers::Nobody => false,
        AffectedViewers::User(decided) => decided == UserId(user),
        AffectedViewers::Everybody => true,
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn viewers_with_equal_profiles_who_are_not_affected_by_a_block_see_it_alike(elements in meeting()) {
        let meeting = Meeting::load(snapshot(&elements, LOWEST), None).meeting;
        for (_, block) in meeting.blocks() {
            let mut unnamed: Vec<Viewer> = VIEWERS.iter().map(|user| viewer(&meeting, *user)).collect();
            unnamed.retain(|viewer| viewer.user().is_some() && !viewer.is_among(block.affected_users()));
            for pair in unnamed.iter().flat_map(|one| unnamed.iter().map(move |other| (one, other))) {
                if pair.0.profile() == pair.1.profile() {
                    for entry in block.entries() {
                        let views = (view_entry(pair.0, entry), view_entry(pair.1, entry));
                        prop_assert_eq!(views.0, views.1, "{:?} see {}", pair, entry.element.key());
                    }
                }
            }
        }
    }

    #[test]
    fn a_viewer_changes_only_through_elements_that_affect_it(history in history(6)) {
        for (before, after) in steps(&history) {
            for user in VIEWERS {
                if viewer(&before, user) != viewer(&after, user) {
                    let decides = |key: &ElementKey| decides_for(&before, *key, user) || decides_for(&after, *key, user);
                    prop_assert!(after.step().written.iter().any(decides), "{user}: {:?}", after.step());
                }
            }
        }
    }

    #[test]
    fn an_unchanged_viewer_sees_changes_only_in_touched_elements(history in history(6)) {
        for (before, after) in steps(&history) {
            let keys = |meeting: &Meeting| -> Vec<ElementKey> {
                let entries = meeting.blocks().flat_map(|(_, block)| block.entries());
                entries.map(|entry| entry.element.key()).collect()
            };
            for user in VIEWERS.into_iter().filter(|user| viewer(&before, *user) == viewer(&after, *user)) {
                let (one, other) = (viewer(&before, user), viewer(&after, user));
                for key in keys(&before).into_iter().chain(keys(&after)) {
                    if after.step().touched.binary_search(&key).is_err() {
                        prop_assert_eq!(view_in(&before, &one, key), view_in(&after, &other, key), "user {} sees {}", user, key);
                        prop_assert_eq!(seen_text(&before, &one, key), seen_text(&after, &other, key), "{}", key);
                    }
                }
            }
        }
    }
}

/// The delegate, or a user who delegated their vote to the delegate, is an affected user; a colleague with an equal
/// access profile is not.
#[test]
fn viewers_who_see_an_element_differently_from_their_profile_are_affected_users() {
    const DELEGATOR: u64 = 9;
    for (collection, element, permission) in [
        (
            "agenda/list-of-speakers",
            json!({ "id": 1, "speakers": [{ "user_id": DELEGATE, "note": "x" }] }),
            "agenda.can_see_list_of_speakers",
        ),
        (
            "motions/motion",
            json!({ "id": 1, "state_restriction": ["is_submitter"], "submitters": [{ "user_id": DELEGATE }] }),
            "motions.can_see",
        ),
        ("motions/motion-poll", json!({ "id": 1, "voted_id": [DELEGATE] }), "motions.can_see"),
        ("motions/motion-poll", json!({ "id": 1, "voted_id": [DELEGATOR] }), "motions.can_see"),
        ("assignments/assignment-vote", json!({ "id": 1, "user_id": DELEGATE }), "assignments.can_see"),
        ("assignments/assignment-vote", json!({ "id": 1, "delegated_user_id": DELEGATE }), "assignments.can_see"),
        ("users/personal-note", json!({ "id": 1, "user_id": DELEGATE }), "agenda.can_see"),
        ("users/user", json!({ "id": DELEGATOR }), "agenda.can_see"),
        (
            "users/user",
            json!({ "id": DELEGATE, "groups_id": [3], "vote_delegated_from_users_id": [DELEGATOR] }),
            "agenda.can_see",
        ),
    ] {
        let key: ElementKey = format!("{collection}:{}", element["id"]).parse().expect("a key");
        let scene = Scene::new()
            .delegates_may(&[permission])
            .with_user_field(DELEGATE, "vote_delegated_from_users_id", json!([DELEGATOR]))
            .with(element, collection);
        let meeting = super::meeting(&scene.elements);
        let (delegate, colleague) = (viewer(&meeting, DELEGATE), viewer(&meeting, COLLEAGUE));
        assert_eq!(delegate.profile(), colleague.profile());
        assert_ne!(view_in(&meeting, &delegate, key), view_in(&meeting, &colleague, key), "{key}");
        let (_, block) = meeting
            .blocks()
            .find(|(_, block)| block.entry(key.id).is_some_and(|entry| entry.element.key() == key))
            .expect("a block");
        assert!(delegate.is_among(block.affected_users()), "{key}");
        assert!(!colleague.is_among(block.affected_users()), "{key}");
    }
}
