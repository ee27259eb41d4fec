//! How does a test run the whole service in process? With everything that the program wires, on real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::django::{DjangoAuthenticator, DjangoSecret, FixedAuthenticator};
use adapters::http::acceptor::TcpAcceptor;
use adapters::http::limits::Limits;
use adapters::http::listen::bind;
use adapters::http::stream_response::Compression;
use adapters::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisElementStore, RedisLimits, RedisMessageBus, RedisSessions,
};
use adapters::system::SystemClock;
use adapters::tls::{TlsMode, TlsServer};
use application::notify::hub::BufferLimits;
use application::publishing::publisher::RenderCacheLimit;
use application::streams::registry::KeepAliveSettings;
use autoupdate::wiring::{Page, Ports, Settings, run};
use domain::ids::UserId;
use domain::meeting::history::HistoryLimits;
use domain::ports::clock::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Browser, Protocol, SECRET, within};

/// So long that it never elapses during a test.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings that a test may change. By default nothing happens merely because time passes.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// `Some`: every request is served as this user, as with `FAKE_AUTH`.
    pub(crate) fake_auth: Option<Option<UserId>>,
    pub(crate) redis_limits: RedisLimits,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A service that runs in the process of the test.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Service {
    /// Starts a service on this Redis.
    pub(crate) fn start(redis: &RedisAddress, choose: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            settings: settings(),
            fake_auth: None,
            redis_limits: RedisLimits::default(),
            clock: Arc::new(SystemClock::new()),
        };
        choose(&mut setup);
        let redis = Redis::new(redis, redis, setup.redis_limits).expect("an address");
        let ports = Ports {
            store: Arc::new(RedisElementStore::new(&redis)),
            bus: Arc::new(RedisMessageBus::new(&redis)),
            authenticator: match setup.fake_auth {
                None => Arc::new(DjangoAuthenticator::new(
                    DjangoSecret::new(SECRET),
                    Arc::new(RedisSessions::new(&redis, "session:")),
                )),
                Some(user) => Arc::new(FixedAuthenticator::new(user)),
            },
            applause: Arc::new(RedisApplauseStore::new(&redis)),
            clock: setup.clock,
        };
        let acceptor = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
        let address = acceptor.local_addresses()[0];
        let (tls, _) = TlsServer::new(None).expect("a certificate");
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(run(ports, setup.settings, acceptor, Some(tls), stopped));
        Self { address, stop, task }
    }

    /// Starts a service and waits until it has loaded the meeting.
    pub(crate) async fn ready(redis: &RedisAddress, choose: impl FnOnce(&mut Setup)) -> Self {
        let service = Self::start(redis, choose);
        service.browser().until_healthy().await;
        service
    }

    /// Creates a client without a session.
    pub(crate) fn browser(&self) -> Browser {
        self.speaking(Protocol::Http1)
    }

    /// Creates a client with this protocol.
    pub(crate) fn speaking(&self, protocol: Protocol) -> Browser {
        Browser::new(self.address, protocol)
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) {
        self.begin_stop().ended().await;
    }

    /// Begins to stop it.
    pub(crate) fn begin_stop(self) -> Stopping {
        let _ = self.stop.send(());
        Stopping { task: self.task }
    }
}

/// A service that is stopping.
pub(crate) struct Stopping {
    task: JoinHandle<()>,
}

impl Stopping {
    /// Waits for its end.
    pub(crate) async fn ended(self) {
        within("the stop", self.task).await.expect("no panic");
    }
}

fn settings() -> Settings {
    Settings {
        cookie_name: "OpenSlidesSessionID".to_owned(),
        reconcile: NEVER,
        session_check: Duration::ZERO,
        keep_alive: KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
        stream_bytes_max: 0,
        applause_interval: NEVER,
        notify_buffer: BufferLimits::default(),
        process_tag: 1,
        compression: Compression::Auto,
        history: HistoryLimits::default(),
        render_cache: RenderCacheLimit::Automatic,
        shutdown_delay: Duration::ZERO,
        drain: Duration::ZERO,
        limits: Limits::default(),
        tls: TlsMode::Both,
        unconfirmed_max: Duration::from_secs(30),
        page: Page::Off,
    }
}
