//! Which part is connected with which? The composition root.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapters::http::acceptor::Acceptor;
use adapters::http::applause::Applause;
use adapters::http::autoupdate::Autoupdate;
use adapters::http::connection::ConnectionContext;
use adapters::http::connections::{Connections, Rhythm};
use adapters::http::drain::drain;
use adapters::http::gate::Gate;
use adapters::http::health::Readiness;
use adapters::http::limits::Limits;
use adapters::http::metrics::serve_metrics;
use adapters::http::notify::Notify;
use adapters::http::notify_send::NotifySend;
use adapters::http::projector::Projector;
use adapters::http::projectors::Projectors;
use adapters::http::router::{Router, ServiceRoute};
use adapters::http::server::serve;
use adapters::http::stream_response::{Compression, Streams};
use adapters::metrics::{IngestCounters, Metrics, Sources};
use adapters::tls::{TlsMode, TlsServer};
use domain::applause::Audience;
use domain::history::HistoryLimits;
use domain::live::{Live, PiecesLimit};
use domain::notify::channel_id::ProcessTag;
use domain::notify::routing::{BufferLimits, NotifyHub};
use domain::ports::applause_store::ApplauseStore;
use domain::ports::authenticator::Authenticator;
use domain::ports::clock::Clock;
use domain::ports::element_store::ElementStore;
use domain::ports::message_bus::MessageBus;
use tokio::task::JoinSet;
use tracing::info;

use crate::applause::run_applause_loop;
use crate::ingest::{CatchUp, Ingest};
use crate::notify::run_notify_loop;
use crate::tasks;

/// The outside of the service, behind its ports.
#[derive(Clone)]
pub struct Ports {
    /// The meeting.
    pub store: Arc<dyn ElementStore>,
    /// Changes and messages.
    pub bus: Arc<dyn MessageBus>,
    /// Sessions.
    pub authenticator: Arc<dyn Authenticator>,
    /// Applause.
    pub applause: Arc<dyn ApplauseStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What the service is told about how to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the session cookie.
    pub cookie_name: String,
    /// How often the meeting is held against the store.
    pub reconcile: Duration,
    /// How often sessions are checked; zero: never.
    pub session_check: Duration,
    /// How often streams are told something although nothing happened.
    pub rhythm: Rhythm,
    /// After how many bytes of text a stream is ended; 0: never.
    pub stream_bytes_max: u64,
    /// How often applause is counted.
    pub applause_interval: Duration,
    /// How far a listener to messages may fall behind.
    pub notify_buffer: BufferLimits,
    /// What makes the channel ids of this process unique: drawn at random.
    pub process_tag: u64,
    /// When streams are compressed.
    pub compression: Compression,
    /// How much of the past is kept.
    pub history: HistoryLimits,
    /// How much of what was rendered is kept.
    pub pieces: PiecesLimit,
    /// Over how long a time streams are ended when the service stops.
    pub drain: Duration,
    /// What clients may ask of a connection.
    pub limits: Limits,
    /// Which of HTTP and HTTPS is served.
    pub tls: TlsMode,
}

/// Where metrics are served, and what is read for them that is behind the ports.
pub struct MetricsAccess<A> {
    /// The connections of those who ask.
    pub acceptor: A,
    /// How often the store and the bus failed since the start.
    pub redis_failures: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Serves until `stop` returns and everything has ended, or was cut.
pub async fn run<A: Acceptor + 'static>(
    ports: Ports,
    settings: Settings,
    acceptor: A,
    tls: Option<TlsServer>,
    stop: impl Future<Output = ()>,
) {
    run_with_metrics(ports, settings, acceptor, tls, None, stop).await;
}

