//! How does an instance of the service run in a world? As shipped, assembled by `wiring`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters::django::{DjangoAuthenticator, DjangoSecret, OtherSecretLog};
use adapters::http::limits::Limits;
use adapters::http::stream_response::Compression;
use adapters::redis::{Redis, RedisApplauseStore, RedisElementStore, RedisMessageBus, RedisSessions};
use adapters::tls::TlsMode;
use application::notify::hub::BufferLimits;
use application::publishing::publisher::RenderCacheLimit;
use application::streams::registry::KeepAliveSettings;
use autoupdate::wiring::{Page, Ports, Settings, run};
use domain::meeting::history::HistoryLimits;
use domain::ports::clock::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::WorldClock;
use crate::encryption;
use crate::network::{Door, door};
use crate::server::SECRET;

/// The default name of the session cookie.
pub(crate) const COOKIE: &str = "OpenSlidesSessionID";

/// A running instance.
pub(crate) struct Instance {
    /// Where clients connect.
    pub(crate) door: Door,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Instance {
    /// Starts an instance that keeps `versions_max` past versions.
    pub(crate) fn start(redis: &Redis, clock: &Arc<WorldClock>, versions_max: usize, process_tag: u64) -> Self {
        let (door, acceptor) = door();
        let (stop, stopped) = oneshot::channel();
        let ports = ports(redis, clock);
        let settings = settings(versions_max, process_tag);
        let running = tokio::spawn(run(ports, settings, acceptor, Some(encryption::server()), async {
            let _ = stopped.await;
        }));
        Self { door, stop, running }
    }

    /// Stops it as a signal would, and returns once it has ended.
    ///
    /// # Errors
    /// If it panicked.
    pub(crate) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(());
        self.running.await.map_err(|error| format!("the service ended by itself: {error}"))
    }

    /// Kills it, whatever it is doing.
    pub(crate) async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
    }
}

fn ports(redis: &Redis, clock: &Arc<WorldClock>) -> Ports {
    let clock: Arc<dyn Clock> = Arc::<WorldClock>::clone(clock);
    let sessions = Arc::new(RedisSessions::new(redis, "session:"));
    let other_secret = OtherSecretLog::new(Path::new("/run/secrets/django"), Arc::clone(&clock));
    Ports {
        store: Arc::new(RedisElementStore::new(redis)),
        bus: Arc::new(RedisMessageBus::new(redis)),
        authenticator: Arc::new(DjangoAuthenticator::new(DjangoSecret::new(SECRET), sessions).logging(other_secret)),
        applause: Arc::new(RedisApplauseStore::new(redis)),
        clock,
    }
}

/// The default settings, except for the number of versions kept.
fn settings(versions_max: usize, process_tag: u64) -> Settings {
    const DRAIN_SECONDS: u64 = 1;
    Settings {
        cookie_name: COOKIE.to_owned(),
        reconcile: Duration::from_secs(3),
        session_check: Duration::from_secs(60),
        keep_alive: KeepAliveSettings { keep_alive_seconds: 30, quiet_line_seconds: 240 },
        stream_bytes_max: 268_435_456,
        applause_interval: Duration::from_secs(1),
        notify_buffer: BufferLimits { messages_max: 1_000, ..BufferLimits::default() },
        process_tag,
        compression: Compression::Auto,
        history: HistoryLimits { versions_max, age_max: Duration::from_secs(600), bytes_max: 268_435_456 },
        render_cache: RenderCacheLimit::Automatic,
        shutdown_delay: Duration::ZERO,
        drain: Duration::from_secs(DRAIN_SECONDS),
        limits: Limits::new(20_000, DRAIN_SECONDS),
        tls: TlsMode::Both,
        unconfirmed_max: Duration::from_secs(30),
        page: Page::Off,
    }
}
