//! What does the registry keep of one stream, and when is it notified?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use domain::ids::UserId;
use domain::ports::authenticator::SessionKey;
use domain::projector::{Changes, ProjectorCursor};
use futures_util::task::AtomicWaker;

use crate::publishing::cursor::SeenVersion;
use crate::publishing::version_diff::SharedVersionDiff;

/// What a stream carries; the three kinds are counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Changes of the meeting.
    Autoupdate,
    /// What projectors show.
    Projector,
    /// Messages.
    Notify,
}

/// How long the registry tolerates a client that stops reading.
#[derive(Clone, Copy, Debug)]
pub struct SlowClientLimits {
    /// How long a client may take to receive a line, in seconds.
    pub line_seconds: u32,
    /// How many bytes of the meeting may be replaced in the meantime: the unfinished line keeps the old ones alive.
    pub replaced_bytes_max: u64,
}

/// The place of one open stream.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) waker: AtomicWaker,
    pub(super) signals: AtomicU8,
    /// When the line being sent was begun; 0: everything has been sent.
    pub(super) line_tick: AtomicU32,
    /// How many bytes of the meeting had been replaced at that time.
    pub(super) line_replaced_bytes: AtomicU64,
    /// Whether more of that line is still to be produced.
    pub(super) line_is_open: AtomicBool,
    /// Since when the client has waited for what is being sent, in microseconds of the monotonic time; 0: that is not
    /// measured.
    pub(super) waits_since: AtomicU64,
    /// Whether the client has received its beginning.
    pub(super) has_begun: AtomicBool,
    /// When something was last sent.
    pub(super) active_tick: AtomicU32,
    pub(super) quiet_tick: AtomicU32,
    pub(super) session: Option<SessionKey>,
    pub(super) user: Option<UserId>,
    pub(super) subscription: StreamSubscription,
}

/// What a stream is notified of.
#[derive(Clone, Debug)]
pub enum StreamSubscription {
    /// Changes of the meeting that affect the viewer of this seen version.
    Meeting(Arc<SeenVersion>),
    /// What projectors show; the cursor says which ones, and for whom.
    Projectors(ProjectorCursor),
    /// Messages, which arrive by another way.
    Messages,
}

/// What a new version of the meeting brings.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// What differs from the version that was announced before; `None`: unknown.
    pub version_diff: Option<&'a SharedVersionDiff>,
    /// What projectors show now that they did not show then.
    pub projectors: &'a Changes,
}

/// The signals that a stream has received since it last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamSignals(pub(super) u8);

impl StreamSignals {
    /// Nothing was sent for a long time: send a keep-alive.
    pub const KEEP_ALIVE: Self = Self(1);
    /// If the client's change id is behind, send it the current one.
    pub const QUIET_LINE: Self = Self(2);
    /// The service is stopping: end between two lines.
    pub const DRAIN: Self = Self(4);
    /// The session is gone: end between two lines.
    pub const REVOKED: Self = Self(8);
    /// The client does not read: end right here.
    pub(super) const GIVEN_UP: Self = Self(16);

    /// Returns whether one of `others` is among them.
    #[must_use]
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl StreamKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Autoupdate, Self::Projector, Self::Notify];
}

impl StreamSubscription {
    pub(super) fn kind(&self) -> StreamKind {
        match self {
            Self::Meeting(_) => StreamKind::Autoupdate,
            Self::Projectors(_) => StreamKind::Projector,
            Self::Messages => StreamKind::Notify,
        }
    }
}

impl Slot {
    /// Returns whether the stream must be woken for the news.
    pub(super) fn is_concerned(&self, news: News<'_>) -> bool {
        let Some(version_diff) = news.version_diff else { return true };
        match &self.subscription {
            StreamSubscription::Meeting(seen_version) => !seen_version.advance_if_unaffected(version_diff),
            // Its session may also have lost the right to it.
            StreamSubscription::Projectors(cursor) => {
                cursor.is_concerned(news.projectors) || version_diff.diff().may_affect(self.user)
            }
            StreamSubscription::Messages => version_diff.diff().may_affect(self.user),
        }
    }

    /// Returns whether the stream must be given up; `false` if it was already.
    pub(super) fn is_too_slow(&self, slow_client_limits: SlowClientLimits, now: u32, replaced_bytes: u64) -> bool {
        let line_tick = self.line_tick.load(Ordering::Relaxed);
        let is_given_up = self.signals.load(Ordering::Relaxed) & StreamSignals::GIVEN_UP.0 != 0;
        let held = replaced_bytes.saturating_sub(self.line_replaced_bytes.load(Ordering::Relaxed));
        // What was already produced of a line does not keep a version alive, and lines of messages or slides never do.
        let holds_version =
            matches!(self.subscription, StreamSubscription::Meeting(_)) && self.line_is_open.load(Ordering::Relaxed);
        let holds_too_much = holds_version && held > slow_client_limits.replaced_bytes_max;
        line_tick != 0
            && !is_given_up
            && (now.wrapping_sub(line_tick) >= slow_client_limits.line_seconds || holds_too_much)
    }

    /// Sets a signal, and wakes the stream.
    pub(super) fn signal(&self, signal: StreamSignals) {
        self.signals.fetch_or(signal.0, Ordering::Release);
        self.waker.wake();
    }
}
