//! How does a client get what its user may see, and every change of it? (spec: stream.md#promise)

mod source;
pub mod start;

use std::sync::Arc;

use domain::ids::{ChangeId, ElementKey};
use domain::ports::element_store::ElementStore;
use domain::restriction::viewer::Viewer;

use crate::publishing::publisher::MeetingPublisher;
use crate::sessions::admission::{Admission, Admissions, NotServed};
use crate::streams::body::Opened;
use crate::streams::registry::StreamSubscription;
use start::{Start, Started, start, start_from_keys, start_with_everything};

pub use source::AutoupdateSource;

/// Opens autoupdate streams.
pub struct AutoupdateStreams {
    admissions: Admissions,
    publisher: Arc<MeetingPublisher>,
    store: Arc<dyn ElementStore>,
}

impl AutoupdateStreams {
    /// The streams of a meeting.
    #[must_use]
    pub fn new(admissions: Admissions, publisher: Arc<MeetingPublisher>, store: Arc<dyn ElementStore>) -> Self {
        Self { admissions, publisher, store }
    }

    /// Opens the stream of a client that has everything up to `change_id` (0: nothing).
    ///
    /// # Errors
    /// The store cannot be asked for what is needed first, or it told that the session is no longer served.
    pub async fn open(&self, admission: Admission, change_id: ChangeId) -> Result<Opened<AutoupdateSource>, NotServed> {
        let session = admission.session.clone();
        let started = self.start(admission, change_id).await?;
        let subscription = StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version()));
        let source = AutoupdateSource::new(Arc::clone(&self.publisher), started);
        Ok(Opened { session, subscription, source })
    }

    async fn start(&self, admission: Admission, change_id: ChangeId) -> Result<Started, NotServed> {
        let Admission { mut session, user, mut published } = admission;
        let mut viewer = Viewer::resolve(published.current(), user);
        let mut started = start(&published, session.clone(), viewer.clone(), change_id);
        if matches!(started, Start::IsAhead) {
            let bounds = self.admissions.catch_up.catch_up().await?;
            // Catching up may have taken the session's right to be served, and a stream is only notified of later
            // changes.
            let admission = self.admissions.admit_again(session).await?;
            (session, published) = (admission.session, admission.published);
            viewer = Viewer::resolve(published.current(), admission.user);
            if bounds.highest < change_id {
                // The ids went back, so what the client holds is useless.
                return Ok(start_with_everything(&published, session, viewer, change_id));
            }
            started = start(&published, session.clone(), viewer.clone(), change_id);
        }
        match started {
            Start::Ready(started) => Ok(*started),
            Start::IsAhead => Ok(start_with_everything(&published, session, viewer, change_id)),
            Start::NeedsKeys => {
                let keys = published.changed_keys().get_or_ask(change_id, self.ask_keys_since(change_id)).await?;
                Ok(start_from_keys(&published, session, viewer, change_id, &keys))
            }
        }
    }

    async fn ask_keys_since(&self, change_id: ChangeId) -> Result<Arc<[ElementKey]>, NotServed> {
        let keys = self.store.keys_changed_since(change_id).await?;
        // A key that does not parse names an element that is hidden from everybody.
        Ok(keys.iter().filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok()).collect())
    }
}
