//! What does one connection of the autoupdate stream get next?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::live::Published;
use super::transition::SharedTransition;
use crate::delivery::line::Line;
use domain::access::{Access, access};
use domain::ids::{ChangeId, UserId};
use domain::meeting::Version;
use domain::ports::authenticator::Session;
use domain::restriction::viewer::Viewer;

/// The place of one connection in the life of the meeting: all that is kept of it.
#[derive(Debug)]
pub struct Cursor {
    session: Session,
    seat: Arc<Seat>,
    /// The change id that the client has: below that of the version seen if nothing changed for it since.
    sent: ChangeId,
}

/// What one viewer has seen: shared by the connection and by who announces new versions, so that a connection need not be
/// woken for what does not concern it.
#[derive(Debug)]
pub struct Seat {
    user: Option<UserId>,
    /// Held for moments only; the two who use it seldom meet.
    view: Mutex<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    /// The version whose view the client has, or is being sent.
    version: Version,
    /// Who the client is in that version.
    viewer: Viewer,
}

impl Seat {
    /// Is there nothing to tell this viewer of what changed? Then it has seen the newer version as well.
    ///
    /// If not, or if the connection is behind anyway, it must look itself.
    pub fn pass_over(&self, transition: &SharedTransition) -> bool {
        let way = transition.way();
        let mut seen = self.lock();
        let passes = seen.version == way.from()
            && !way.decides(self.user)
            && !way.decides(seen.viewer.user())
            && transition.difference(&seen.viewer, &seen.viewer).is_none();
        if passes {
            seen.version = way.to();
        }
        passes
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let seen = Seen { version: published.current().version(), viewer };
        Self { seat: Arc::new(Seat { user: session.user, view: Mutex::new(seen) }), session, sent }
    }

    /// Where is noted what its client has seen.
    #[must_use]
    pub fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// What changed for this connection up to the present version: one line, however many changes there were.
    pub fn next(&mut self, published: &Published) -> Next {
        let current = published.current();
        let mut seen = self.seat.lock();
        if current.version() <= seen.version {
            // Or the announcer is ahead of what was published when the connection looked.
            return Next::Nothing;
        }
        // A reset drops all versions before it, too.
        let transition = published.transition(seen.version);
        let way = transition.as_ref().map(|transition| transition.way());
        let is_decided = way.is_none_or(|way| way.decides(self.session.user) || way.decides(seen.viewer.user()));
        let before = seen.viewer.clone();
        if is_decided {
            match access(current, &self.session) {
                Access::Granted(user) if user == before.user() => seen.viewer = Viewer::resolve(current, user),
                // Not served any more, or as somebody else: the client asks again, and is told.
                _ => return Next::End,
            }
        }
        seen.version = current.version();
        let line = match transition {
            // The client's version is not kept any more, or belongs to a meeting that was reset (spec: stream.md, Reset).
            None => Line::all(current, &seen.viewer, self.sent),
            Some(transition) => match transition.difference(&before, &seen.viewer) {
                None => return Next::Nothing,
                Some(content) => Line::difference(&content, self.sent, current.change_id()),
            },
        };
        self.sent = current.change_id();
        Next::Line(line)
    }

    /// A line that brings a client, for which nothing changed, up to the present id; `None` if it has that already.
    ///
    /// Asked when [`Cursor::next`] has nothing.
    pub fn quiet_line(&mut self, published: &Published) -> Option<Line> {
        let current = published.current();
        if current.version() != self.seat.lock().version || current.change_id() == self.sent {
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
}
