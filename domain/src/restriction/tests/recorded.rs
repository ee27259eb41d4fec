//! Do the rules decide as the OpenSlides server does, for a recorded meeting?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{meeting, seen};
use crate::ids::ElementKey;
use crate::testing::oracle::{self, Elements};

/// One of the recorded cases.
#[expect(clippy::disallowed_methods, reason = "the cases are kept in files outside the project")]
fn recorded<T: DeserializeOwned>(file: &str) -> T {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors")).join(file);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("the recorded cases are JSON")
}

#[test]
#[cfg_attr(not(has_recorded_cases), ignore = "the recorded cases are not beside the project, in ../shared/vectors")]
fn every_recorded_user_sees_what_the_server_shows() {
    let elements: Elements = recorded("meeting.json");
    let views: BTreeMap<u64, Elements> = recorded("restricted.json");
    let meeting = meeting(&elements);
    assert_eq!(meeting.len(), elements.len());
    for (user, expected) in views {
        for key in elements.keys() {
            let parsed: ElementKey = key.parse().expect(key);
            assert_eq!(seen(&meeting, user, parsed).as_ref(), expected.get(key), "user {user} sees {key}");
        }
        assert_eq!(oracle::view(&elements, user), expected, "the oracle for user {user}");
    }
}

#[test]
#[cfg_attr(not(has_recorded_cases), ignore = "the recorded cases are not beside the project, in ../shared/vectors")]
fn recorded_elements_require_the_users_that_the_server_says() {
    #[derive(Deserialize)]
    struct Expected {
        ids: BTreeSet<u64>,
        perm: String,
    }
    let elements: Elements = recorded("meeting.json");
    let required: BTreeMap<String, Expected> = recorded("required_users.json");
    let meeting = meeting(&elements);
    // Only some elements are recorded.
    for (key, expected) in required {
        let element = meeting.get(key.parse().expect(&key)).expect(&key);
        let found = element.requirement();
        let found = found.map(|found| (found.users.iter().map(|user| user.0).collect(), found.permission.name()));
        let expected = Some((expected.ids, expected.perm.as_str())).filter(|(ids, _)| !ids.is_empty());
        assert_eq!(found, expected, "{key}");
    }
}
