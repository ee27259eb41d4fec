//! How does everything that serves clients learn that the service is about to stop?

use tokio_util::sync::CancellationToken;

/// Returns a trigger for draining, and the handle by which to observe it.
#[must_use]
pub fn drain() -> (DrainTrigger, Drain) {
    let token = CancellationToken::new();
    (DrainTrigger(token.clone()), Drain(token))
}

/// Begins draining. Dropping it does so too, because nobody is left who could.
#[derive(Debug)]
pub struct DrainTrigger(CancellationToken);

impl DrainTrigger {
    /// Begins draining; this cannot be undone.
    pub fn begin(&self) {
        self.0.cancel();
    }
}

impl Drop for DrainTrigger {
    fn drop(&mut self) {
        self.begin();
    }
}

/// Observes draining. Observers are notified in the order in which they began to wait, which keeps simulations
/// reproducible.
#[derive(Clone, Debug)]
pub struct Drain(CancellationToken);

impl Drain {
    /// Returns once draining has begun: at once if it already has. May be dropped and called again.
    pub async fn begun(&mut self) {
        self.0.cancelled().await;
    }

    /// Returns whether draining has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_listener_notices_early_or_late() {
        let (trigger, mut early) = drain();
        assert!(!early.has_begun());
        let waiting = tokio::spawn(async move { early.begun().await });
        let mut late = Drain(trigger.0.clone());
        trigger.begin();
        waiting.await.expect("no panic");
        late.begun().await;
        late.begun().await;
        assert!(late.has_begun());
    }

    #[tokio::test]
    async fn a_dropped_trigger_counts_as_begun() {
        let (trigger, mut drain) = drain();
        drop(trigger);
        drain.begun().await;
        assert!(drain.has_begun());
    }
}
