//! Who hears of a new version of the meeting?

use std::sync::{Arc, Mutex, PoisonError};

use domain::meeting::Version;

use super::Observer;
use crate::projector::projectors::Projectors;
use crate::publishing::live::Live;
use crate::readiness::Readiness;
use crate::streams::connections::{Connections, News};

/// Tells the clients and the health route what the ingest loop does.
pub struct Announcer {
    live: Arc<Live>,
    connections: Arc<Connections>,
    projectors: Arc<Projectors>,
    readiness: Readiness,
    /// The version that was announced last; only the ingest loop announces.
    announced: Mutex<Option<Version>>,
}

impl Announcer {
    /// Tells what happens to `live`.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        connections: Arc<Connections>,
        projectors: Arc<Projectors>,
        readiness: Readiness,
    ) -> Self {
        Self { live, connections, projectors, readiness, announced: Mutex::default() }
    }
}

impl Observer for Announcer {
    fn published(&self) {
        let Some(published) = self.live.published() else { return };
        let current = published.current().version();
        let before = self.announced.lock().unwrap_or_else(PoisonError::into_inner).replace(current);
        let transition = before.and_then(|before| published.transition(before));
        let changes = self.projectors.update();
        self.readiness.set_ready();
        self.connections.announce(News { transition: transition.as_deref(), projectors: &changes });
    }

    fn waiting(&self, reason: &str) {
        self.readiness.set_not_ready(reason);
    }
}
