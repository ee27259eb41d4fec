//! What does a stream of projectors carry? (spec: projector.md#projector-line)

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::projector::{ProjectorCursor, ProjectorIds};
use tokio::time::timeout;

use super::projectors::{ProjectorSubscription, Projectors};
use crate::delivery::line::Encoder;
use crate::publishing::publisher::MeetingPublisher;
use crate::sessions::admission::{Admission, Admissions};
use crate::sessions::grant::StreamGrant;
use crate::streams::body::{Opened, StreamPart, StreamSource};
use crate::streams::counters::EndReason;
use crate::streams::registry::StreamSubscription;

/// How long a new stream waits for the meeting to catch up with the store, in seconds; after that it begins with the
/// meeting as it is known.
pub const CATCH_UP_SECONDS_MAX: u64 = 2;

/// Opens streams of projectors.
pub struct ProjectorStreams {
    /// Brings the meeting up to date with the store.
    pub admissions: Admissions,
    /// Whether a stream may go on.
    pub publisher: Arc<MeetingPublisher>,
    /// What the projectors show.
    pub projectors: Arc<Projectors>,
}

impl ProjectorStreams {
    /// Opens the stream of an admitted session for these projectors.
    pub async fn open(&self, admission: Admission, ids: ProjectorIds) -> Opened<ProjectorSource> {
        let Admission { session, user, published } = admission;
        self.catch_up().await;
        let cursor = ProjectorCursor::new(user, ids.clone());
        let subscription = StreamSubscription::Projectors(cursor.clone());
        let grant = StreamGrant::new(&published, session.clone(), user);
        let publisher = Arc::clone(&self.publisher);
        let source = ProjectorSource { subscription: self.projectors.listen(ids), cursor, publisher, grant };
        Opened { session, subscription, source }
    }

    /// Catches up with the store before the stream begins. The client ignores lines whose change id is lower than one it
    /// has seen, perhaps from another instance, and does not say which that is. Without this, its projector could stay
    /// blank until the next change.
    ///
    /// Nobody is refused because the store does not answer: after four failures of this stream the client goes offline.
    async fn catch_up(&self) {
        let _ = timeout(Duration::from_secs(CATCH_UP_SECONDS_MAX), self.admissions.catch_up.catch_up()).await;
    }
}

/// The lines of one connection.
pub struct ProjectorSource {
    subscription: ProjectorSubscription,
    cursor: ProjectorCursor,
    publisher: Arc<MeetingPublisher>,
    grant: StreamGrant,
}

impl StreamSource for ProjectorSource {
    fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart> {
        if self.publisher.published().is_some_and(|published| !self.grant.holds(&published)) {
            return Poll::Ready(StreamPart::End(EndReason::Session));
        }
        let Some(board) = self.subscription.board() else { return Poll::Pending };
        match board.next_line(&mut self.cursor) {
            None => Poll::Pending,
            Some(line) => {
                let written_at = board.written_at;
                Poll::Ready(StreamPart::Bytes { bytes: encoder.shared(&line), ends_line: true, written_at })
            }
        }
    }

    /// The client keeps no change id of projectors to return with.
    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}
