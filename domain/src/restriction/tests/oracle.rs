//! Do the rules decide as the plain words of the specification do, for random meetings and after random changes?

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{seen_text, viewer};
use crate::ids::ElementKey;
use crate::meeting::Meeting;
use crate::testing::oracle::{Elements, Oracle};
use crate::testing::strategies::{LOWEST, VIEWERS, cases, history, meeting, snapshot};

fn check(meeting: &Meeting, elements: &Elements) -> Result<(), TestCaseError> {
    let oracle = Oracle::of(elements);
    for user in VIEWERS {
        let expected = oracle.view(user);
        let viewer = viewer(meeting, user);
        let visible: BTreeMap<String, Value> = elements
            .keys()
            .filter_map(|key| {
                let parsed: ElementKey = key.parse().ok()?;
                let text = seen_text(meeting, &viewer, parsed)?;
                Some((key.clone(), serde_json::from_str(&text).expect("JSON")))
            })
            .collect();
        prop_assert_eq!(visible, expected, "user {} sees", user);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn random_meetings_are_seen_as_the_oracle_sees_them(elements in meeting()) {
        check(&Meeting::load(snapshot(&elements, LOWEST), None).meeting, &elements)?;
    }

    /// What is derived from elements is kept in step with every change.
    #[test]
    fn random_changes_are_seen_as_the_oracle_sees_them(history in history(12)) {
        let mut meeting = Meeting::load(history.snapshot(), None).meeting;
        for change in history.changes() {
            meeting = meeting.apply(change).meeting;
        }
        check(&meeting, &history.versions()[history.changes.len()])?;
    }
}
