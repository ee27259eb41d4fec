//! Do the rules decide as the OpenSlides server does, for a recorded meeting?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{meeting, seen};
use crate::ids::ElementKey;
use crate::testing::oracle::{self, Elements};

/// One of the recorded cases; `None`, said aloud, if they are not there.
#[expect(clippy::print_stderr, reason = "a test that is passed over must say so")]
#[expect(clippy::disallowed_methods, reason = "the cases are kept in files outside the project")]
fn recorded<T: DeserializeOwned>(file: &str) -> Option<T> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors")).join(file);
    match fs::read(&path) {
        Ok(text) => Some(serde_json::from_slice(&text).expect("the recorded cases are JSON")),
        Err(error) => {
            eprintln!("PASSED OVER: the recorded cases are missing ({}: {error})", path.display());
            None
        }
    }
}

#[test]
fn every_recorded_user_sees_what_the_server_shows() {
    let (Some(elements), Some(views)) =
        (recorded::<Elements>("meeting.json"), recorded::<BTreeMap<u64, Elements>>("restricted.json"))
    else {
        return;
    };
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
fn recorded_elements_require_the_users_that_the_server_says() {
    #[derive(Deserialize)]
    struct Expected {
        ids: BTreeSet<u64>,
        perm: String,
    }
    let (Some(elements), Some(required)) =
        (recorded::<Elements>("meeting.json"), recorded::<BTreeMap<String, Expected>>("required_users.json"))
    else {
        return;
    };
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
