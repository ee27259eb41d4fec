//! Can the service be used right now?

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What the service says about its own health; all clones share it.
#[derive(Clone, Debug)]
pub struct Readiness {
    state: Arc<RwLock<ReadinessState>>,
    freshness: Option<Arc<Freshness>>,
}

#[derive(Debug)]
enum ReadinessState {
    NotReady(String),
    Ready,
    Stopping,
}

/// What decides whether new clients are better off with another instance (spec: http.md#ready).
pub struct Freshness {
    /// What operators call the store.
    pub store: &'static str,
    /// Returns for how long nobody has known whether the meeting still is that of the store.
    pub unconfirmed_for: Box<dyn Fn() -> Duration + Send + Sync>,
    /// For how long that may be.
    pub unconfirmed_max: Duration,
    /// Returns whether messages can be written.
    pub can_publish: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Readiness {
    /// Creates a service that is not ready, for a reason that anybody may read: it MUST NOT contain meeting data.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self { state: Arc::new(RwLock::new(ReadinessState::NotReady(reason.into()))), freshness: None }
    }

    /// Also looks at this before new clients are invited.
    #[must_use]
    pub fn with_freshness(self, freshness: Freshness) -> Self {
        Self { freshness: Some(Arc::new(freshness)), ..self }
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
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            ReadinessState::Ready => None,
            ReadinessState::NotReady(reason) => Some(reason.clone()),
            ReadinessState::Stopping => Some("the service is stopping".to_owned()),
        }
    }

    /// Returns why new clients should go elsewhere now; `None` if they are welcome. Clients that are connected are
    /// served all the same.
    #[must_use]
    pub fn problem_of_new_clients(&self) -> Option<String> {
        self.problem().or_else(|| self.freshness.as_ref()?.problem())
    }

    fn set(&self, state: ReadinessState) {
        let mut current = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, ReadinessState::Stopping) {
            *current = state;
        }
    }
}

impl Freshness {
    fn problem(&self) -> Option<String> {
        let unconfirmed = (self.unconfirmed_for)();
        if unconfirmed > self.unconfirmed_max {
            let seconds = unconfirmed.as_secs();
            return Some(format!("for {seconds} s the meeting could not be compared with {}", self.store));
        }
        (!(self.can_publish)()).then(|| format!("{} for writing does not answer", self.store))
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Freshness").field("problem", &self.problem()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::clock::Clock;
    use domain::testing::ManualClock;

    use super::*;

    /// Returns a service whose meeting was confirmed 30 s after the start, and may be unconfirmed for 10 s.
    fn readiness(clock: &ManualClock, can_publish: bool) -> Readiness {
        let clock = clock.clone();
        let freshness = Freshness {
            store: "Redis",
            unconfirmed_for: Box::new(move || clock.monotonic().saturating_sub(Duration::from_secs(30))),
            unconfirmed_max: Duration::from_secs(10),
            can_publish: Box::new(move || can_publish),
        };
        Readiness::not_ready("loading").with_freshness(freshness)
    }

    /// (spec: http.md#ready)
    #[test]
    fn new_clients_go_elsewhere_while_the_meeting_is_unconfirmed() {
        let clock = ManualClock::new(0);
        let readiness = readiness(&clock, true);
        assert_eq!(readiness.problem_of_new_clients().as_deref(), Some("loading"));
        readiness.set_ready();
        clock.advance(Duration::from_secs(40));
        assert_eq!(readiness.problem_of_new_clients(), None);
        clock.advance(Duration::from_secs(1));
        let expected = "for 11 s the meeting could not be compared with Redis";
        assert_eq!(readiness.problem_of_new_clients().as_deref(), Some(expected));
        assert_eq!(readiness.problem(), None, "those who are here stay");
        readiness.set_stopping();
        assert_eq!(readiness.problem_of_new_clients().as_deref(), Some("the service is stopping"));
    }

    /// (spec: http.md#ready)
    #[test]
    fn new_clients_go_elsewhere_while_nothing_can_be_written() {
        let readiness = readiness(&ManualClock::new(0), false);
        readiness.set_ready();
        assert_eq!(readiness.problem_of_new_clients().as_deref(), Some("Redis for writing does not answer"));
        assert_eq!(readiness.problem(), None);
    }
}
