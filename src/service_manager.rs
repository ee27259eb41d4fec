//! What is the service manager told? (spec: http.md#service-manager)
//!
//! The protocol is that of systemd (`sd_notify(3)`): datagrams to the socket in the variable `NOTIFY_SOCKET`. Without it,
//! nobody is told anything.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use application::readiness::Readiness;
use application::streams::registry::StreamRegistry;
use domain::ports::clock::Clock;
use sd_notify::NotifyState;
use tracing::{info, warn};

/// The longest time between two looks at what to tell.
const LOOK_SECONDS: u64 = 10;

/// Tells the service manager how the service is doing. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct ServiceManager {
    is_there: bool,
    /// How soon the service counts as hung if it gives no sign of life.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that started this process, if it wants to be told.
    #[must_use]
    pub fn of_this_process() -> Self {
        let is_there = env::var_os("NOTIFY_SOCKET").is_some();
        // A watchdog of no time would be fed without pause.
        let watchdog = sd_notify::watchdog_enabled().filter(|time| is_there && !time.is_zero());
        Self { is_there, watchdog }
    }

    /// Nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self { is_there: false, watchdog: None }
    }

    /// Tells that clients can connect, whether or not there is a meeting yet: it may take a while, and a restart would
    /// not help.
    pub(crate) fn listening(self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// Tells that settings are read again, until [`ServiceManager::reloaded`].
    pub(crate) fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            // Newer managers end a service that does not say since when.
            Err(error) => warn!(%error, "the service manager is not told of the reload: there is no monotonic time"),
        }
    }

    /// Tells that they were read.
    pub(crate) fn reloaded(self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// Tells that the service ends by itself.
    pub(crate) fn stopping(self, streams: usize) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(&format!("stopping, with {streams} streams open"))]);
    }

    /// Gives signs of life, and tells the status whenever it has changed, until it is dropped. A runtime that hangs gives
    /// none, since this is one of its tasks.
    pub(crate) async fn attend(self, state: ServiceState, clock: Arc<dyn Clock>) {
        if !self.is_there {
            return;
        }
        if let Some(watchdog) = self.watchdog {
            info!(seconds = watchdog.as_secs_f64(), "the service manager restarts the service if it hangs");
        }
        // Twice as often as necessary, as `sd_watchdog_enabled(3)` advises.
        let pause = Duration::from_secs(LOOK_SECONDS).min(self.watchdog.unwrap_or(Duration::MAX) / 2);
        let mut told = String::new();
        loop {
            let status = state.to_string();
            let is_news = status != told;
            let has_watchdog = self.watchdog.is_some();
            told.clone_from(&status);
            // A manager that does not read its socket delays nobody else.
            let telling = tokio::task::spawn_blocking(move || {
                let mut news = Vec::new();
                if has_watchdog {
                    news.push(NotifyState::Watchdog);
                }
                if is_news {
                    news.push(NotifyState::Status(&status));
                }
                self.tell(&news);
            });
            if let Err(error) = telling.await {
                warn!(%error, "the service manager was not told the status");
            }
            clock.sleep(pause).await;
        }
    }

    fn tell(self, news: &[NotifyState<'_>]) {
        if !self.is_there || news.is_empty() {
            return;
        }
        if let Err(error) = sd_notify::notify(news) {
            warn!(%error, "the service manager cannot be told the status; it may restart the service");
        }
    }
}

/// What the service manager is told to show.
pub(crate) struct ServiceState {
    pub(crate) readiness: Readiness,
    pub(crate) registry: Arc<StreamRegistry>,
}

impl std::fmt::Display for ServiceState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(reason) = self.readiness.problem() {
            return write!(formatter, "not serving: {reason}");
        }
        write!(formatter, "serving {} streams", self.registry.count())?;
        match self.readiness.problem_of_new_clients() {
            None => Ok(()),
            Some(reason) => write!(formatter, ", but not well: {reason}"),
        }
    }
}
