//! How does the service start: with Redis, or as a demo?

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adapters::django::{DjangoAuthenticator, DjangoSecret, FixedAuthenticator, OtherSecretLog};
use adapters::http::acceptor::Acceptor;
use adapters::http::address::Address;
use adapters::http::limits::{FairShares, Limits};
use adapters::http::listen::bind;
use adapters::http::socket_acceptor::SocketAcceptor;
use adapters::memory::{MemoryApplauseStore, MemoryAuthenticator, MemoryElementStore, MemoryMessageBus, MemoryServer};
use adapters::metrics::Outside;
use adapters::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisAuthority, RedisElementStore, RedisIdentity, RedisLimits,
    RedisMessageBus, RedisSentinels, RedisSessions, RedisState, RedisUp,
};
use adapters::system::SystemClock;
use adapters::tls::{TlsMode, TlsServer};
use application::limits::streams::StreamLimits;
use application::notify::hub::BufferLimits;
use application::publishing::publisher::RenderCacheLimit;
use application::streams::registry::KeepAliveSettings;
use domain::ids::{ChangeId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::ports::authenticator::Authenticator;
use domain::ports::clock::Clock;
use tracing::warn;

use crate::config::{Config, FakeAuth, ListenHost, Switch};
use crate::service_manager::ServiceManager;
use crate::signals::Signals;
use crate::sockets::Sockets;
use crate::wiring::{Around, MetricsAccess, Page, Ports, Settings};
use crate::{demo, demo_loop, telemetry, wiring};

/// Why the service does not start: a text that says what to do.
pub(crate) type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Serves the meeting in Redis until a signal.
pub(crate) async fn serve(config: Config, sockets: Sockets, signals: Signals) -> Result<ExitCode, StartError> {
    let redis = redis(&config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let authenticator: Arc<dyn Authenticator> = match config.fake_auth {
        FakeAuth::Off => {
            let secret = DjangoSecret::from_file(&config.secret_file)?;
            let sessions = Arc::new(RedisSessions::new(&redis, &config.session_prefix));
            let other_secret = OtherSecretLog::new(&config.secret_file, Arc::clone(&clock));
            Arc::new(DjangoAuthenticator::new(secret, sessions).logging(other_secret))
        }
        FakeAuth::Anonymous => fixed(None),
        FakeAuth::User(user) => fixed(Some(user)),
    };
    let ports = Ports {
        store: Arc::new(RedisElementStore::new(&redis)),
        bus: Arc::new(RedisMessageBus::new(&redis)),
        authenticator,
        applause: Arc::new(RedisApplauseStore::new(&redis)),
        clock,
    };
    let state = move || RedisState { failures: redis.failures(), up: redis.are_up() };
    let settings = settings(&config)?;
    run(config, settings, ports, sockets, signals, Box::new(state), |_| {}).await
}

/// Returns the connections to Redis that the settings describe; they are opened on demand.
pub(crate) fn redis(config: &Config) -> Result<Redis, StartError> {
    let authority = config.redis_authority().map(RedisAuthority::from_file).transpose()?;
    let identity = config.redis_identity().map(|(certificate, key)| RedisIdentity::from_files(certificate, key));
    let identity = identity.transpose()?;
    let with_tls = |address: RedisAddress| {
        let address = match &authority {
            Some(authority) => address.trusting(authority.clone()),
            None => address,
        };
        match &identity {
            Some(identity) => address.identified_by(identity.clone()),
            None => address,
        }
    };
    let limits = RedisLimits::default();
    Ok(match config.redis_sentinels() {
        Some(sentinels) => {
            let nodes = with_tls(sentinels.nodes.clone());
            Redis::by_sentinel(&RedisSentinels { nodes, ..sentinels }, limits)?
        }
        None => Redis::new(&with_tls(config.redis_read()), &with_tls(config.redis_write()), limits)?,
    })
}

/// Serves the demo's meeting until a signal.
pub(crate) async fn serve_demo(config: Config, sockets: Sockets, signals: Signals) -> Result<ExitCode, StartError> {
    let server = MemoryServer::new();
    let meeting = demo::meeting()?;
    let texts = meeting.iter().map(|(key, element)| (key, element.to_string()));
    server.rebuild(ChangeId(demo::FIRST_CHANGE_ID), texts);
    let authenticator = MemoryAuthenticator::new();
    for session in demo::SESSIONS {
        authenticator.log_in(session.cookie, Some(UserId(session.user_id)), None);
    }
    let ports = Ports {
        store: Arc::new(MemoryElementStore::new(&server)),
        bus: Arc::new(MemoryMessageBus::new(&server)),
        authenticator: Arc::new(authenticator),
        applause: Arc::new(MemoryApplauseStore::new(&server)),
        clock: Arc::new(SystemClock::new()),
    };
    let page = Page::Demo(demo::SESSIONS.map(|session| session.cookie).to_vec());
    let settings = Settings { page, ..settings(&config)? };
    let story = tokio::spawn(demo_loop::tell(server, meeting, ports.clone()));
    // Its meeting is in memory, which never fails.
    let state = || RedisState { failures: 0, up: RedisUp { read: true, write: true } };
    let status = run(config, settings, ports, sockets, signals, Box::new(state), demo_loop::greet).await;
    story.abort();
    status
}

fn fixed(user: Option<UserId>) -> Arc<dyn Authenticator> {
    warn!(?user, "FAKE_AUTH is set: there is NO AUTHENTICATION, every request is served as this user");
    Arc::new(FixedAuthenticator::new(user))
}

/// `listening` is called with the first address once clients can come.
async fn run(
    config: Config,
    settings: Settings,
    ports: Ports,
    sockets: Sockets,
    signals: Signals,
    redis: Box<dyn Fn() -> RedisState + Send + Sync>,
    listening: impl FnOnce(&Address),
) -> Result<ExitCode, StartError> {
    let mut reread = None;
    let tls = match config.tls {
        TlsMode::Off => None,
        TlsMode::Both | TlsMode::Only => {
            let (server, watch) = TlsServer::new(config.certificates())?;
            if let Some(watch) = watch {
                let watch = match &config.autoupdate_host {
                    ListenHost::Network(host) => watch.for_host(host),
                    ListenHost::Unix(_) => watch,
                };
                reread = Some(watch.reread());
                tokio::spawn(watch.run(Arc::clone(&ports.clock)));
            }
            Some(server)
        }
    };
    let acceptor = sockets.acceptor()?;
    let metrics = match &config.metrics_address.0 {
        None => None,
        Some((host, port)) => Some(MetricsAccess {
            acceptor: metrics_acceptor(host, *port)?,
            outside: Outside {
                redis,
                certificate_ends_at: Box::new(certificate_ends_at(tls.clone())),
                log_lines_dropped: Box::new(telemetry::dropped_lines),
            },
        }),
    };
    // Not what is configured if the port is 0, or if sockets were handed in.
    if let Some(address) = acceptor.listening_on().first() {
        listening(address);
    }
    let manager = ServiceManager::of_this_process();
    let around = Around { metrics, manager };
    wiring::run_within(ports, settings, acceptor, tls, around, signals.stop(reread, manager)).await;
    Ok(ExitCode::SUCCESS)
}

fn certificate_ends_at(tls: Option<TlsServer>) -> impl Fn() -> Option<u64> + Send + Sync {
    move || tls.as_ref()?.certificate_ends_at()
}

fn metrics_acceptor(host: &str, port: u16) -> Result<SocketAcceptor, StartError> {
    let sockets = bind(host, port).map_err(|error| {
        format!(
            "METRICS_ADDRESS cannot be listened on (host {host:?}, port {port}): {}; give a free port of an address of this \
             machine, or nothing",
            error.cause()
        )
    })?;
    Ok(Sockets::from(sockets).acceptor()?)
}

fn settings(config: &Config) -> Result<Settings, StartError> {
    Ok(Settings {
        cookie_name: config.cookie_name.clone(),
        reconcile: Duration::from_secs(config.reconcile_seconds),
        session_check: Duration::from_secs(config.session_check_seconds),
        keep_alive: KeepAliveSettings {
            keep_alive_seconds: u32::try_from(config.keep_alive_seconds).unwrap_or(u32::MAX),
            quiet_line_seconds: u32::try_from(config.quiet_line_seconds).unwrap_or(u32::MAX),
        },
        stream_bytes_max: config.stream_bytes_max,
        applause_interval: Duration::from_millis(config.applause_interval_ms),
        notify_buffer: BufferLimits { messages_max: config.notify_buffer_max, ..BufferLimits::default() },
        process_tag: getrandom::u64()?,
        compression: config.compression,
        history: HistoryLimits {
            versions_max: config.history_versions_max,
            age_max: Duration::from_secs(config.history_seconds_max),
            bytes_max: usize::try_from(config.history_bytes_max).unwrap_or(usize::MAX),
        },
        render_cache: match config.render_cache_bytes_max {
            0 => RenderCacheLimit::Automatic,
            bytes => RenderCacheLimit::Bytes(bytes),
        },
        shutdown_delay: Duration::from_secs(config.shutdown_delay_seconds),
        drain: Duration::from_secs(config.drain_seconds),
        limits: Limits { shares: shares(config), ..Limits::new(config.connections_max, config.drain_seconds) },
        tls: config.tls,
        unconfirmed_max: Duration::from_secs(config.ready_stale_seconds_max.max(2 * config.reconcile_seconds)),
        page: match config.inspector {
            Switch::Off => Page::Off,
            Switch::On => Page::OwnSession,
        },
    })
}

fn shares(config: &Config) -> FairShares {
    let or_none = |count| if count == 0 { usize::MAX } else { count };
    FairShares {
        connections_per_address_max: or_none(config.connections_per_address_max),
        streams: StreamLimits {
            all_max: or_none(config.streams_max),
            per_user_max: or_none(config.streams_per_user_max),
            per_address_max: or_none(config.streams_per_address_max),
        },
        sends_per_minute_max: config.sends_per_minute_max,
        claps_per_minute_max: config.claps_per_minute_max,
        trusted_proxies: config.trusted_proxies.clone(),
    }
}
