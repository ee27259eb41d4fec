//! Who is notified of a new version of the meeting?

use std::sync::{Arc, Mutex, PoisonError};

use domain::meeting::Version;

use super::Observer;
use crate::projector::projectors::Projectors;
use crate::publishing::publisher::MeetingPublisher;
use crate::readiness::Readiness;
use crate::streams::registry::{News, StreamRegistry};

/// Notifies the clients and the health route of what the ingest loop does.
pub struct Announcer {
    publisher: Arc<MeetingPublisher>,
    registry: Arc<StreamRegistry>,
    projectors: Arc<Projectors>,
    readiness: Readiness,
    /// The version announced last; only the ingest loop announces.
    announced: Mutex<Option<Version>>,
}

impl Announcer {
    /// Creates an announcer for the versions of this publisher.
    #[must_use]
    pub fn new(
        publisher: Arc<MeetingPublisher>,
        registry: Arc<StreamRegistry>,
        projectors: Arc<Projectors>,
        readiness: Readiness,
    ) -> Self {
        Self { publisher, registry, projectors, readiness, announced: Mutex::default() }
    }
}

impl Observer for Announcer {
    fn published(&self) {
        let Some(published) = self.publisher.published() else { return };
        let current = published.current().version();
        let before = self.announced.lock().unwrap_or_else(PoisonError::into_inner).replace(current);
        let version_diff = before.and_then(|before| published.version_diff(before));
        let changes = self.projectors.update();
        self.readiness.set_ready();
        self.registry.announce(News { version_diff: version_diff.as_deref(), projectors: &changes });
    }

    fn waiting(&self, reason: &str) {
        self.readiness.set_not_ready(reason);
    }
}
