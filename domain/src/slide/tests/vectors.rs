//! Are the slides those that the OpenSlides server makes? Cases with known answers, kept beside the project.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::meeting_of_texts;
use crate::ids::ProjectorId;
use crate::projector::render_projector;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");

type Elements = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Case {
    overwrite: Elements,
    data: Value,
}

#[test]
#[cfg_attr(not(has_recorded_cases), ignore = "the recorded cases are not beside the project, in ../shared/vectors")]
#[expect(clippy::disallowed_methods, reason = "the cases are kept in files outside the project")]
fn slides_equal_the_recorded_ones() {
    let read =
        |name: &str| fs::read_to_string(format!("{FOLDER}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (meeting, cases) = (read("meeting.json"), read("slides.json"));
    let base: Elements = serde_json::from_str(&meeting).expect("the meeting is JSON");
    let cases: Vec<Case> = serde_json::from_str(&cases).expect("the cases are JSON");
    assert_eq!(cases.len(), 267);
    for (number, case) in cases.iter().enumerate() {
        let mut elements: BTreeMap<&str, &str> = base.iter().map(|(key, text)| (key.as_str(), text.get())).collect();
        elements.extend(case.overwrite.iter().map(|(key, text)| (key.as_str(), text.get())));
        let projector = render_projector(&meeting_of_texts(elements), ProjectorId(1));
        let json = projector.json.expect("there is a projector 1");
        let slides: Vec<Value> = serde_json::from_str(&json).expect("slides are JSON");
        assert_eq!(comparable(&slides[0]), comparable(&case.data), "case {number}");
        assert_eq!(projector.diagnostics, [], "case {number}");
    }
}

/// Numbers that are equal are written alike: `1.000000` and `1.0`.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), |number| number.to_string().into()),
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), comparable(value))).collect(),
        _ => value.clone(),
    }
}
