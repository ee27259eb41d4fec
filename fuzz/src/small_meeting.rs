//! Which meeting do arbitrary elements come into? A small one in which some see nearly everything and some nearly
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{ChangeId, ElementKey, UserId};
use domain::json::wire_form;
use domain::meeting::{Meeting, view_in};
use domain::ports::element_store::{Bounds, RawElement, Snapshot};
use domain::restriction::viewer::Viewer;
use domain::testing::oracle::Elements;
use serde_json::Value;

/// The change id of the meeting, which is also its lowest.
pub(crate) const LOWEST: ChangeId = ChangeId(1000);

/// Anonymous, a superadmin, one who manages, one with few rights, one with no group of their own who votes for another,
/// and one who does not exist.
pub(crate) const VIEWERS: [u64; 6] = [0, 1, 2, 3, 4, 77];

const ELEMENTS: &str = include_str!("small_meeting.txt");

/// What the store has: key to JSON text. Neither needs to be one that can be read.
pub(crate) type RawElements = BTreeMap<Vec<u8>, Vec<u8>>;

/// The elements of the small meeting.
pub(crate) fn raw_elements() -> RawElements {
    ELEMENTS
        .lines()
        .filter_map(|line| read_line(line.as_bytes()))
        .filter_map(|(key, json)| Some((key, json?)))
        .collect()
}

/// Reads a line `<key> <JSON>`, or `<key>` alone: deleted.
pub(crate) fn read_line(line: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    if line.is_empty() {
        return None;
    }
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    let key = parts.next()?.to_vec();
    Some((key, parts.next().map(<[u8]>::to_vec)))
}

/// Loads the meeting as of a change.
pub(crate) fn load(elements: &RawElements, highest: ChangeId) -> Meeting {
    let raw = |(key, json): (&Vec<u8>, &Vec<u8>)| RawElement { key: key.clone(), json: Some(json.clone()) };
    let bounds = Bounds { lowest: LOWEST, highest };
    Meeting::load(Snapshot { bounds, elements: elements.iter().map(raw).collect() }, None).meeting
}

/// Whether there is an integer `-0`. The service takes it for no integer, and hides what needs one; an oracle that reads
/// JSON into values cannot tell it from 0.
pub(crate) fn has_negative_zero(json: &[u8]) -> bool {
    let is_end = |byte: &u8| b",]} \t\r".contains(byte);
    let is_start = |byte: &u8| b":[, \t\r".contains(byte);
    json.windows(4).any(|part| is_start(&part[0]) && &part[1..3] == b"-0" && is_end(&part[3]))
}

/// The same elements for the oracle. `None`: it cannot read one that the service can, because it reads JSON into
/// values: half a surrogate pair, or nested deeply.
pub(crate) fn for_the_oracle(elements: &RawElements) -> Option<Elements> {
    let mut read = Elements::new();
    for (key, json) in elements {
        let value = match serde_json::from_slice(json) {
            Ok(_) if has_negative_zero(json) => return None,
            Ok(value) => value,
            // Not an element to anybody.
            Err(_) if wire_form(json).is_err() => Value::Null,
            Err(_) => return None,
        };
        read.insert(String::from_utf8_lossy(key).into_owned(), value);
    }
    Some(read)
}

pub(crate) fn viewer(meeting: &Meeting, user: u64) -> Viewer {
    Viewer::resolve(meeting, Some(UserId(user)).filter(|user| user.0 > 0))
}

/// What the viewer sees, as text: only what is seen at all.
pub(crate) fn view(meeting: &Meeting, viewer: &Viewer) -> BTreeMap<ElementKey, String> {
    let seen = meeting.keys().filter_map(|key| Some((key, seen_text(meeting, viewer, key)?)));
    seen.collect()
}

/// One element as the viewer sees it; `None` if it is hidden.
pub(crate) fn seen_text(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> Option<String> {
    let view = view_in(meeting, viewer, key);
    let mut text = String::new();
    view.render(meeting.get(key)?, &mut text);
    (!view.is_hidden()).then_some(text)
}

/// All keys of two meetings.
pub(crate) fn keys_of(one: &Meeting, other: &Meeting) -> BTreeSet<ElementKey> {
    one.keys().chain(other.keys()).collect()
}
