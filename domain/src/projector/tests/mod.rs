//! Do projectors, boards and cursors keep what the page promises? (spec: projector.md#projector-line)

mod board;
mod cursor;
mod equivalence;
mod render;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Changes, Diagnostic, ProjectorBoard, Written};
use crate::ids::{ChangeId, ElementKey, ProjectorId};
use crate::meeting::{Change, Meeting};
use crate::ports::element_store::RawElement;
use crate::slide::tests::meeting;

/// A board, and the steps it is taken through.
struct Hall {
    board: ProjectorBoard,
    wanted: BTreeSet<ProjectorId>,
    diagnostics: Vec<Diagnostic>,
}

/// An element as it is written, or `None` if it is deleted.
type Write<'a> = (&'a str, Option<Value>);

impl Hall {
    /// The board of a meeting with these elements, for those who listen to these projectors.
    fn new(elements: &[(&str, Value)], wanted: &[u64]) -> Self {
        let board = ProjectorBoard::new(Arc::new(meeting(elements)));
        let wanted = wanted.iter().copied().map(ProjectorId).collect();
        let mut hall = Self { board, wanted, diagnostics: Vec::new() };
        let _ = hall.show(Arc::clone(hall.board.meeting()), Written::Keys(&[]));
        hall
    }

    fn show(&mut self, meeting: Arc<Meeting>, written: Written<'_>) -> Changes {
        let advanced = self.board.advance(meeting, written, &self.wanted);
        self.board = advanced.board;
        self.diagnostics = advanced.diagnostics;
        advanced.changes
    }

    /// Applies one change.
    fn write(&mut self, writes: &[Write<'_>]) -> Changes {
        let meeting = Arc::new(changed(self.board.meeting(), writes));
        let step = Arc::clone(&meeting);
        self.show(meeting, Written::Keys(&step.step().written))
    }

    fn json(&self, projector: u64) -> Option<Value> {
        let json = self.board.json(ProjectorId(projector))?;
        Some(serde_json::from_str(json).expect("slides are JSON"))
    }

    /// The data of the first slide of a projector.
    fn data(&self, projector: u64) -> Value {
        self.json(projector).expect("a projector")[0]["data"].clone()
    }
}

/// The meeting after one more change.
fn changed(meeting: &Meeting, writes: &[Write<'_>]) -> Meeting {
    let raw = |(key, element): &Write<'_>| RawElement {
        key: (*key).into(),
        json: element.as_ref().map(|element| element.to_string().into_bytes()),
    };
    let change = Change { change_id: meeting.change_id().next(), elements: writes.iter().map(raw).collect() };
    meeting.apply(change).meeting
}

fn projector(id: u64, elements: Value) -> Value {
    json!({"id": id, "reference_projector_id": 0, "elements": elements})
}

/// A projector that shows one topic.
fn topic_projector(id: u64, topic: u64) -> Value {
    projector(id, json!([{"name": "topics/topic", "id": topic}]))
}

fn topic(id: u64, title: &str) -> Value {
    json!({"id": id, "title": title, "text": ""})
}

fn ids(changes: &Changes) -> Vec<u64> {
    changes.projectors.iter().map(|id| id.0).collect()
}

fn key(text: &str) -> ElementKey {
    text.parse().expect(text)
}

/// The change id that a meeting of tests begins with.
const FIRST: ChangeId = ChangeId(1);
