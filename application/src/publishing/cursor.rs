//! What does one connection of the autoupdate stream get next?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::publisher::Published;
use super::version_diff::SharedVersionDiff;
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
    seen_version: Arc<SeenVersion>,
    /// The change id that the client has: below that of the version seen if nothing changed for it since.
    sent: ChangeId,
}

/// What one viewer has seen: shared by the connection and by who announces new versions, so that a connection need not be
/// woken for what does not concern it.
#[derive(Debug)]
pub struct SeenVersion {
    user: Option<UserId>,
    /// Held for moments only; the two who use it seldom meet.
    view: Mutex<SeenAs>,
}

#[derive(Clone, Debug)]
struct SeenAs {
    /// The version whose view the client has, or is being sent.
    version: Version,
    /// Who the client is in that version.
    viewer: Viewer,
}

impl SeenVersion {
    /// Is there nothing to tell this viewer of what changed? Then it has seen the newer version as well.
    ///
    /// If not, or if the connection is behind anyway, it must look itself.
    pub fn advance_if_unaffected(&self, version_diff: &SharedVersionDiff) -> bool {
        let diff = version_diff.diff();
        let mut seen = self.lock();
        let passes = seen.version == diff.from()
            && !diff.may_affect(self.user)
            && !diff.may_affect(seen.viewer.user())
            && version_diff.difference(&seen.viewer, &seen.viewer).is_none();
        if passes {
            seen.version = diff.to();
        }
        passes
    }

    fn lock(&self) -> MutexGuard<'_, SeenAs> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection gets.
#[derive(Debug)]
pub enum NextLine {
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
        let seen = SeenAs { version: published.current().version(), viewer };
        Self { seen_version: Arc::new(SeenVersion { user: session.user, view: Mutex::new(seen) }), session, sent }
    }

    /// Where is noted what its client has seen.
    #[must_use]
    pub fn seen_version(&self) -> &Arc<SeenVersion> {
        &self.seen_version
    }

    /// What changed for this connection up to the present version: one line, however many changes there were.
    pub fn next(&mut self, published: &Published) -> NextLine {
        let current = published.current();
        let mut seen = self.seen_version.lock();
        if current.version() <= seen.version {
            // Or the announcer is ahead of what was published when the connection looked.
            return NextLine::Nothing;
        }
        // A reset drops all versions before it, too.
        let version_diff = published.version_diff(seen.version);
        let diff = version_diff.as_ref().map(|version_diff| version_diff.diff());
        let is_decided =
            diff.is_none_or(|diff| diff.may_affect(self.session.user) || diff.may_affect(seen.viewer.user()));
        let before = seen.viewer.clone();
        if is_decided {
            match access(current, &self.session) {
                Access::Granted(user) if user == before.user() => seen.viewer = Viewer::resolve(current, user),
                // Not served any more, or as somebody else: the client asks again, and is told.
                _ => return NextLine::End,
            }
        }
        seen.version = current.version();
        let line = match version_diff {
            // The client's version is not kept any more, or belongs to a meeting that was reset
            // (spec: stream.md#reset).
            None => Line::all(current, &seen.viewer, self.sent),
            Some(version_diff) => match version_diff.difference(&before, &seen.viewer) {
                None => return NextLine::Nothing,
                Some(content) => Line::difference(&content, self.sent, current.change_id()),
            },
        };
        self.sent = current.change_id();
        NextLine::Line(line)
    }

    /// A line that brings a client, for which nothing changed, up to the present id; `None` if it has that already.
    ///
    /// Asked when [`Cursor::next`] has nothing.
    pub fn quiet_line(&mut self, published: &Published) -> Option<Line> {
        let current = published.current();
        if current.version() != self.seen_version.lock().version || current.change_id() == self.sent {
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
