//! Does a client get what the stream promises, in small, readable cases? (spec: stream.md#promise)

use std::time::Duration;

use application::autoupdate::start::{Start, start};
use application::delivery::line::{Encoder, Line};
use application::publishing::cursor::{Cursor, NextLine};
use application::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
use domain::access::{Access, access};
use domain::ids::{ChangeId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting};
use domain::ports::authenticator::Session;
use domain::ports::element_store::{Bounds, RawElement, Snapshot};
use domain::restriction::viewer::Viewer;
use serde_json::{Value, json};

const LOWEST: u64 = 100;

fn raw(key: &str, value: &Value) -> RawElement {
    RawElement { key: key.into(), json: (!value.is_null()).then(|| value.to_string().into_bytes()) }
}

fn snapshot(change_id: u64, elements: &[(&str, Value)]) -> Snapshot {
    Snapshot {
        bounds: Bounds { lowest: ChangeId(LOWEST), highest: ChangeId(change_id) },
        elements: elements.iter().map(|(key, value)| raw(key, value)).collect(),
    }
}

/// Group 3 sees the agenda, and user 5 is in it.
fn meeting() -> Vec<(&'static str, Value)> {
    vec![
        ("users/group:3", json!({"id": 3, "permissions": ["agenda.can_see"]})),
        ("users/user:5", json!({"id": 5, "username": "five", "groups_id": [3]})),
        ("topics/topic:1", json!({"id": 1, "title": "ä"})),
        ("topics/topic:200", json!({"id": 200, "title": "b"})),
        ("motions/workflow:1", json!({"id": 1})),
    ]
}

struct Service {
    publisher: MeetingPublisher,
    change_id: u64,
}

impl Service {
    fn new() -> Self {
        let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
        publisher.publish([Meeting::load(snapshot(LOWEST, &meeting()), None).meeting], Duration::ZERO);
        Self { publisher, change_id: LOWEST }
    }

    fn change(&mut self, elements: &[(&str, Value)]) {
        self.change_id += 1;
        let elements = elements.iter().map(|(key, value)| raw(key, value)).collect();
        let change = Change { change_id: ChangeId(self.change_id), elements };
        let published = self.publisher.published().expect("a meeting");
        self.publisher.publish([published.current().apply(change).meeting], Duration::ZERO);
    }

    fn connect(&self, user: u64, change_id: u64) -> (Cursor, Option<Value>) {
        let published = self.publisher.published().expect("a meeting");
        let session = Session { user: Some(UserId(user)), ..Session::anonymous() };
        let Access::Granted(user) = access(published.current(), &session) else {
            panic!("user {user} is refused");
        };
        let viewer = Viewer::resolve(published.current(), user);
        match start(&published, session, viewer, ChangeId(change_id)) {
            Start::Ready(started) => (started.cursor, started.first_line.map(|line| self.text(line))),
            other => panic!("cannot start: {other:?}"),
        }
    }

    fn next(&self, cursor: &mut Cursor) -> Option<Value> {
        match cursor.next(&self.publisher.published().expect("a meeting")) {
            NextLine::Nothing => None,
            NextLine::Line(line) => Some(self.text(line)),
            NextLine::End => panic!("the stream ended"),
        }
    }

    fn text(&self, mut line: Line) -> Value {
        let mut encoder = Encoder::plain();
        let mut text = Vec::new();
        while let Some(part) = line.next_part(self.publisher.render_cache(), &mut encoder) {
            text.extend_from_slice(&part);
        }
        assert!(text.is_ascii());
        assert_eq!(text.iter().position(|byte| *byte == b'\n'), Some(text.len() - 1));
        serde_json::from_slice(&text).expect("a line of JSON")
    }
}

fn five() -> Value {
    json!({"id": 5, "username": "five", "title": null, "first_name": null, "last_name": null, "structure_level": null,
        "number": null, "about_me": null, "groups_id": [3], "is_present": null, "is_committee": null,
        "vote_weight": null, "gender": null, "email": null, "vote_delegated_to_id": null,
        "vote_delegated_from_users_id": null})
}

/// (spec: stream.md#from-zero)
#[test]
fn a_new_client_gets_everything_it_may_see() {
    let (_, line) = Service::new().connect(5, 0);
    let expected = json!({
        "changed": {
            "topics/topic": [{"id": 1, "title": "ä"}, {"id": 200, "title": "b"}],
            "users/group": [{"id": 3, "permissions": ["agenda.can_see"]}],
            "users/user": [five()],
        },
        "deleted": {}, "from_change_id": 0, "to_change_id": 100, "all_data": true
    });
    assert_eq!(line, Some(expected));
}

