//! Can the service be used right now?

use std::sync::{Arc, PoisonError, RwLock};

/// What the service says about its own health; all clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<ReadinessState>>);

#[derive(Debug)]
enum ReadinessState {
    NotReady(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Creates a service that is not ready, for a reason that anybody may read: it MUST NOT contain meeting data.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(ReadinessState::NotReady(reason.into()))))
    }

    /// Marks the meeting as available.
    pub fn set_ready(&self) {
        self.set(ReadinessState::Ready);
    }

    /// Marks the service as unusable, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.set(ReadinessState::NotReady(reason.into()));
    }

    /// Marks the service as stopping; this is final.
    pub fn set_stopping(&self) {
        self.set(ReadinessState::Stopping);
    }

    /// Returns why the service cannot be used now; `None` if it can.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            ReadinessState::Ready => None,
            ReadinessState::NotReady(reason) => Some(reason.clone()),
            ReadinessState::Stopping => Some("the service is stopping".to_owned()),
        }
    }

    fn set(&self, state: ReadinessState) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, ReadinessState::Stopping) {
            *current = state;
        }
    }
}
