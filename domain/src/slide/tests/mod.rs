//! Do the slides show what the page says? (spec: projector.md#projector-elements)

mod agenda;
mod amendments;
mod current_speakers;
mod entries;
mod motions;
mod polls;
mod shown;
mod speakers;
mod vectors;

use serde_json::{Value, json};

use super::{RenderedSlide, render_slide};
use crate::ids::{ChangeId, ElementKey, ProjectorId};
use crate::json::wire_form;
use crate::meeting::Meeting;
use crate::ports::element_store::{Bounds, RawElement, Snapshot};

/// A meeting of these elements; each is given by its key and its JSON.
pub(crate) fn meeting(elements: &[(&str, Value)]) -> Meeting {
    let texts: Vec<_> = elements.iter().map(|(key, element)| (*key, element.to_string())).collect();
    meeting_of_texts(texts.iter().map(|(key, text)| (*key, text.as_str())))
}

pub(crate) fn meeting_of_texts<'a>(elements: impl IntoIterator<Item = (&'a str, &'a str)>) -> Meeting {
    let raw = |(key, text): (&str, &str)| RawElement { key: key.into(), json: Some(text.into()) };
    let bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };
    Meeting::load(Snapshot { bounds, elements: elements.into_iter().map(raw).collect() }, None).meeting
}

/// Returns the meeting with some elements replaced.
fn with(base: &[(&'static str, Value)], over: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let mut elements = base.to_vec();
    elements.retain(|(key, _)| over.iter().all(|(other, _)| other != key));
    elements.extend_from_slice(over);
    elements
}

/// The element with some fields set.
fn set(mut element: Value, fields: Value) -> Value {
    if let (Some(element), Value::Object(fields)) = (element.as_object_mut(), fields) {
        element.extend(fields);
    }
    element
}

fn user(id: u64, name: &str) -> Value {
    json!({"id": id, "username": name})
}

fn config(id: u64, key: &str, value: Value) -> Value {
    json!({"id": id, "key": key, "value": value})
}

fn rendered(elements: &[(&str, Value)], entry: &Value) -> RenderedSlide {
    let entry = wire_form(entry.to_string().as_bytes()).expect("JSON");
    render_slide(&meeting(elements), ElementKey::projector(ProjectorId(1)), &entry)
}

/// What a slide shows, read back.
fn data_of(slide: &RenderedSlide) -> Value {
    assert!(slide.json.is_ascii());
    let json: Value = serde_json::from_str(&slide.json).expect("a slide is JSON");
    json["data"].clone()
}

fn data(elements: &[(&str, Value)], entry: &Value) -> Value {
    data_of(&rendered(elements, entry))
}

#[track_caller]
fn check(elements: &[(&str, Value)], entry: Value, expected: Value) {
    let slide = rendered(elements, &entry);
    assert_eq!(data_of(&slide), expected, "{entry}");
    assert_eq!(slide.diagnostic, None, "{entry}");
}

/// Checks that the slide shows a text that says what is wrong, and that nothing is logged.
#[track_caller]
fn check_error(elements: &[(&str, Value)], entry: Value, expected: &str) {
    check(elements, entry, json!({"error": expected}));
}

/// Checks that the slide shows `Internal error`, and that the log says why.
#[track_caller]
fn check_internal(elements: &[(&str, Value)], entry: Value, diagnostic: &str) {
    let slide = rendered(elements, &entry);
    assert_eq!(data_of(&slide), json!({"error": "Internal error"}), "{entry}");
    assert_eq!(slide.diagnostic.as_deref(), Some(diagnostic), "{entry}");
}
