//! What does a viewer see of a meeting? This is the only way from an element of a meeting to the rules.

use super::Meeting;
use super::block::BlockEntry;
use crate::ids::ElementKey;
use crate::restriction::decide;
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;

/// Returns what `viewer` sees of the element `key` of the meeting; hidden if there is no such element.
#[must_use]
pub fn view_in(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> View {
    meeting.entry(key).map_or(View::Hidden, |entry| view_entry(viewer, entry))
}

/// Returns what `viewer` sees of the element.
#[must_use]
pub fn view_entry(viewer: &Viewer, entry: &BlockEntry) -> View {
    decide(viewer, &entry.element, entry.required_by)
}
