//! What does one connection of the autoupdate stream get next?

use crate::access::{Access, access};
use crate::ids::ChangeId;
use crate::line::Line;
use crate::live::Published;
use crate::meeting::Version;
use crate::ports::authenticator::Session;
use crate::viewer::Viewer;

/// The place of one connection in the life of the meeting: all that is kept of it.
#[derive(Debug)]
pub struct Cursor {
    session: Session,
    viewer: Viewer,
    /// The version whose view the client has.
    seen: Version,
    /// The change id that the client has: below that of `seen` if nothing changed for it since.
    sent: ChangeId,
}

/// What a connection gets.
#[derive(Debug)]
pub enum Next {
    /// Nothing now.
    Nothing,
    /// This line.
    Line(Line),
    /// The stream ends: the session lost its right to it. The client is told why when it comes back.
    End,
}

impl Cursor {
    /// A connection whose client has the id `sent` and sees what `viewer` sees of the present version.
    pub(crate) fn new(published: &Published, session: Session, viewer: Viewer, sent: ChangeId) -> Self {
        Self { session, viewer, seen: published.current().version(), sent }
    }

    /// What changed for this connection up to the present version: one line, however many changes there were.
    pub fn next(&mut self, published: &Published) -> Next {
        let current = published.current();
        if current.version() == self.seen {
            return Next::Nothing;
        }
        // A reset drops all versions before it, too.
        let Some(transition) = published.transition(self.seen) else {
            return self.start_anew(published);
        };
        let difference = if transition.decides(self.session.user) || transition.decides(self.viewer.user()) {
            let Access::Granted(user) = access(current, &self.session) else {
                return Next::End;
            };
            if user != self.viewer.user() {
                // The user was deleted, or came to be: the client asks again, and is told what it is now.
                return Next::End;
            }
            let after = Viewer::resolve(current, user);
            let difference = transition.difference(&self.viewer, &after);
            self.viewer = after;
            difference
        } else {
            transition.difference(&self.viewer, &self.viewer)
        };
        self.seen = current.version();
        match difference {
            None => Next::Nothing,
            Some(content) => {
                let line = Line::difference(&content, self.sent, current.change_id());
                self.sent = current.change_id();
                Next::Line(line)
            }
        }
    }

    /// A line that brings a client, for which nothing changed, up to the present id; `None` if it has that already.
    ///
    /// Asked when [`Cursor::next`] has nothing.
    pub fn quiet_line(&mut self, published: &Published) -> Option<Line> {
        let current = published.current();
        if current.version() != self.seen || current.change_id() == self.sent {
            return None;
        }
        let line = Line::quiet(self.sent, current.change_id());
        self.sent = current.change_id();
        Some(line)
    }

    /// Whose connection it is.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The change id that the client has once it has read everything.
    #[must_use]
    pub fn sent(&self) -> ChangeId {
        self.sent
    }

    /// After a reset, or if the client's version is not kept any more: everything (spec: stream.md, Reset).
    fn start_anew(&mut self, published: &Published) -> Next {
        let current = published.current();
        let Access::Granted(user) = access(current, &self.session) else {
            return Next::End;
        };
        if user != self.viewer.user() {
            return Next::End;
        }
        self.viewer = Viewer::resolve(current, user);
        let line = Line::all(current, &self.viewer, self.sent);
        self.seen = current.version();
        self.sent = current.change_id();
        Next::Line(line)
    }
}
