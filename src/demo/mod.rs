//! What does the demo show: whose meeting, what happens in it, and how can one look at it?
//!
//! Pure functions of the meeting as JSON. The composition root hands what happens to the memory adapters.

mod greeting;
mod hall;
mod sessions;
mod speakers;
mod story;
mod time;
mod voting;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use greeting::greeting;
pub(crate) use sessions::SESSIONS;
pub(crate) use story::happening;

/// The meeting of the demo, as JSON text: element key to element.
pub(crate) const MEETING: &str = include_str!("../../fixtures/meeting.json");

/// The change id that the demo's meeting begins with.
pub(crate) const FIRST_CHANGE_ID: u64 = 338_000_000_000;

/// A meeting, or a part of it: element key to element. In a change, `null` is a deleted element.
pub(crate) type MeetingMap = BTreeMap<String, Value>;

/// What happens in one second of the demo.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happening {
    /// The meeting changes: these elements are written, or deleted where they are `null`.
    Change(MeetingMap),
    /// Somebody sends this message: the content of an entry of the notify stream (spec: notify.md#send-stream).
    Notify(Value),
    /// These users applaud.
    Applause(Vec<u64>),
}

/// Returns the demo's meeting.
///
/// # Errors
/// The fixture is not a JSON object; a test would have noticed.
pub(crate) fn meeting() -> Result<MeetingMap, serde_json::Error> {
    serde_json::from_str(MEETING)
}

/// Writes a change into the meeting.
pub(crate) fn apply(meeting: &mut MeetingMap, change: &MeetingMap) {
    for (key, element) in change {
        if element.is_null() {
            meeting.remove(key);
        } else {
            meeting.insert(key.clone(), element.clone());
        }
    }
}

/// Returns the ids of a list of ids; empty if it is not one.
fn ids(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// Returns the ids of all elements of a collection, ascending.
fn ids_of(meeting: &MeetingMap, collection: &str) -> Vec<u64> {
    let mut ids: Vec<u64> =
        meeting.keys().filter_map(|key| key.strip_prefix(collection)?.strip_prefix(':')?.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

/// Returns an id that no element of the collection has.
fn next_id(meeting: &MeetingMap, collection: &str) -> u64 {
    ids_of(meeting, collection).last().map_or(1, |id| id + 1)
}
