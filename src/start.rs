//! How does the service start: with Redis, or as a demo?

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adapters::django::{DjangoAuthenticator, DjangoSecret, FixedAuthenticator};
use adapters::http::acceptor::{Acceptor, TcpAcceptor};
use adapters::http::connections::Rhythm;
use adapters::http::limits::Limits;
use adapters::memory::{MemoryApplauseStore, MemoryAuthenticator, MemoryElementStore, MemoryMessageBus, MemoryServer};
use adapters::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisAuthority, RedisElementStore, RedisIdentity, RedisLimits,
    RedisMessageBus, RedisSentinels, RedisSessions,
};
use adapters::system::SystemClock;
use adapters::tls::{TlsMode, TlsServer};
use domain::history::HistoryLimits;
use domain::ids::{ChangeId, UserId};
use domain::live::PiecesLimit;
use domain::notify::routing::BufferLimits;
use domain::ports::authenticator::Authenticator;
use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

use crate::config::{Config, FakeAuth};
use crate::wiring::{MetricsAccess, Ports, Settings};
use crate::{demo, demo_loop, wiring};

/// Why the service does not start: a text that says what to do.
pub(crate) type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The status after a second signal.
const IMPATIENT: i32 = 2;

/// Serves the meeting in Redis until a signal.
pub(crate) async fn serve(config: Config, listeners: Vec<TcpListener>) -> Result<ExitCode, StartError> {
    let redis = redis(&config)?;
    let authenticator: Arc<dyn Authenticator> = match config.fake_auth {
        FakeAuth::Off => {
            let secret = DjangoSecret::from_file(&config.secret_file)?;
            Arc::new(DjangoAuthenticator::new(secret, Arc::new(RedisSessions::new(&redis, &config.session_prefix))))
        }
        FakeAuth::Anonymous => fixed(None),
        FakeAuth::User(user) => fixed(Some(user)),
    };
    let ports = Ports {
        store: Arc::new(RedisElementStore::new(&redis)),
        bus: Arc::new(RedisMessageBus::new(&redis)),
        authenticator,
        applause: Arc::new(RedisApplauseStore::new(&redis)),
        clock: Arc::new(SystemClock::new()),
    };
    let failures = move || redis.failures();
    run(config, ports, listeners, Box::new(failures), |_| {}).await
}

fn redis(config: &Config) -> Result<Redis, StartError> {
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
pub(crate) async fn serve_demo(config: Config, listeners: Vec<TcpListener>) -> Result<ExitCode, StartError> {
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
    let story = tokio::spawn(demo_loop::tell(server, meeting, ports.clone()));
    let status = run(config, ports, listeners, Box::new(|| 0), demo_loop::greet).await;
    story.abort();
    status
}

fn fixed(user: Option<UserId>) -> Arc<dyn Authenticator> {
    warn!(?user, "FAKE_AUTH is set: there is NO AUTHENTICATION, every request is served as this user");
    Arc::new(FixedAuthenticator::new(user))
}

/// `listening` is called with the port once clients can come.
async fn run(
    config: Config,
    ports: Ports,
    listeners: Vec<TcpListener>,
    redis_failures: Box<dyn Fn() -> u64 + Send + Sync>,
    listening: impl FnOnce(u16),
) -> Result<ExitCode, StartError> {
    let tls = match config.tls {
        TlsMode::Off => None,
        TlsMode::Both | TlsMode::Only => {
            let (server, watch) = TlsServer::new(config.certificates())?;
            if let Some(watch) = watch {
                tokio::spawn(watch.run());
            }
            Some(server)
        }
    };
    let acceptor = TcpAcceptor::new(listeners)?;
    let metrics = match config.metrics_address.0 {
        None => None,
        Some(address) => Some(MetricsAccess { acceptor: metrics_acceptor(address)?, redis_failures }),
    };
    let stop = stop_signal()?;
    // Not the configured one if that is 0, or if sockets were handed in.
    listening(acceptor.local_addresses().first().map_or(config.autoupdate_port, SocketAddr::port));
    wiring::run_with_metrics(ports, settings(&config)?, acceptor, tls, metrics, stop).await;
    Ok(ExitCode::SUCCESS)
}

fn metrics_acceptor(address: SocketAddr) -> Result<TcpAcceptor, StartError> {
    let sockets = std::net::TcpListener::bind(address).map_err(|error| {
        format!(
            "METRICS_ADDRESS={address} cannot be listened on: {error}; give a free port of this machine, or nothing"
        )
    })?;
    Ok(TcpAcceptor::new(vec![sockets])?)
}

fn settings(config: &Config) -> Result<Settings, StartError> {
    let drain = Duration::from_secs(config.drain_seconds);
    // A stream that was told to end needs a moment for its last line.
    const LAST_LINES: Duration = Duration::from_secs(2);
    Ok(Settings {
        cookie_name: config.cookie_name.clone(),
        reconcile: Duration::from_secs(config.reconcile_seconds),
        session_check: Duration::from_secs(config.session_check_seconds),
        rhythm: Rhythm {
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
        pieces: match config.pieces_bytes_max {
            0 => PiecesLimit::Automatic,
            bytes => PiecesLimit::Bytes(bytes),
        },
        drain,
        limits: Limits { connections_max: config.connections_max, drain: drain + LAST_LINES, ..Limits::default() },
        tls: config.tls,
    })
}

/// Returns at the first signal to stop. At the second one the process ends at once.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            warn!("stopping at once");
            std::process::exit(IMPATIENT);
        });
    })
}