/// (spec: stream.md#joining)
#[test]
fn lines_join_over_changes_that_show_nothing() {
    let mut service = Service::new();
    let (mut cursor, first) = service.connect(5, LOWEST);
    assert_eq!(first, None);
    service.change(&[("motions/workflow:1", json!({"id": 1, "name": "hidden"}))]);
    assert_eq!(service.next(&mut cursor), None);
    service.change(&[("topics/topic:1", json!({"id": 1, "title": "ä"}))]);
    assert_eq!(service.next(&mut cursor), None, "the view is the same");
    service.change(&[("topics/topic:200", Value::Null), ("topics/topic:7", json!({"id": 7}))]);
    let expected = json!({
        "changed": {"topics/topic": [{"id": 7}]}, "deleted": {"topics/topic": [200]},
        "from_change_id": 100, "to_change_id": 103, "all_data": false
    });
    assert_eq!(service.next(&mut cursor), Some(expected));
    assert_eq!(service.next(&mut cursor), None);
}

/// (spec: stream.md#why-it-changed)
#[test]
fn what_a_group_may_no_longer_see_is_removed_at_once_and_returns() {
    let mut service = Service::new();
    let (mut cursor, _) = service.connect(5, LOWEST);
    let without = json!({"id": 3, "permissions": []});
    let with = json!({"id": 3, "permissions": ["agenda.can_see"]});
    service.change(&[("users/group:3", without.clone())]);
    let expected = json!({
        "changed": {"users/group": [without]}, "deleted": {"topics/topic": [1, 200]},
        "from_change_id": 100, "to_change_id": 101, "all_data": false
    });
    assert_eq!(service.next(&mut cursor), Some(expected));
    service.change(&[("users/group:3", with.clone())]);
    let expected = json!({
        "changed": {"topics/topic": [{"id": 1, "title": "ä"}, {"id": 200, "title": "b"}], "users/group": [with]},
        "deleted": {}, "from_change_id": 101, "to_change_id": 102, "all_data": false
    });
    assert_eq!(service.next(&mut cursor), Some(expected));
}

/// (spec: stream.md#wider)
#[test]
fn after_a_reconnect_every_written_key_is_named() {
    let mut service = Service::new();
    service.change(&[("topics/topic:1", json!({"id": 1, "title": "x"})), ("motions/workflow:1", json!({"id": 1}))]);
    service.change(&[("topics/topic:1", json!({"id": 1, "title": "ä"})), ("topics/topic:9", json!({"id": 9}))]);
    service.change(&[("topics/topic:9", Value::Null)]);
    let (_, line) = service.connect(5, LOWEST);
    let expected = json!({
        "changed": {"topics/topic": [{"id": 1, "title": "ä"}]}, "deleted": {"topics/topic": [9]},
        "from_change_id": 100, "to_change_id": 103, "all_data": false
    });
    assert_eq!(line, Some(expected));
}

