//! May work be shared as the fast path shares it: by standing, by block, and by what a change touched?

use proptest::prelude::*;

use super::{seen_text, viewer};
use crate::ids::{ElementKey, UserId};
use crate::meeting::Meeting;
use crate::restriction::{view, view_entry};
use crate::testing::strategies::{History, LOWEST, VIEWERS, cases, history, meeting, snapshot};
use crate::viewer::{Deciding, Viewer};

/// Each step of the history: the meeting before it and after it.
fn steps(history: &History) -> Vec<(Meeting, Meeting)> {
    let mut before = Meeting::load(history.snapshot(), None).meeting;
    let steps = history.changes().into_iter().map(|change| {
        let after = before.apply(change).meeting;
        (std::mem::replace(&mut before, after.clone()), after)
    });
    steps.collect()
}

fn decides_for(meeting: &Meeting, key: ElementKey, user: u64) -> bool {
    match Viewer::deciding(meeting, key) {
        Deciding::Nobody => false,
        Deciding::User(decided) => decided == UserId(user),
        Deciding::Everybody => true,
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn two_of_equal_standing_whom_a_block_does_not_name_see_it_alike(elements in meeting()) {
        let meeting = Meeting::load(snapshot(&elements, LOWEST), None).meeting;
        for (_, block) in meeting.blocks() {
            let mut unnamed: Vec<Viewer> = VIEWERS.iter().map(|user| viewer(&meeting, *user)).collect();
            unnamed.retain(|viewer| viewer.user().is_some() && !viewer.is_named_in(block.named()));
            for pair in unnamed.iter().flat_map(|one| unnamed.iter().map(move |other| (one, other))) {
                if pair.0.standing() == pair.1.standing() {
                    for entry in block.entries() {
                        let views = (view_entry(pair.0, entry), view_entry(pair.1, entry));
                        prop_assert_eq!(views.0, views.1, "{:?} see {}", pair, entry.element.key());
                    }
                }
            }
        }
    }

    #[test]
    fn who_one_is_changes_only_by_elements_that_decide_it(history in history(6)) {
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
    fn for_the_same_viewer_only_what_a_step_touched_looks_different(history in history(6)) {
        for (before, after) in steps(&history) {
            let keys = |meeting: &Meeting| -> Vec<ElementKey> {
                let entries = meeting.blocks().flat_map(|(_, block)| block.entries());
                entries.map(|entry| entry.element.key()).collect()
            };
            for user in VIEWERS.into_iter().filter(|user| viewer(&before, *user) == viewer(&after, *user)) {
                let (one, other) = (viewer(&before, user), viewer(&after, user));
                for key in keys(&before).into_iter().chain(keys(&after)) {
                    if after.step().touched.binary_search(&key).is_err() {
                        prop_assert_eq!(view(&one, &before, key), view(&other, &after, key), "user {} sees {}", user, key);
                        prop_assert_eq!(seen_text(&before, &one, key), seen_text(&after, &other, key), "{}", key);
                    }
                }
            }
        }
    }
}
