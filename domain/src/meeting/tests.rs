//! Is a meeting what its snapshot and its changes say, whatever they look like?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::{Built, Change, Meeting};
use crate::collection::Collection;
use crate::element::Element;
use crate::ids::{ChangeId, ElementKey, UserId};
use crate::ports::element_store::{Bounds, RawElement, Snapshot};
use crate::reach::DecidingConfig;
use crate::testing::elements::CONFIGS;
use crate::testing::oracle::{Elements, Oracle, is_sound};
use crate::testing::strategies::{cases, history, snapshot};

fn raw(key: impl AsRef<[u8]>, json: Option<&str>) -> RawElement {
    RawElement { key: key.as_ref().to_vec(), json: json.map(|json| json.as_bytes().to_vec()) }
}

fn load(elements: Vec<RawElement>, before: Option<&Meeting>) -> Built {
    Meeting::load(Snapshot { bounds: Bounds { lowest: ChangeId(10), highest: ChangeId(10) }, elements }, before)
}

fn change(meeting: &Meeting, elements: Vec<RawElement>) -> Built {
    meeting.apply(Change { change_id: meeting.change_id().next(), elements })
}

fn known(elements: &Elements) -> BTreeMap<ElementKey, String> {
    let known = elements.iter().filter_map(|(key, element)| Some((key.parse().ok()?, element.to_string())));
    known.collect()
}

