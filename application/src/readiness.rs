//! Can the service be used now?

use std::sync::{Arc, PoisonError, RwLock};

/// What the service tells about itself; all clones are the same one.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug)]
enum State {
    NotReady(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Not ready, for a reason that is told to whoever asks: it MUST hold nothing of the meeting.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(State::NotReady(reason.into()))))
    }

    /// From now on the meeting is there.
    pub fn set_ready(&self) {
        self.set(State::Ready);
    }

    /// From now on the service cannot be used, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.set(State::NotReady(reason.into()));
    }

    /// The service is about to stop; this is final.
    pub fn set_stopping(&self) {
        self.set(State::Stopping);
    }

    /// Why the service cannot be used now; `None`: it can.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready => None,
            State::NotReady(reason) => Some(reason.clone()),
            State::Stopping => Some("the service is stopping".to_owned()),
        }
    }

    fn set(&self, state: State) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, State::Stopping) {
            *current = state;
        }
    }
}
