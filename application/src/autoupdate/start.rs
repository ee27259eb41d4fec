//! What is the first line of a new connection?

use domain::difference::resume::{self, WiderLine};
use domain::ids::{ChangeId, ElementKey};
use domain::ports::authenticator::Session;
use domain::restriction::viewer::Viewer;

use crate::delivery::line::{DiffContent, Line};
use crate::publishing::cursor::Cursor;
use crate::publishing::publisher::Published;

/// A connection that is ready to stream.
#[derive(Debug)]
pub struct Started {
    /// What the client has seen.
    pub cursor: Cursor,
    /// Its first line, if there is anything to send.
    pub first_line: Option<Line>,
}

/// Whether a new connection can start now, or what must be found out first.
#[derive(Debug)]
pub enum Start {
    /// Everything is known.
    Ready(Box<Started>),
    /// The client is ahead of this instance. If the store has this id, catch up with it and call [`start`] again; if
    /// not, the ids went back, and [`start_with_everything`] is right.
    IsAhead,
    /// The client's version is no longer kept. Find out which keys changed since, then call [`start_from_keys`].
    NeedsKeys,
}

/// Decides how a client of `session`, admitted as `viewer`, begins that has everything up to `change_id` (0: nothing).
#[must_use]
pub fn start(published: &Published, session: Session, viewer: Viewer, change_id: ChangeId) -> Start {
    match resume::start(published.history(), &session, &viewer, change_id) {
        resume::Resumption::Known(first_line) => {
            Start::Ready(Box::new(started(published, session, viewer, change_id, first_line)))
        }
        resume::Resumption::IsAhead => Start::IsAhead,
        resume::Resumption::NeedsKeys => Start::NeedsKeys,
    }
}

/// Begins with everything the viewer sees.
#[must_use]
pub fn start_with_everything(published: &Published, session: Session, viewer: Viewer, change_id: ChangeId) -> Started {
    let first_line = Some(Line::all(published.current(), &viewer, change_id));
    Started { cursor: Cursor::new(published, session, viewer), first_line }
}

/// Begins with what the store says has changed, for a client whose version is no longer kept.
#[must_use]
pub fn start_from_keys(
    published: &Published,
    session: Session,
    viewer: Viewer,
    change_id: ChangeId,
    keys: &[ElementKey],
) -> Started {
    let first_line = resume::start_from_keys(published.current(), &viewer, keys);
    started(published, session, viewer, change_id, first_line)
}

fn started(
    published: &Published,
    session: Session,
    viewer: Viewer,
    change_id: ChangeId,
    first_line: WiderLine,
) -> Started {
    match first_line {
        WiderLine::Everything => start_with_everything(published, session, viewer, change_id),
        WiderLine::Difference(difference) => {
            let current = published.current().change_id();
            let sent = if difference.is_some() { current } else { change_id };
            let first_line = difference.map(|difference| {
                Line::difference(&DiffContent::new(difference, published.meters()), change_id, current)
            });
            Started { cursor: Cursor::resumed(published, session, viewer, sent), first_line }
        }
    }
}
