//! Can the service be used now?

use std::sync::{Arc, PoisonError, RwLock};

/// What the service tells about itself; all clones are the same one.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<ReadinessState>>);

#[derive(Debug)]
enum ReadinessState {
    NotReady(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Not ready, for a reason that is told to whoever asks: it MUST hold nothing of the meeting.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(ReadinessState::NotReady(reason.into()))))
    }

    /// From now on the meeting is there.
    pub fn set_ready(&self) {
        self.set(ReadinessState::Ready);
    }

    /// From now on the service cannot be used, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.set(ReadinessState::NotReady(reason.into()));
    }

    /// The service is about to stop; this is final.
    pub fn set_stopping(&self) {
        self.set(ReadinessState::Stopping);
    }

    /// Why the service cannot be used now; `None`: it can.
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
