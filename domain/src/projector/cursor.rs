//! What is the next line of one connection that listens to projectors? (spec: projector.md#projector-line)

use super::board::{Digest, LinePart, Projection, ProjectorBoard, ProjectorLine};
use super::changes::Changes;
use super::request::ProjectorIds;
use crate::ids::UserId;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// What one connection was sent. It keeps no content, so a slow connection costs no more than a fast one.
#[derive(Clone, Debug)]
pub struct ProjectorCursor {
    user: Option<UserId>,
    ids: ProjectorIds,
    /// For each of `ids`, in order: what it showed when last sent. `None`: not sent, or sent as `null`.
    sent: Box<[Option<Digest>]>,
}

impl ProjectorCursor {
    /// Creates the cursor of a connection that was sent nothing. `None`: an anonymous user.
    #[must_use]
    pub fn new(user: Option<UserId>, ids: ProjectorIds) -> Self {
        let sent = vec![None; ids.iter().len()].into();
        Self { user, ids, sent }
    }

    /// Returns whose connection it is.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Returns the projectors it listens to.
    #[must_use]
    pub fn ids(&self) -> &ProjectorIds {
        &self.ids
    }

    /// Returns whether it may have a next line after these changes.
    #[must_use]
    pub fn is_concerned(&self, changes: &Changes) -> bool {
        changes.everybody
            || self.user.is_some_and(|user| changes.users.binary_search(&user).is_ok())
            || changes.projectors.iter().any(|id| self.ids.contains(*id))
    }

    /// Returns the line that brings the connection up to what `board` shows; `None` if there is nothing to send.
    ///
    /// The line counts as sent: call this when the transport is ready for one. Equal lines share one text
    /// ([`ProjectorBoard::text`]).
    ///
    /// A user who may not see projectors is shown none; those that were sent become `null`. A projector that exists but
    /// is not on the board yet is left as it is.
    #[must_use]
    pub fn next_line(&mut self, board: &ProjectorBoard) -> Option<ProjectorLine> {
        let may_see = Viewer::resolve(board.meeting(), self.user).profile().has(Permission::CoreCanSeeProjector);
        let mut parts = Vec::new();
        for (projector, sent) in self.ids.iter().zip(&mut self.sent) {
            let now = match board.projection(projector) {
                _ if !may_see => None,
                Projection::Missing => None,
                Projection::NotRendered => continue,
                Projection::Shown(digest) => Some(digest),
            };
            if *sent != now {
                *sent = now;
                parts.push(LinePart { projector, is_null: now.is_none() });
            }
        }
        (!parts.is_empty()).then(|| ProjectorLine(parts.into()))
    }
}
