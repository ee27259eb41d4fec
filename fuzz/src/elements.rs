//! Is an arbitrary element restricted, explained and shown on a projector as it should be?

use std::collections::BTreeSet;

use domain::explanation::{Explanation, Verdict, explain};
use domain::ids::{ElementKey, ProjectorId};
use domain::json::Fields;
use domain::meeting::Meeting;
use domain::projector::render_projector;
use domain::restriction::viewer::Viewer;
use domain::testing::oracle::Oracle;
use serde_json::Value;

use crate::small_meeting::{LOWEST, VIEWERS, for_the_oracle, load, raw_elements, read_line, seen_text, viewer};

/// Adds the elements to the small meeting, in lines `<key> <JSON>`, and looks at all of it as everybody.
///
/// # Panics
/// Somebody sees something else than the oracle says, is told of something hidden, or a projector shows what is not
/// JSON.
pub fn elements(bytes: &[u8]) {
    let mut elements = raw_elements();
    for (key, json) in bytes.split(|byte| *byte == b'\n').filter_map(read_line) {
        match json {
            Some(json) => elements.insert(key, json),
            None => elements.remove(&key),
        };
    }
    let meeting = load(&elements, LOWEST);
    let elements = for_the_oracle(&elements);
    let oracle = elements.as_ref().map(Oracle::of);
    for user in VIEWERS {
        let viewer = viewer(&meeting, user);
        for key in meeting.keys() {
            let text = seen_text(&meeting, &viewer, key);
            if let Some(text) = &text {
                check_form(key, text);
            }
            check_explanation(&meeting, &viewer, key, text.as_deref());
            if let Some(oracle) = &oracle {
                let seen = text.map(|text| serde_json::from_str::<Value>(&text).expect("what is seen is JSON"));
                assert_eq!(seen, oracle.element(user, &key.to_string()), "user {user} sees {key}");
            }
        }
    }
    for projector in [1, 2].map(ProjectorId) {
        check_projector(&meeting, projector);
    }
}

/// What is sent is one line of ASCII, and every reader of JSON finds the same in it.
fn check_form(key: ElementKey, text: &str) {
    assert!(text.is_ascii() && !text.contains(['\n', '\r']), "{key} is sent as {text:?}");
    let fields = Fields::of(text).unwrap_or_else(|| panic!("{key} is sent as {text:?}"));
    let mut names = BTreeSet::new();
    for (name, _) in fields.iter() {
        assert!(names.insert(name.to_owned()), "{key} is sent with the field {name:?} twice");
    }
}

/// The explanation says that an element is hidden exactly where it is, and `all fields` only where they are all there.
fn check_explanation(meeting: &Meeting, viewer: &Viewer, key: ElementKey, seen: Option<&str>) {
    let explanation = explain(meeting, viewer.user(), key);
    assert!(!explanation.lines(meeting).is_empty(), "{key}");
    let is_seen = matches!(explanation.verdict, Verdict::Partly | Verdict::Whole);
    assert_eq!(is_seen, seen.is_some(), "{key} for {viewer:?}: {:?}", explanation.verdict);
    if let (Verdict::Whole, Some(seen)) = (explanation.verdict, seen) {
        check_whole(meeting, &explanation, seen);
    }
}

fn check_whole(meeting: &Meeting, explanation: &Explanation, seen: &str) {
    let whole = meeting.get(explanation.key).and_then(|element| Fields::of(element.json()));
    let seen = Fields::of(seen).expect("what is seen is an object");
    for (name, _) in whole.iter().flat_map(Fields::iter) {
        assert!(seen.raw(name).is_some(), "{} is seen without {name:?}, but explained as whole", explanation.key);
    }
}

fn check_projector(meeting: &Meeting, projector: ProjectorId) {
    let rendered = render_projector(meeting, projector);
    if let Some(json) = rendered.json {
        assert!(json.is_ascii() && !json.contains('\n'), "{projector} shows {json:?}");
        let slides: Result<Vec<Box<serde_json::value::RawValue>>, _> = serde_json::from_str(&json);
        assert!(slides.is_ok(), "projector {projector} shows what is not JSON: {json}");
    }
}
