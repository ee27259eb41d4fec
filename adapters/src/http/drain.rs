//! How does everything that serves clients learn that the service is about to stop?

use tokio::sync::watch;

/// Returns a trigger for draining, and the handle by which to observe it.
#[must_use]
pub fn drain() -> (DrainTrigger, Drain) {
    let (sender, receiver) = watch::channel(false);
    (DrainTrigger(sender), Drain(receiver))
}

/// Begins draining. Dropping it does so too, because nobody is left who could.
#[derive(Debug)]
pub struct DrainTrigger(watch::Sender<bool>);

impl DrainTrigger {
    /// Begins draining; this cannot be undone.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

/// Observes draining.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<bool>);

impl Drain {
    /// Returns once draining has begun: at once if it already has. May be dropped and called again.
    pub async fn begun(&mut self) {
        // An error means that the trigger is gone.
        let _ = self.0.wait_for(|begun| *begun).await;
    }

    /// Returns whether draining has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_listener_hears_of_it_whenever_it_asks() {
        let (trigger, mut early) = drain();
        assert!(!early.has_begun());
        let waiting = tokio::spawn(async move { early.begun().await });
        let mut late = Drain(trigger.0.subscribe());
        trigger.begin();
        waiting.await.expect("told");
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