#[test]
fn reordering_the_fields_of_an_object_is_not_a_change() {
    let mut service = Service::new();
    let (mut cursor, _) = service.connect(5, LOWEST);
    service.change(&[("topics/topic:1", json!({"id": 1, "title": "ä", "text": 7}))]);
    assert!(service.next(&mut cursor).is_some());
    let reordered =
        RawElement { key: "topics/topic:1".into(), json: Some(br#"{"text":7,"title":"\u00e4","id":1}"#.to_vec()) };
    let change = Change { change_id: ChangeId(102), elements: vec![reordered] };
    let published = service.publisher.published().expect("a meeting");
    service.publisher.publish([published.current().apply(change).meeting], Duration::ZERO);
    assert_eq!(service.next(&mut cursor), None);
}

/// (spec: stream.md#reset, stream.md#all-data)
#[test]
fn a_reset_sends_everything_as_the_next_line() {
    let service = Service::new();
    let (mut cursor, _) = service.connect(5, LOWEST);
    let published = service.publisher.published().expect("a meeting");
    let mut fresh = snapshot(500, &meeting());
    fresh.bounds.lowest = ChangeId(500);
    service.publisher.publish([Meeting::load(fresh, Some(published.current())).meeting], Duration::ZERO);
    let line = service.next(&mut cursor).expect("a line");
    assert_eq!(
        (&line["all_data"], &line["from_change_id"], &line["to_change_id"]),
        (&json!(true), &json!(100), &json!(500))
    );
    assert_eq!(line["changed"]["topics/topic"].as_array().map(Vec::len), Some(2));
}

/// Publishes the meeting again, with these change ids.
fn rebuild(service: &mut Service, lowest: u64, highest: u64) {
    let published = service.publisher.published().expect("a meeting");
    let mut fresh = snapshot(highest, &meeting());
    fresh.bounds.lowest = ChangeId(lowest);
    service.publisher.publish([Meeting::load(fresh, Some(published.current())).meeting], Duration::ZERO);
    service.change_id = highest;
}

/// (spec: stream.md#ambiguous-ids)
#[test]
fn after_a_reset_an_old_id_is_not_mistaken_for_a_new_one() {
    // The same lowest id, and a lower one: in both cases the ids up to 102 are assigned a second time.
    for lowest in [LOWEST, LOWEST - 50] {
        let mut service = Service::new();
        service.change(&[("topics/topic:7", json!({"id": 7}))]);
        service.change(&[("topics/topic:8", json!({"id": 8}))]);
        rebuild(&mut service, lowest, LOWEST);
        for id in 1..=3 {
            service.change(&[("topics/topic:1", json!({"id": 1, "title": id}))]);
        }
        let starts = |change_id| service.connect(5, change_id).1.map(|line| line["all_data"] == json!(true));
        assert_eq!((101..=103).map(starts).collect::<Vec<_>>(), [Some(true), Some(true), None], "{lowest}");
    }
}

/// (spec: stream.md#served-as-another)
#[test]
fn a_client_served_as_another_user_gets_everything() {
    let anonymous = json!({"id": 1, "key": "general_system_enable_anonymous", "value": true});
    let user = json!({"id": 5, "username": "five", "groups_id": [3]});
    let mut service = Service::new();
    service.change(&[("core/config:1", anonymous)]);
    service.change(&[("users/user:5", Value::Null)]);
    let (mut cursor, line) = service.connect(5, LOWEST + 1);
    assert_eq!(line.map(|line| line["all_data"].clone()), Some(json!(true)), "the client had what user 5 saw");
    service.change(&[("users/user:5", user)]);
    let published = service.publisher.published().expect("a meeting");
    assert!(matches!(cursor.next(&published), NextLine::End));
    let (_, line) = service.connect(5, LOWEST + 2);
    assert_eq!(line.map(|line| line["all_data"].clone()), Some(json!(true)), "the client had what anonymous saw");
}

/// (spec: auth.md#ends-anonymous)
#[test]
fn a_user_without_an_element_is_woken_when_anonymous_access_ends() {
    let anonymous = |value: bool| json!({"id": 1, "key": "general_system_enable_anonymous", "value": value});
    let mut service = Service::new();
    service.change(&[("core/config:1", anonymous(true))]);
    service.change(&[("users/user:5", Value::Null)]);
    let (mut cursor, _) = service.connect(5, 0);
    let from = service.publisher.published().expect("a meeting").current().version();
    service.change(&[("core/config:1", anonymous(false))]);
    let published = service.publisher.published().expect("a meeting");
    let version_diff = published.version_diff(from).expect("kept");
    assert!(!cursor.seen_version().advance_if_unaffected(&version_diff), "the stream must be woken");
    assert!(matches!(cursor.next(&published), NextLine::End));
}

/// A version may be published after the stream checked for changes, and before it says that nothing changed.
/// (spec: stream.md#promise)
#[test]
fn a_quiet_line_skips_no_unchecked_version() {
    let mut service = Service::new();
    let (mut cursor, _) = service.connect(5, 0);
    service.change(&[("topics/topic:7", json!({"id": 7}))]);
    let published = service.publisher.published().expect("a meeting");
    assert!(cursor.quiet_line(&published).is_none());
    let line = service.next(&mut cursor).expect("the change");
    assert_eq!(line["changed"]["topics/topic"], json!([{"id": 7}]));
    service.change(&[("motions/motion:7", json!({"id": 7}))]);
    assert_eq!(service.next(&mut cursor), None, "user 5 does not see motions");
    let quiet = cursor.quiet_line(&service.publisher.published().expect("a meeting")).expect("a line");
    assert_eq!(service.text(quiet)["to_change_id"], json!(LOWEST + 2));
}