/// As [`run`], and serves metrics until everything has ended.
pub async fn run_with_metrics<A: Acceptor + 'static>(
    ports: Ports,
    settings: Settings,
    acceptor: A,
    tls: Option<TlsServer>,
    metrics: Option<MetricsAccess<A>>,
    stop: impl Future<Output = ()>,
) {
    let addresses: Vec<SocketAddr> = acceptor.local_addresses();
    info!(?addresses, tls = %settings.tls, "listening");
    let live = Arc::new(Live::new(settings.history, settings.pieces));
    let connections = Connections::new(settings.rhythm);
    let projectors = Projectors::new(Arc::clone(&live));
    let hub = Arc::new(NotifyHub::new(ProcessTag::from_random(settings.process_tag), settings.notify_buffer));
    let readiness = Readiness::not_ready("the meeting is not loaded yet");
    let (catch_up, requests) = CatchUp::new();
    let ingest_counters = Arc::new(IngestCounters::default());

    // Ended when this function returns.
    let mut background = JoinSet::new();
    let ingest = Ingest {
        store: Arc::clone(&ports.store),
        bus: Arc::clone(&ports.bus),
        live: Arc::clone(&live),
        clock: Arc::clone(&ports.clock),
        reconcile_interval: settings.reconcile,
        observer: Arc::new(tasks::Announcer {
            live: Arc::clone(&live),
            connections: Arc::clone(&connections),
            projectors: Arc::clone(&projectors),
            readiness: readiness.clone(),
            announced: Mutex::default(),
        }),
        counters: Arc::clone(&ingest_counters),
        requests,
    };
    background.spawn(ingest.run());
    background.spawn(tasks::tick(Arc::clone(&connections), Arc::clone(&ports.clock)));
    background.spawn(run_notify_loop(Arc::clone(&ports.bus), Arc::clone(&hub), Arc::clone(&ports.clock)));
    let audience = Arc::clone(&live);
    background.spawn(run_applause_loop(
        Arc::clone(&ports.applause),
        Arc::clone(&hub),
        Arc::clone(&ports.clock),
        settings.applause_interval,
        move || audience.published().map(|published| Audience::of(published.current())),
    ));
    if !settings.session_check.is_zero() {
        background.spawn(tasks::check_sessions(
            Arc::clone(&connections),
            Arc::clone(&ports.authenticator),
            Arc::clone(&ports.store),
            Arc::clone(&ports.clock),
            settings.session_check,
        ));
    }

    let gate = Gate {
        authenticator: Arc::clone(&ports.authenticator),
        live: Arc::clone(&live),
        catch_up: Arc::new(catch_up),
        cookie_name: settings.cookie_name.into(),
    };
    let streams = Streams {
        connections: Arc::clone(&connections),
        compression: settings.compression,
        text_bytes_max: settings.stream_bytes_max,
    };
    let service = Router::new(readiness.clone())
        .with(
            ServiceRoute::Autoupdate,
            Autoupdate::new(gate.clone(), Arc::clone(&live), Arc::clone(&ports.store), streams.clone()),
        )
        .with(
            ServiceRoute::Projector,
            Projector { gate: gate.clone(), live: Arc::clone(&live), projectors, streams: streams.clone() },
        )
        .with(
            ServiceRoute::Notify,
            Notify { gate: gate.clone(), live: Arc::clone(&live), hub: Arc::clone(&hub), streams },
        )
        .with(ServiceRoute::NotifySend, NotifySend { gate: gate.clone(), bus: ports.bus })
        .with(ServiceRoute::Applause, Applause { gate, store: ports.applause })
        .into_service();

    if let Some(MetricsAccess { acceptor, redis_failures }) = metrics {
        info!(addresses = ?acceptor.local_addresses(), "serving metrics");
        let metrics = Metrics::new(Sources {
            live,
            ingest: ingest_counters,
            connections: Arc::clone(&connections),
            hub,
            readiness: readiness.clone(),
            http: Arc::clone(service.counters()),
            redis_failures,
        });
        background.spawn(serve_metrics(acceptor, metrics));
    }

    let (trigger, drained) = drain();
    let context = ConnectionContext::new(service, settings.tls, tls, &settings.limits);
    let serving = serve(acceptor, context, settings.limits, drained);
    let stopping = async {
        stop.await;
        tasks::drain(connections, readiness, trigger, ports.clock, settings.drain).await;
    };
    let (served, ()) = tokio::join!(serving, stopping);
    info!(cut_connections = served.cut, "stopped");
}
