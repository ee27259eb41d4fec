//! Do unchanged values keep their bytes, whatever is removed beside them?

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Scene, seen_text};
use crate::ids::{ChangeId, ElementKey};
use crate::meeting::Change;
use crate::ports::element_store::RawElement;

const USER: u64 = super::DELEGATE;

/// The fields of the element as they look when the delegate, who has `permissions`, sees it.
fn fields_seen(key: &str, json: &str, permissions: &[&str]) -> BTreeMap<String, String> {
    let scene = Scene::new().delegates_may(permissions);
    let raw = RawElement { key: key.as_bytes().to_vec(), json: Some(json.as_bytes().to_vec()) };
    let change = Change { change_id: ChangeId(1001), elements: vec![raw] };
    let meeting = super::meeting(&scene.elements).apply(change).meeting;
    let key: ElementKey = key.parse().expect(key);
    let text = seen_text(&meeting, &super::viewer(&meeting, USER), key).expect("visible");
    assert!(text.is_ascii(), "{text}");
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).expect("an object");
    fields.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}

const PLAIN: [(&str, &str); 9] = [
    ("half", "1.50"),
    ("exponent", "1E+3"),
    ("long", "123456789012345678901234567890.000000000000000000001"),
    ("minus", "-0.0"),
    ("float", "1605606313.926311"),
    ("escapes", r#""\/\u00e4\u00E4\"\\\n""#),
    ("nested", r#"{"b":[1.0,{"a":null}],"a":1e0}"#),
    ("surrogates", r#""\ud83d\ude00""#),
    ("lone", r#""\ud83d""#),
];

#[track_caller]
fn check(key: &str, own_fields: &str, permissions: &[&str], removed: &[&str]) {
    let plain: Vec<String> = PLAIN.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
    let json = format!("{{ {}, {own_fields}, \"umlaut\": \"Größe \u{1F600}\" }}", plain.join(" , "));
    let seen = fields_seen(key, &json, permissions);
    for (name, value) in PLAIN {
        assert_eq!(seen.get(name).map(String::as_str), Some(value), "{key}: {name}");
    }
    assert_eq!(seen["umlaut"], r#""Gr\u00f6\u00dfe \ud83d\ude00""#, "{key}");
    for name in removed {
        assert!(!seen.contains_key(*name), "{key}: {name}");
    }
}

#[test]
fn values_beside_what_is_removed_keep_their_bytes() {
    check("topics/topic:5", r#""id": 5"#, &["agenda.can_see"], &[]);
    check(
        "agenda/item:5",
        r#""id": 5, "duration": 1.50, "comment": "x""#,
        &["agenda.can_see"],
        &["duration", "comment"],
    );
    // A name may be written in several ways, and more than once.
    check(
        "agenda/item:5",
        r#""id": 5, "dur\u0061tion": 1, "duration": 2, "\u0063omment": 3"#,
        &["agenda.can_see"],
        &["duration", "comment"],
    );
    check(
        "motions/motion-poll:5",
        r#""id": 5, "state": 2, "voted_id": [3, 1], "votescast": "1.0""#,
        &["motions.can_see"],
        &["voted_id", "votescast"],
    );
    check(
        "agenda/list-of-speakers:5",
        r#""id": 5, "speakers": [{"note": "x", "user_id": 9}]"#,
        &["agenda.can_see_list_of_speakers"],
        &[],
    );
    check("motions/motion:5", r#""id": 5, "comments": null"#, &["motions.can_see"], &[]);
}

#[test]
fn what_is_left_of_speakers_comments_and_users_keeps_its_bytes() {
    let list = r#"{"id":5,"speakers":[{"user_id":9,"n\u006fte":1,"w":1.50,"e":"\u00E4"},{"user_id":5,"note":2.0}]}"#;
    let seen = fields_seen("agenda/list-of-speakers:5", list, &["agenda.can_see_list_of_speakers"]);
    assert_eq!(seen["speakers"], r#"[{"user_id":9,"w":1.50,"e":"\u00E4"},{"user_id":5,"note":2.0}]"#);

    let motion = r#"{"id":5,"comments":[{"read_groups_id":[4]},{"c":"\/ä","read_groups_id":[ 3 ],"w":1e1}]}"#;
    let seen = fields_seen("motions/motion:5", motion, &["motions.can_see"]);
    assert_eq!(seen["comments"], r#"[{"c":"\/\u00e4","read_groups_id":[3],"w":1e1}]"#);

    let user = r#"{"id":9,"vote_weight":1.50,"username":"\u00E4","\u0075sername":"\/","session_auth_hash":"x"}"#;
    let seen = fields_seen("users/user:9", user, &["users.can_see_name"]);
    assert_eq!((&*seen["vote_weight"], &*seen["username"], &*seen["gender"]), ("1.50", r#""\/""#, "null"));
    assert!(!seen.contains_key("session_auth_hash"));
}
