//! What does one connection of the autoupdate stream receive next?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::comparisons::LaterComparison;
use super::publisher::Published;
use super::version_diff::{DiffOutcome, SharedVersionDiff};
use crate::delivery::line::{DiffContent, Line};
use domain::access::{Access, access};
use domain::difference::resume::{self, WiderLine};
use domain::ids::{ChangeId, UserId};
use domain::meeting::Version;
use domain::ports::authenticator::Session;
use domain::restriction::viewer::Viewer;

/// What one connection has seen: all that is kept for it.
#[derive(Debug)]
pub struct Cursor {
    session: Session,
    seen_version: Arc<SeenVersion>,
    /// The client's change id: below that of the version seen if nothing changed for it since.
    sent: ChangeId,
}

/// What one viewer has seen. Shared by the stream and the announcer of new versions, so that a stream need not be woken
/// by changes that do not affect it.
#[derive(Debug)]
pub struct SeenVersion {
    user: Option<UserId>,
    /// Held briefly; the two users seldom contend.
    view: Mutex<SeenAs>,
}

#[derive(Clone, Debug)]
struct SeenAs {
    /// The version that the client has, or is being sent.
    version: Version,
    /// Who the viewer is in that version.
    viewer: Viewer,
    /// The client may hold back lines of another instance about later versions, until it has what this comparison, or
    /// one after it, found; `None`: it does not.
    may_have_more_until: Option<LaterComparison>,
}

impl SeenVersion {
    /// Advances to the newer version if it changed nothing for this viewer, and returns whether it did.
    ///
    /// If not, or if the connection is behind anyway, or if the client may hold back lines about a version that is
    /// passed over, the connection must find out for itself.
    pub fn advance_if_unaffected(&self, version_diff: &SharedVersionDiff) -> bool {
        let diff = version_diff.diff();
        let mut seen = self.lock();
        seen.settle();
        let may_have_more = seen.may_have_more_until.is_some() && diff.passes_over_versions();
        let passes = seen.version == diff.from()
            && !may_have_more
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

/// What a connection receives next.
#[derive(Debug)]
pub enum NextLine {
    /// Nothing for now.
    Nothing,
    /// This line.
    Line(Line),
    /// The stream ends, because the session may no longer have it. When the client reconnects, it gets the reason.
    End,
}

impl SeenAs {
    /// Notes that the client has no more than the version that it has seen, if that is certain by now.
    fn settle(&mut self) {
        if self.may_have_more_until.as_ref().is_some_and(|comparison| comparison.is_covered_by(self.version)) {
            self.may_have_more_until = None;
        }
    }
}

impl Cursor {
    /// Creates the cursor of a client that discards what it had, and is sent everything that `viewer` sees of the
    /// current version.
    pub(crate) fn new(published: &Published, session: Session, viewer: Viewer) -> Self {
        Self::at(published, session, viewer, published.current().change_id(), None)
    }

    /// Creates the cursor of a client that keeps what it had, and is sent what brings it to `sent` and to what `viewer`
    /// sees of the current version.
    pub(crate) fn resumed(published: &Published, session: Session, viewer: Viewer, sent: ChangeId) -> Self {
        Self::at(published, session, viewer, sent, Some(published.comparisons().later()))
    }

    fn at(
        published: &Published,
        session: Session,
        viewer: Viewer,
        sent: ChangeId,
        may_have_more_until: Option<LaterComparison>,
    ) -> Self {
        let seen = SeenAs { version: published.current().version(), viewer, may_have_more_until };
        Self { seen_version: Arc::new(SeenVersion { user: session.user, view: Mutex::new(seen) }), session, sent }
    }

    /// Returns what the client has seen.
    #[must_use]
    pub fn seen_version(&self) -> &Arc<SeenVersion> {
        &self.seen_version
    }

    /// Returns what changed for this connection up to the current version: one line, however many changes there were.
    pub fn next(&mut self, published: &Published) -> NextLine {
        let current = published.current();
        let mut seen = self.seen_version.lock();
        seen.settle();
        if current.version() <= seen.version {
            // Or the announcer is ahead of the version that the connection looked at.
            return NextLine::Nothing;
        }
        // A reset also drops all versions before it.
        let version_diff = published.version_diff(seen.version);
        let diff = version_diff.as_ref().map(|version_diff| version_diff.diff());
        let is_decided =
            diff.is_none_or(|diff| diff.may_affect(self.session.user) || diff.may_affect(seen.viewer.user()));
        let before = seen.viewer.clone();
        if is_decided {
            match access(current, &self.session) {
                Access::Granted(user) if user == before.user() => seen.viewer = Viewer::resolve(current, user),
                // No longer served, or served as another user, which the client learns when it reconnects.
                _ => return NextLine::End,
            }
        }
        let outcome = match &version_diff {
            // The client's version is no longer kept, or belongs to a meeting that was reset (spec: stream.md#reset).
            None => None,
            // Another instance may have shown it what was in between (spec: stream.md#wider).
            Some(version_diff) if seen.may_have_more_until.is_some() && version_diff.diff().passes_over_versions() => {
                wider_difference(published, &seen)
            }
            Some(version_diff) => Some(version_diff.difference(&before, &seen.viewer)),
        };
        seen.version = current.version();
        let line = match outcome {
            None => {
                // It discards what it had.
                seen.may_have_more_until = None;
                Line::all(current, &seen.viewer, self.sent)
            }
            Some(None) => return NextLine::Nothing,
            Some(Some(content)) => {
                let written_at = version_diff.and_then(|version_diff| version_diff.written_at());
                Line::difference(&content, self.sent, current.change_id()).written_at(written_at)
            }
        };
        self.sent = current.change_id();
        NextLine::Line(line)
    }

    /// Returns a line that brings a client for which nothing changed up to the current id; `None` if it has that
    /// already.
    ///
    /// Called when [`Cursor::next`] has nothing.
    pub fn quiet_line(&mut self, published: &Published) -> Option<Line> {
        let current = published.current();
        if current.version() != self.seen_version.lock().version || current.change_id() == self.sent {
            return None;
        }
        let line = Line::quiet(self.sent, current.change_id());
        self.sent = current.change_id();
        Some(line)
    }

    /// Returns the session that opened the connection.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the change id that the client has once it has read everything.
    #[must_use]
    pub fn sent(&self) -> ChangeId {
        self.sent
    }
}

/// Returns what a client is sent that has seen this and may have more; `None`: everything, `Some(None)`: nothing.
fn wider_difference(published: &Published, seen: &SeenAs) -> Option<DiffOutcome> {
    let history = published.history();
    match resume::since(history, history.at(seen.version)?, &seen.viewer) {
        WiderLine::Everything => None,
        WiderLine::Difference(difference) => {
            Some(difference.map(|difference| DiffContent::new(difference, published.meters())))
        }
    }
}
