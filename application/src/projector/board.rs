//! How are the lines of a projector board made once for all who watch?

use std::time::Duration;

use domain::projector::{ProjectorBoard, ProjectorCursor, ProjectorLine};

use crate::delivery::Once;
use crate::delivery::line::SharedText;

/// What the projectors show in one version of the meeting, and the lines that say so.
#[derive(Debug)]
pub struct Board {
    pub(super) shown: ProjectorBoard,
    /// Lines by their content. Listeners differ in which projectors they ask for, which is a handful of combinations.
    lines: Once<ProjectorLine, SharedText>,
    /// When the first of the changes since the board before was written to the store, if anybody knows.
    pub(super) written_at: Option<Duration>,
}

impl Board {
    /// Creates a board for which no line has been made yet.
    #[must_use]
    pub fn new(shown: ProjectorBoard) -> Self {
        Self { shown, lines: Once::default(), written_at: None }
    }

    /// Creates the board that follows another, of changes the first of which was written to the store at this monotonic
    /// time, if anybody knows.
    pub(super) fn of_changes(shown: ProjectorBoard, written_at: Option<Duration>) -> Self {
        Self { written_at, ..Self::new(shown) }
    }

    /// Returns how many lines are kept for sharing.
    pub(super) fn lines_kept(&self) -> usize {
        self.lines.values().count()
    }

    /// Returns the line that brings a connection up to what the board shows; `None` if there is nothing to send.
    ///
    /// This counts as sent (see [`ProjectorCursor::next_line`]). Equal lines share one text.
    pub fn next_line(&self, cursor: &mut ProjectorCursor) -> Option<SharedText> {
        let line = cursor.next_line(&self.shown)?;
        Some(self.lines.get_or_make(&line, || SharedText::new(self.shown.text(&line))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use domain::ids::{ProjectorId, UserId};
    use domain::projector::{ProjectorIds, Written};

    use super::*;
    use crate::testing::meeting::{publisher, write};

    #[test]
    fn equal_lines_are_one_text() {
        let publisher = publisher();
        write(&publisher, ("users/group:1", r#"{"id":1,"permissions":["core.can_see_projector"]}"#));
        write(&publisher, ("core/projector:2", r#"{"id":2,"elements":[]}"#));
        write(&publisher, ("core/projector:10", r#"{"id":10,"elements":[]}"#));
        let meeting = Arc::clone(publisher.published().expect("a meeting").current());
        let wanted = BTreeSet::from([ProjectorId(2), ProjectorId(10)]);
        let shown = ProjectorBoard::new(Arc::clone(&meeting)).advance(meeting, Written::Keys(&[]), &wanted).board;
        let board = Board::new(shown);
        let line = |ids: &str| {
            let ids = ProjectorIds::parse(Some(ids)).expect(ids);
            board.next_line(&mut ProjectorCursor::new(Some(UserId(5)), ids)).expect("a line")
        };
        let (one, other) = (line("2"), line("2,2,77"));
        assert_eq!(one.plain().as_ptr(), other.plain().as_ptr());
        assert_ne!(one.plain().as_ptr(), line("2,10").plain().as_ptr());
    }
}
