//! What do the tests of background tasks share? A clock that never makes them wait, and a way to read what listeners
//! got.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::notify::hub::{BufferLimits, NotifyHub, NotifySubscription};
use async_trait::async_trait;
use domain::notify::channel_id::ProcessTag;
use domain::ports::clock::Clock;
use serde_json::Value;

/// A clock on which each sleep ends at once and advances the time; after `sleeps_max` sleeps, none ends.
pub(crate) struct JumpingClock {
    sleeps_max: usize,
    sleeps: Mutex<Vec<Duration>>,
    exhausted: tokio::sync::Notify,
}

/// The time at which the clock starts, in Unix seconds.
pub(crate) const START_SECONDS: u64 = 1_000;

impl JumpingClock {
    pub(crate) fn new(sleeps_max: usize) -> Arc<Self> {
        Arc::new(Self { sleeps_max, sleeps: Mutex::default(), exhausted: tokio::sync::Notify::new() })
    }

    pub(crate) fn sleeps(&self) -> Vec<Duration> {
        self.sleeps.lock().expect("no test panics while it holds the lock").clone()
    }

    /// Returns once a sleep begins that never ends.
    pub(crate) async fn exhausted(&self) {
        self.exhausted.notified().await;
    }
}

#[async_trait]
impl Clock for JumpingClock {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(START_SECONDS) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.sleeps().iter().sum()
    }

    async fn sleep(&self, duration: Duration) {
        if self.sleeps().len() == self.sleeps_max {
            self.exhausted.notify_one();
            std::future::pending::<()>().await;
        }
        self.sleeps.lock().expect("no test panics while it holds the lock").push(duration);
    }
}

pub(crate) fn hub() -> Arc<NotifyHub> {
    Arc::new(NotifyHub::new(ProcessTag::from_random(7), BufferLimits::default()))
}

/// Runs an endless loop until `done` is ready.
pub(crate) async fn until(done: impl Future<Output = ()>, endless: impl Future<Output = ()>) {
    tokio::select! {
        () = done => {}
        () = endless => panic!("the loop ended"),
    }
}

/// Returns the lines waiting for a listener, as JSON.
pub(crate) fn received(subscription: &mut NotifySubscription) -> Vec<Value> {
    let mut lines = Vec::new();
    while let Poll::Ready(line) = subscription.poll_next(&mut Context::from_waker(Waker::noop())) {
        let line = line.expect("the listener is not ended");
        lines.push(serde_json::from_slice(line.plain()).expect("a line is JSON"));
    }
    lines
}
