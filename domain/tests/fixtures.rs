//! Is the project's own meeting, `fixtures/meeting.json`, readable by the service and consistent?

use domain::collection::Collection;
use domain::testing::consistency::{MeetingMap, problems};

fn meeting() -> MeetingMap {
    let text = include_str!("../../fixtures/meeting.json");
    serde_json::from_str(text).expect("fixtures/meeting.json is a JSON object")
}

#[test]
fn every_collection_occurs() {
    let meeting = meeting();
    for collection in Collection::ALL {
        let prefix = format!("{collection}:");
        assert!(meeting.keys().any(|key| key.starts_with(&prefix)), "{collection} is missing");
    }
}

#[test]
fn nothing_is_unreadable_and_every_reference_resolves() {
    assert_eq!(problems(&meeting()), Vec::<String>::new());
}

#[test]
fn it_has_what_tests_and_the_demo_rely_on() {
    let meeting = meeting();
    for key in ["core/projector:1", "core/projector:2", "core/projector:130", "users/user:1", "users/user:4097"] {
        assert!(meeting.contains_key(key), "{key} is missing");
    }
    let text = include_str!("../../fixtures/meeting.json");
    for needle in ["ü", "😀", r#"\""#, r"\\"] {
        assert!(text.contains(needle), "no {needle} in the texts");
    }
    assert!(meeting.len() <= 400, "{} elements are more than a person keeps by hand", meeting.len());
    let anonymous = meeting.values().find(|element| element["key"] == "general_system_enable_anonymous");
    assert_eq!(anonymous.map(|config| &config["value"]), Some(&serde_json::Value::Bool(true)));
}