/// Checks that every way to read the meeting leads to these elements, and that what is derived from them is right.
fn check(meeting: &Meeting, elements: &Elements) -> Result<(), TestCaseError> {
    let known = known(elements);
    prop_assert_eq!(meeting.len(), known.len());
    prop_assert_eq!(meeting.is_empty(), known.is_empty());
    prop_assert!(meeting.keys().eq(known.keys().copied()));
    let texts = Collection::ALL.into_iter().flat_map(|collection| meeting.elements(collection));
    prop_assert_eq!(meeting.text_bytes(), texts.map(|element| element.json().len()).sum::<usize>());
    for collection in Collection::ALL {
        let listed: Vec<_> = meeting.elements(collection).map(|element| element.key()).collect();
        prop_assert!(listed.iter().eq(known.keys().filter(|key| key.collection == collection)));
    }
    for (key, element) in known.keys().map(|key| (key, &elements[&key.to_string()])) {
        let found = meeting.get(*key).ok_or_else(|| TestCaseError::fail(format!("{key} is not there")))?;
        prop_assert_eq!(found.is_unreadable(), !is_sound(&key.to_string(), element), "{}", key);
        if !found.is_unreadable() {
            prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(found.json()).expect("JSON"), element);
        }
    }
    for name in CONFIGS {
        let config = Oracle::of(elements).configuration(name);
        let value = config.map(|(_, element)| &element["value"]);
        let found = meeting.config(name).map(|text| serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
        prop_assert_eq!(found.as_ref(), value);
        if let Some(config) = DecidingConfig::from_name(name) {
            prop_assert_eq!(meeting.is_true(config), value == Some(&json!(true)));
        }
        let config_key = meeting.config_element(name).map(|element| element.key().to_string());
        prop_assert_eq!(config_key.as_ref(), config.map(|(key, _)| key));
    }
    let is_present = |(key, element): &(&String, &serde_json::Value)| {
        key.starts_with("users/user:") && is_sound(key, element) && element["is_present"] == true
    };
    prop_assert_eq!(meeting.present_users(), elements.iter().filter(is_present).count() as u64);
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_meeting_is_what_its_changes_made_of_it(history in history(8)) {
        let versions = history.versions();
        let mut meeting = Meeting::load(history.snapshot(), None).meeting;
        check(&meeting, &versions[0])?;
        prop_assert!(meeting.step().is_reset && meeting.step().written.is_empty());
        for ((change, writes), pair) in history.changes().into_iter().zip(&history.changes).zip(versions.windows(2)) {
            let id = change.change_id;
            let next = meeting.apply(change).meeting;
            check(&next, &pair[1])?;
            check(&meeting, &pair[0])?;
            prop_assert_eq!((next.change_id(), next.version().0), (id, meeting.version().0 + 1));
            prop_assert_eq!(next.bounds().lowest, meeting.bounds().lowest);

            let written: BTreeSet<ElementKey> = writes.iter().filter_map(|write| write.key.parse().ok()).collect();
            prop_assert!(!next.step().is_reset && next.step().written.iter().eq(&written));
            let oracles = (Oracle::of(&pair[0]), Oracle::of(&pair[1]));
            let began_or_ceased = oracles.0.required().symmetric_difference(oracles.1.required());
            let began_or_ceased = began_or_ceased.filter_map(|(user, _)| u64::try_from(*user).ok());
            let began_or_ceased = began_or_ceased.map(|user| ElementKey::user(UserId(user)));
            let touched: BTreeSet<_> =
                began_or_ceased.filter(|user| meeting.get(*user).is_some()).chain(written.clone()).collect();
            prop_assert!(next.step().touched.iter().eq(&touched), "{:?} is not {:?}", next.step().touched, touched);

            // What did not change is shared, not copied.
            for element in Collection::ALL.into_iter().flat_map(|collection| meeting.elements(collection)) {
                let key = element.key().to_string();
                if pair[0].get(&key) == pair[1].get(&key) {
                    prop_assert!(next.get(element.key()).is_some_and(|other| Arc::ptr_eq(element, other)), "{}", key);
                }
            }
            meeting = next;
        }
        // The same meeting read in one step.
        check(&Meeting::load(snapshot(&versions[versions.len() - 1], meeting.change_id()), Some(&meeting)).meeting, &versions[versions.len() - 1])?;
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic_and_problems_are_reported(
        key in prop_oneof![vec(any::<u8>(), 0..24), "[a-z/:0-9_+ .-]{0,24}".prop_map(String::into_bytes)],
        json in prop_oneof![
            vec(any::<u8>(), 0..64),
            "[\\[\\]{}:,\"\\\\a-zä€😀0-9 .\n-]{0,64}".prop_map(String::into_bytes),
            r#"\{("(id|speakers|state|groups_id|comments|voted_id)":([0-9]{1,3}|null|\[[0-9],?\]|"ä\\u[0-9a-f]{4}")[,}]){1,4}"#
                .prop_map(String::into_bytes),
        ],
        collection in proptest::sample::select(Collection::ALL.to_vec()),
    ) {
        let element = Element::read(ElementKey::new(collection, 1), &json);
        prop_assert_eq!(element.element.is_unreadable(), element.problem.is_some());
        prop_assert!(element.element.json().is_ascii());
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(element.element.json()).is_ok());
        let _ = Change::parse(&json);
        let _ = Change::parse(&[b"{\"change_id\":7,\"elements\":", &json[..], b"}"].concat());
        if let Ok(text) = std::str::from_utf8(&key) && let Ok(parsed) = text.parse::<ElementKey>() {
            prop_assert_eq!(parsed.to_string(), text);
        }

        let sound = raw("topics/topic:1", Some(r#"{"id":1}"#));
        let odd = RawElement { key, json: Some(json.clone()) };
        let second = RawElement { key: b"topics/topic:2".to_vec(), json: Some(json) };
        let built = load(vec![odd.clone(), sound.clone(), second], None);
        prop_assert!(built.meeting.get(ElementKey::new(Collection::Topic, 1)).is_some_and(|topic| !topic.is_unreadable()));
        let built = change(&built.meeting, vec![odd, sound]);
        prop_assert!(built.meeting.get(ElementKey::new(Collection::Topic, 1)).is_some());
    }
}

#[test]
fn unreadable_elements_are_reported_and_nothing_else_is_lost() {
    let good = || raw("topics/topic:1", Some(r#"{"id":1}"#));
    let elements = || {
        vec![
            raw("topics/topic", Some("{}")),
            raw("topics/topic:x", Some("{}")),
            raw(b"topics/topic:\xff", Some("{}")),
            raw("topics/topic:2", Some("{")),
            raw("topics/topic:3", Some("[3]")),
            raw("topics/topic:4", Some(r#"{"id":5}"#)),
            good(),
            raw("agenda/item:1", Some(r#"{"id":1,"is_hidden":"secret value"}"#)),
            // Nobody may see these, so there is nothing to report.
            raw("plugin/thing:1", Some("{")),
        ]
    };
    let empty = load(Vec::new(), None).meeting;
    for built in [load(elements(), None), change(&empty, elements())] {
        let mut keys: Vec<_> = built.problems.iter().map(|problem| problem.key.as_str()).collect();
        keys.sort_unstable();
        let expected = [
            "agenda/item:1",
            "topics/topic",
            "topics/topic:2",
            "topics/topic:3",
            "topics/topic:4",
            "topics/topic:x",
            "topics/topic:\u{fffd}",
        ];
        assert_eq!(keys, expected);
        assert!(built.problems.iter().all(|problem| !problem.text.contains("secret")), "{:?}", built.problems);
        assert_eq!(built.meeting.len(), 5);
        assert!(
            built.meeting.get("topics/topic:1".parse().expect("a key")).is_some_and(|topic| !topic.is_unreadable())
        );
    }
    // Once for the version of the element: the next change does not report it again.
    let built = change(&load(elements(), None).meeting, vec![good()]);
    assert!(built.problems.is_empty());
}

#[test]
fn changes_are_read_as_the_server_writes_them() {
    let parse = |text: &str| Change::parse(text.as_bytes()).map_err(|error| error.to_string());
    let change = parse(
        r#" {"elements": {"core/tag:1": {"id": 1.0, "n": "ä"}, "core/tag:2": null, "x": {}, "y": { }}, "change_id": 7} "#,
    );
    let expected = vec![
        raw("core/tag:1", Some(r#"{"id": 1.0, "n": "ä"}"#)),
        raw("core/tag:2", None),
        raw("x", None),
        raw("y", None),
    ];
    assert_eq!(change, Ok(Change { change_id: ChangeId(7), elements: expected }));
    assert_eq!(parse(r#"{"elements":{},"change_id":1}"#).map(|change| change.elements.len()), Ok(0));
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"elements":{}}"#,
        r#"{"change_id":1}"#,
        r#"{"elements":[],"change_id":1}"#,
        r#"{"elements":{},"change_id":"1"}"#,
        r#"{"elements":{},"change_id":-1}"#,
        r#"{"elements":{},"change_id":1.5}"#,
        r#"{"elements":{"a":1},"change_id":1}"#,
        r#"{"elements":{"a":"{}"},"change_id":1}"#,
        r#"{"elements":{"a":[]},"change_id":1}"#,
        r#"{"elements":{"a":{},"change_id":1}"#,
        r#"{"elements":{},"change_id":1} x"#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

fn user(hash: Option<&str>) -> RawElement {
    let user = json!({ "id": 5, "session_auth_hash": hash, "groups_id": [] });
    raw("users/user:5", Some(&user.to_string()))
}

#[track_caller]
fn check_replaced(meeting: &Meeting, expected: &[&str]) {
    let found: BTreeSet<&str> = meeting.replaced_hashes(UserId(5)).iter().map(|hash| &**hash).collect();
    assert_eq!(found, expected.iter().copied().collect());
    assert!(meeting.replaced_hashes(UserId(6)).is_empty());
}

/// "A session whose hash this service has *seen replaced* by another is refused" (spec: auth.md#password-change)
#[test]
fn password_hashes_that_were_replaced_are_remembered() {
    let first = load(vec![user(Some("a"))], None).meeting;
    check_replaced(&first, &[]);
    let same = change(&first, vec![user(Some("a"))]).meeting;
    check_replaced(&same, &[]);
    let second = change(&same, vec![user(Some("b"))]).meeting;
    check_replaced(&second, &["a"]);
    // The hashes survive other changes, a third password, and reloading the meeting.
    let third =
        change(&change(&second, vec![raw("core/tag:1", Some(r#"{"id":1}"#))]).meeting, vec![user(Some("c"))]).meeting;
    check_replaced(&third, &["a", "b"]);
    check_replaced(&load(vec![user(Some("c"))], Some(&third)).meeting, &["a", "b"]);
    check_replaced(&load(vec![user(Some("d"))], Some(&third)).meeting, &["a", "b", "c"]);
    check_replaced(&load(Vec::new(), Some(&third)).meeting, &["a", "b"]);
    // An earlier version is unaffected.
    check_replaced(&first, &[]);
    check_replaced(&second, &["a"]);
}

#[test]
fn a_hash_that_is_not_there_replaces_nothing() {
    let first = load(vec![user(Some("a"))], None).meeting;
    check_replaced(&change(&first, vec![user(None)]).meeting, &[]);
    check_replaced(&change(&first, vec![raw("users/user:5", None)]).meeting, &[]);
}
